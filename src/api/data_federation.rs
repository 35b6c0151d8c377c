//! Private endpoints of Data Federation and Online Archive: `/privateNetworkSettings/endpointIds`.

use crate::api::collection::{Collection, Family, Names};
use crate::api::operation::{Create, Marks, Operation, Second};
use crate::api::region::check_region;
use crate::api::request::{CommonQuery, Expected, Request};
use crate::api::resource::{Field, Model, Stage};
use crate::api::{ApiVersion, CloudProvider, Invalid, validate};
use serde_json::{Map, Value, json};

/// An endpoint of Data Federation.
pub static ENDPOINT: Model = Model {
    name: "DataFederationEndpoint",
    noun: "endpoint",
    id: &["endpointId"],
    status: &["status"],
    stages: &[
        ("PENDING", Stage::Connecting),
        ("OK", Stage::Available),
        ("FAILED", Stage::Failed),
        ("DELETING", Stage::Deleting),
    ],
    fields: &[
        Field::text(&["comment"]),
        Field::text(&["provider"]),
        Field::text(&["region"]),
        Field::text(&["errorMessage"]),
        Field::text(&["type"]),
        Field::text(&["customerEndpointDNSName"]),
        Field::text(&["customerEndpointIPAddress"]),
        Field::text(&["azureLinkId"]),
    ],
};

static FAMILY: Family = Family {
    model: &ENDPOINT,
    media_type: None,
    names: Names {
        list: "data_federation.list_endpoints",
        get: "data_federation.get_endpoint",
        create: "data_federation.create_endpoint",
        delete: "data_federation.delete_endpoint",
    },
    id_field: "endpoint_id",
    check_id: validate::cloud_id,
};

/// "… Federated Database Instance and Online Archive Private Endpoint(s) … in One Project".
///
/// # Errors
/// The project's id is not Atlas's, or the version has no such operation.
pub fn endpoints(version: Option<ApiVersion>, group_id: &str, query: CommonQuery) -> Result<Collection, Invalid> {
    Collection::new(&FAMILY, version, group_id, "privateNetworkSettings/endpointIds", query)
}

/// An endpoint to be made known to Atlas.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// AWS: the VPC endpoint's id. Azure: the private endpoint's resource id.
    pub id: String,
    /// AWS or Azure; where absent, as the id tells.
    pub provider: Option<CloudProvider>,
    /// What people call it.
    pub comment: Option<String>,
    /// The region of the VPC endpoint, by the cloud's own or Atlas's name; goes with the DNS name.
    pub region: Option<String>,
    /// AWS only: the VPC endpoint's DNS name; goes with the region.
    pub customer_endpoint_dns_name: Option<String>,
    /// Azure only: the private endpoint's address.
    pub customer_endpoint_ip_address: Option<String>,
}

/// "Create One Federated Database Instance and Online Archive Private Endpoint in One Project". A second one of the
/// same id replaces what was said of the first, and the answer is the whole list.
///
/// # Errors
/// A value that Atlas would refuse.
pub fn create(endpoints: &Collection, endpoint: &NewEndpoint) -> Result<Operation, Invalid> {
    validate::cloud_id("endpoint_id", &endpoint.id)?;
    let implied = CloudProvider::of_endpoint(&endpoint.id).unwrap_or(CloudProvider::Aws);
    let provider = CloudProvider::agreeing("provider", endpoint.provider, implied)?;
    let mut body = Map::new();
    body.insert("endpointId".to_owned(), json!(endpoint.id));
    body.insert("provider".to_owned(), json!(provider.name()));
    body.insert("type".to_owned(), json!("DATA_LAKE"));
    if let Some(comment) = &endpoint.comment {
        validate::comment("comment", comment)?;
        body.insert("comment".to_owned(), json!(comment));
    }
    match (&endpoint.region, &endpoint.customer_endpoint_dns_name) {
        (Some(region), Some(name)) => {
            check_region("region", region)?;
            validate::cloud_id("customer_endpoint_dns_name", name)?;
            body.insert("region".to_owned(), json!(provider.atlas_region(region)));
            body.insert("customerEndpointDNSName".to_owned(), json!(name));
        }
        (None, None) => {}
        (Some(_), None) => {
            return Err(Invalid::new("customer_endpoint_dns_name", "must be given together with region"));
        }
        (None, Some(_)) => {
            return Err(Invalid::new("region", "must be given together with customer_endpoint_dns_name"));
        }
    }
    if let Some(address) = &endpoint.customer_endpoint_ip_address {
        validate::ip_address("customer_endpoint_ip_address", address)?;
        body.insert("customerEndpointIPAddress".to_owned(), json!(address));
    }
    let create = endpoints.create(&Value::Object(body), Marks::default());
    Ok(Operation::Create(Create {
        request: Request { expected: Expected::Many(&ENDPOINT), ..create.request }.about(&endpoint.id),
        look: endpoints.look_at(&endpoint.id)?,
        second: Second::Refused,
        by_hand: " with its id, or simply repeat",
        ..create
    }))
}
