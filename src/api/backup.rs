//! Private endpoints to the object storage of backups: `/backup/{cloudProvider}/privateEndpoints`.

use crate::api::collection::{Collection, Family, Names};
use crate::api::operation::{Marks, Operation};
use crate::api::region::check_region;
use crate::api::request::CommonQuery;
use crate::api::resource::{Field, Model, STORAGE_ENDPOINT};
use crate::api::{ApiVersion, CloudProvider, Invalid, validate};
use serde_json::{Value, json};

/// A private endpoint to the bucket of a project's backups.
pub static ENDPOINT: Model = Model {
    name: "BackupEndpoint",
    fields: &[
        Field::text(&["cloudProvider"]),
        Field::text(&["regionName"]),
        Field::text(&["errorMessage"]),
        Field::text(&["privateEndpointConnectionName"]),
        Field::text(&["vpcRegionName"]),
    ],
    ..STORAGE_ENDPOINT
};

static FAMILY: Family = Family {
    model: &ENDPOINT,
    media_type: Some("application/vnd.atlas.2024-11-13+json"),
    names: Names {
        list: "backup.list_endpoints",
        get: "backup.get_endpoint",
        create: "backup.create_endpoint",
        delete: "backup.delete_endpoint",
    },
    id_field: "endpoint_id",
    check_id: validate::object_id,
};

/// "… Object Storage Private Endpoint(s) for Cloud Backups …" of a project, on one cloud.
///
/// # Errors
/// The project's id is not Atlas's, or the version has no such operation.
pub fn endpoints(
    version: Option<ApiVersion>,
    group_id: &str,
    provider: CloudProvider,
    query: CommonQuery,
) -> Result<Collection, Invalid> {
    Collection::new(&FAMILY, version, group_id, &format!("backup/{provider}/privateEndpoints"), query)
}

/// "Create One Object Storage Private Endpoint for Cloud Backups for One Cloud Provider in One Project".
///
/// # Errors
/// A value that Atlas would refuse.
pub fn create(
    endpoints: &Collection,
    provider: CloudProvider,
    region: &str,
    vpc_region: Option<&str>,
) -> Result<Operation, Invalid> {
    check_region("region", region)?;
    let region = json!(provider.atlas_region(region));
    let mut marks = vec![("regionName", region.clone())];
    let mut body: Value = json!({"cloudProvider": provider.name(), "regionName": region});
    if let (Some(vpc_region), Value::Object(fields)) = (vpc_region, &mut body) {
        check_region("vpc_region", vpc_region)?;
        let vpc_region = json!(provider.atlas_region(vpc_region));
        marks.push(("vpcRegionName", vpc_region.clone()));
        fields.insert("vpcRegionName".to_owned(), vpc_region);
    }
    Ok(Operation::Create(endpoints.create(&body, Marks(marks))))
}
