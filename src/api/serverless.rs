//! Serverless private endpoints: the origin.

use crate::api::request::{CommonQuery, PROJECT_OWNER, PROJECT_READ_ONLY, Request};
use crate::api::{ApiVersion, Invalid, validate};
use http::Method;
use serde_json::{Map, Value, json};
use std::fmt;

/// The words of an endpoint's `status`. Atlas may add others: an unknown word is kept as it is.
pub mod status {
    /// Atlas makes the endpoint service; it has no name yet.
    pub const RESERVATION_REQUESTED: &str = "RESERVATION_REQUESTED";
    /// The endpoint service has a name: create the VPC endpoint now.
    pub const RESERVED: &str = "RESERVED";
    /// Atlas was told the VPC endpoint's id and connects it.
    pub const INITIATING: &str = "INITIATING";
    /// Usable.
    pub const AVAILABLE: &str = "AVAILABLE";
    /// It will not come: see `errorMessage`.
    pub const FAILED: &str = "FAILED";
    /// On its way out.
    pub const DELETING: &str = "DELETING";
}

/// One private endpoint of one serverless instance, as Atlas sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// `_id`: Atlas's own id, 24 hexadecimal digits.
    pub id: String,
    /// `status`; see [`status`]. Absent in no answer seen, yet not promised.
    pub status: Option<String>,
    /// `comment`.
    pub comment: Option<String>,
    /// `endpointServiceName`: null until `RESERVED`.
    pub endpoint_service_name: Option<String>,
    /// `cloudProviderEndpointId`: the VPC endpoint or Azure resource that was connected.
    pub cloud_provider_endpoint_id: Option<String>,
    /// `errorMessage`.
    pub error_message: Option<String>,
    /// `providerName`: absent in old answers.
    pub provider_name: Option<String>,
    /// `privateEndpointIpAddress`: Azure only.
    pub private_endpoint_ip_address: Option<String>,
    /// `privateLinkServiceResourceId`: Azure only.
    pub private_link_service_resource_id: Option<String>,
    /// What Atlas sent beyond that, by its own names; also a known field whose type was a surprise.
    pub extra: Map<String, Value>,
}

impl Endpoint {
    /// Reads an endpoint. Only the id is needed; the patterns of the specification are not applied, since Atlas's own
    /// example breaks them.
    ///
    /// # Errors
    /// A sentence about what is missing.
    pub fn from_json(value: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = value else {
            return Err(format!("expected an endpoint object, got {}", kind(&value)));
        };
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(Value::Null) | None => None,
            Some(other) => {
                fields.insert(name.to_owned(), other);
                None
            }
        };
        let id = take("_id").or_else(|| take("id")).filter(|id| !id.is_empty());
        Ok(Self {
            id: id.ok_or("the endpoint in the answer has no _id")?,
            status: take("status"),
            comment: take("comment"),
            endpoint_service_name: take("endpointServiceName"),
            cloud_provider_endpoint_id: take("cloudProviderEndpointId"),
            error_message: take("errorMessage"),
            provider_name: take("providerName"),
            private_endpoint_ip_address: take("privateEndpointIpAddress"),
            private_link_service_resource_id: take("privateLinkServiceResourceId"),
            extra: fields,
        })
    }

    /// Reads the list that "return all" answers with: a bare array.
    ///
    /// # Errors
    /// A sentence about what is not as documented.
    pub fn list_from_json(value: Value) -> Result<Vec<Self>, String> {
        let Value::Array(items) = value else {
            return Err(format!("expected an array of endpoints, got {}", kind(&value)));
        };
        items.into_iter().map(Self::from_json).collect()
    }

    /// When Atlas made it, in seconds since 1970: the first four bytes of an ObjectId.
    pub fn created_at(&self) -> Option<u64> {
        if self.id.len() != 24 {
            return None;
        }
        u64::from_str_radix(self.id.get(..8)?, 16).ok()
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The instance whose endpoints are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Instance {
    group_id: String,
    name: String,
}

impl Instance {
    /// Checks both names.
    ///
    /// # Errors
    /// The argument that breaks its rule.
    pub fn new(group_id: &str, name: &str) -> Result<Self, Invalid> {
        validate::object_id("group_id", group_id)?;
        validate::instance_name("instance_name", name)?;
        Ok(Self { group_id: group_id.to_owned(), name: name.to_owned() })
    }

    fn path(&self) -> String {
        format!("/groups/{}/privateEndpoint/serverless/instance/{}/endpoint", self.group_id, self.name)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instance {:?} of project {}", self.name, self.group_id)
    }
}

/// "Create One Private Endpoint for One Serverless Instance": `POST …/endpoint`.
///
/// # Errors
/// A comment that Atlas would refuse.
pub fn create(
    version: ApiVersion,
    instance: &Instance,
    comment: Option<&str>,
    query: CommonQuery,
) -> Result<Request, Invalid> {
    let body = match comment {
        None => json!({}),
        Some(comment) => {
            validate::comment("comment", comment)?;
            json!({ "comment": comment })
        }
    };
    Ok(Request::new("create_endpoint", PROJECT_OWNER, Method::POST, version, &instance.path(), query, Some(&body)))
}

/// "Return All Private Endpoints for One Serverless Instance": `GET …/endpoint`.
pub fn list(version: ApiVersion, instance: &Instance, query: CommonQuery) -> Request {
    Request::new("list_endpoints", PROJECT_READ_ONLY, Method::GET, version, &instance.path(), query, None)
}

/// "Return One Private Endpoint for One Serverless Instance": `GET …/endpoint/{endpointId}`.
///
/// # Errors
/// An endpoint id that is not Atlas's.
pub fn get(
    version: ApiVersion,
    instance: &Instance,
    endpoint_id: &str,
    query: CommonQuery,
) -> Result<Request, Invalid> {
    validate::object_id("endpoint_id", endpoint_id)?;
    let path = format!("{}/{endpoint_id}", instance.path());
    Ok(Request::new("get_endpoint", PROJECT_READ_ONLY, Method::GET, version, &path, query, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "5f7cac1adf5d6c6306f4b283";

    fn instance() -> Instance {
        Instance::new(GROUP, "Instance0").unwrap()
    }

    #[test]
    fn the_request_of_the_origin_page() {
        let query = CommonQuery { pretty: true, envelope: false };
        let request = create(ApiVersion::V1_0, &instance(), Some("example comment"), query).unwrap();
        assert_eq!(request.method, Method::POST);
        assert_eq!(
            request.target,
            format!(
                "/api/atlas/v1.0/groups/{GROUP}/privateEndpoint/serverless/instance/Instance0/endpoint?pretty=true"
            )
        );
        assert_eq!(request.media_type, "application/json");
        assert_eq!(request.body.as_deref(), Some(&br#"{"comment":"example comment"}"#[..]));
    }

    #[test]
    fn an_absent_comment_is_not_an_empty_one() {
        let make = |comment: Option<&str>| create(ApiVersion::V2, &instance(), comment, CommonQuery::default());
        assert_eq!(make(None).unwrap().body.as_deref(), Some(&b"{}"[..]));
        assert!(make(Some("")).is_err());
        assert!(make(Some(&"é".repeat(79))).is_ok());
        assert!(make(Some(&"é".repeat(80))).is_err());
        assert!(make(Some("a\nb")).is_err());
    }

    #[test]
    fn the_answer_of_the_origin_page() {
        let answer = json!({
            "_id": GROUP,
            "cloudProviderEndpointId": "vpce-fcac938279cd98dc894",
            "comment": "example comment",
            "endpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-0afd34ee97e30d43f",
            "errorMessage": null,
            "status": "AVAILABLE"
        });
        let endpoint = Endpoint::from_json(answer).unwrap();
        assert_eq!(endpoint.id, GROUP);
        assert_eq!(endpoint.status.as_deref(), Some(status::AVAILABLE));
        assert_eq!(endpoint.error_message, None);
        assert_eq!(endpoint.created_at(), Some(0x5f7c_ac1a));
        assert!(endpoint.extra.is_empty());
    }

    #[test]
    fn what_atlas_adds_or_changes_is_kept() {
        let endpoint = Endpoint::from_json(json!({"_id": "x", "comment": 7, "status": "MOVING", "new": [1]})).unwrap();
        assert_eq!(endpoint.status.as_deref(), Some("MOVING"));
        assert_eq!(endpoint.comment, None);
        assert_eq!(Value::Object(endpoint.extra), json!({"comment": 7, "new": [1]}));
    }

    #[test]
    fn names_that_would_leave_the_path() {
        for name in ["", "-a", "a/b", "a b", "a%2Fb", "ä", "..", &"a".repeat(65)] {
            assert!(Instance::new(GROUP, name).is_err(), "{name}");
        }
        for group in ["", "5F7CAC1ADF5D6C6306F4B283", "5f7cac1adf5d6c6306f4b28", "5f7cac1adf5d6c6306f4b28/", " "] {
            assert!(Instance::new(group, "a").is_err(), "{group}");
        }
        assert!(get(ApiVersion::V1_0, &instance(), "vpce-0123", CommonQuery::default()).is_err());
    }
}
