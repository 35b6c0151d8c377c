//! Private endpoints of encryption at rest with customer key management: `/encryptionAtRest/{cloudProvider}/privateEndpoints`.

use crate::api::collection::{Collection, Family, Names};
use crate::api::operation::{Marks, Operation};
use crate::api::region::check_region;
use crate::api::request::CommonQuery;
use crate::api::resource::{Field, Model, STORAGE_ENDPOINT};
use crate::api::{ApiVersion, CloudProvider, Invalid, validate};
use serde_json::{Value, json};

/// A private endpoint to the key management service of a project.
pub static ENDPOINT: Model = Model {
    name: "EncryptionAtRestEndpoint",
    fields: &[
        Field::text(&["cloudProvider"]),
        Field::text(&["regionName"]),
        Field::text(&["errorMessage"]),
        Field::text(&["privateEndpointConnectionName"]),
    ],
    ..STORAGE_ENDPOINT
};

static FAMILY: Family = Family {
    model: &ENDPOINT,
    media_type: None,
    names: Names {
        list: "encryption_at_rest.list_endpoints",
        get: "encryption_at_rest.get_endpoint",
        create: "encryption_at_rest.create_endpoint",
        delete: "encryption_at_rest.delete_endpoint",
    },
    id_field: "endpoint_id",
    check_id: validate::object_id,
};

/// "… Private Endpoint(s) for Encryption at Rest Using Customer Key Management …" of a project, on one cloud.
///
/// # Errors
/// The project's id is not Atlas's, or the version has no such operation.
pub fn endpoints(
    version: Option<ApiVersion>,
    group_id: &str,
    provider: CloudProvider,
    query: CommonQuery,
) -> Result<Collection, Invalid> {
    Collection::new(&FAMILY, version, group_id, &format!("encryptionAtRest/{provider}/privateEndpoints"), query)
}

/// "Create One Private Endpoint for Encryption at Rest Using Customer Key Management for One Cloud Provider in One Project".
///
/// # Errors
/// A value that Atlas would refuse.
pub fn create(endpoints: &Collection, provider: CloudProvider, region: &str) -> Result<Operation, Invalid> {
    check_region("region", region)?;
    let region = json!(provider.atlas_region(region));
    let marks = vec![("regionName", region.clone())];
    let body: Value = json!({ "regionName": region });
    Ok(Operation::Create(endpoints.create(&body, Marks(marks))))
}
