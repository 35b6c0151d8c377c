//! Serverless private endpoints: the origin.

use crate::api::operation::{Create, Effect, IfExists, Marks, Operation, Second, Update, Watch};
use crate::api::request::{CommonQuery, Expected, Request};
use crate::api::resource::{Field, Model, Stage};
use crate::api::{ApiVersion, CloudProvider, Invalid, validate};
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

/// One private endpoint of one serverless instance.
pub static ENDPOINT: Model = Model {
    name: "ServerlessEndpoint",
    noun: "endpoint",
    id: &["_id", "id"],
    status: &["status"],
    stages: &[
        (status::RESERVATION_REQUESTED, Stage::Pending),
        (status::RESERVED, Stage::Reserved),
        (status::INITIATING, Stage::Connecting),
        (status::AVAILABLE, Stage::Available),
        (status::FAILED, Stage::Failed),
        (status::DELETING, Stage::Deleting),
    ],
    fields: &[
        Field::text(&["comment"]),
        Field::text(&["endpointServiceName"]),
        Field::text(&["cloudProviderEndpointId"]),
        Field::text(&["errorMessage"]),
        Field::text(&["providerName"]),
        Field::text(&["privateEndpointIpAddress"]),
        Field::text(&["privateLinkServiceResourceId"]),
    ],
};

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

    fn request(
        &self,
        operation: &'static str,
        method: Method,
        version: Option<ApiVersion>,
        query: CommonQuery,
        expected: Expected,
    ) -> Request {
        Request::new(operation, method, version.unwrap_or_default(), &self.path(), query, expected)
    }

    fn request_for(
        &self,
        operation: &'static str,
        method: Method,
        version: Option<ApiVersion>,
        endpoint_id: &str,
        query: CommonQuery,
        expected: Expected,
    ) -> Result<Request, Invalid> {
        validate::object_id("endpoint_id", endpoint_id)?;
        let path = format!("{}/{endpoint_id}", self.path());
        Ok(Request::new(operation, method, version.unwrap_or_default(), &path, query, expected).about(endpoint_id))
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

fn commented(comment: Option<&str>) -> Marks {
    Marks(vec![("comment", json!(comment))])
}

/// "Create One Private Endpoint for One Serverless Instance": `POST …/endpoint`.
///
/// # Errors
/// A comment that Atlas would refuse, or none to adopt by.
pub fn create(
    version: Option<ApiVersion>,
    instance: &Instance,
    comment: Option<&str>,
    if_exists: IfExists,
    query: CommonQuery,
) -> Result<Operation, Invalid> {
    let (body, by_hand) = match comment {
        None if if_exists == IfExists::Adopt => {
            let rule = "must be given with if_exists=\"adopt\": an endpoint is recognised by nothing else";
            return Err(Invalid::new("comment", rule));
        }
        None => (json!({}), " and compare; with a comment this can be settled automatically"),
        Some(comment) => {
            validate::comment("comment", comment)?;
            (json!({ "comment": comment }), ", or repeat with if_exists=\"adopt\"")
        }
    };
    let expected = Expected::One(&ENDPOINT);
    Ok(Operation::Create(Create {
        request: instance.request("create_endpoint", Method::POST, version, query, expected).with_body(&body),
        look: list_request(version, instance, CommonQuery::default()),
        marks: commented(comment),
        second: Second::Made,
        if_exists,
        by_hand,
    }))
}

fn list_request(version: Option<ApiVersion>, instance: &Instance, query: CommonQuery) -> Request {
    instance.request("list_endpoints", Method::GET, version, query, Expected::Many(&ENDPOINT))
}

/// "Return All Private Endpoints for One Serverless Instance": `GET …/endpoint`.
pub fn list(version: Option<ApiVersion>, instance: &Instance, query: CommonQuery) -> Operation {
    Operation::Read(list_request(version, instance, query))
}

/// The endpoint that bears a comment.
///
/// # Errors
/// A comment that no endpoint can have.
pub fn find(version: Option<ApiVersion>, instance: &Instance, comment: &str) -> Result<Operation, Invalid> {
    validate::comment("comment", comment)?;
    Ok(Operation::Find(list_request(version, instance, CommonQuery::default()), commented(Some(comment))))
}

/// "Return One Private Endpoint for One Serverless Instance": `GET …/endpoint/{endpointId}`.
///
/// # Errors
/// An endpoint id that is not Atlas's.
pub fn get(
    version: Option<ApiVersion>,
    instance: &Instance,
    endpoint_id: &str,
    query: CommonQuery,
) -> Result<Operation, Invalid> {
    let expected = Expected::One(&ENDPOINT);
    instance.request_for("get_endpoint", Method::GET, version, endpoint_id, query, expected).map(Operation::Read)
}

/// What an endpoint is to be changed to.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The cloud; where absent, that of `cloud_provider_endpoint_id`.
    pub provider: Option<CloudProvider>,
    /// The VPC endpoint (AWS) or private endpoint resource (Azure).
    pub cloud_provider_endpoint_id: Option<String>,
    /// The address of Azure's private endpoint.
    pub private_endpoint_ip_address: Option<String>,
    /// A new comment.
    pub comment: Option<String>,
}

impl Change {
    fn check(&self) -> Result<(CloudProvider, Map<String, Value>), Invalid> {
        let mut fields = Map::new();
        if let Some(id) = &self.cloud_provider_endpoint_id {
            validate::cloud_id("cloud_provider_endpoint_id", id)?;
            fields.insert("cloudProviderEndpointId".to_owned(), json!(id));
        }
        let implied = match &self.cloud_provider_endpoint_id {
            None => None,
            Some(id) => match CloudProvider::of_endpoint(id) {
                None => {
                    let rule = "must be a VPC endpoint's id (vpce-…) or the resource id of an Azure private endpoint \
                                (/subscriptions/…)";
                    let rule = format!("{rule}, got {}", validate::quoted(id));
                    return Err(Invalid::new("cloud_provider_endpoint_id", rule));
                }
                implied => implied,
            },
        };
        let provider = match (implied, self.provider) {
            (Some(implied), named) => CloudProvider::agreeing("provider_name", named, implied)?,
            (None, Some(named)) => named,
            (None, None) => {
                let rule = "must be given where cloud_provider_endpoint_id is not: Atlas wants it for every change";
                return Err(Invalid::new("provider_name", rule));
            }
        };
        if let Some(address) = &self.private_endpoint_ip_address {
            CloudProvider::Azure.alone_has("private_endpoint_ip_address", true, provider)?;
            validate::ip_address("private_endpoint_ip_address", address)?;
            fields.insert("privateEndpointIpAddress".to_owned(), json!(address));
        }
        if let Some(comment) = &self.comment {
            validate::comment("comment", comment)?;
            fields.insert("comment".to_owned(), json!(comment));
        }
        if fields.is_empty() {
            let rule = "must be given, or private_endpoint_ip_address or comment: there is nothing to change";
            return Err(Invalid::new("cloud_provider_endpoint_id", rule));
        }
        Ok((provider, fields))
    }
}

/// "Update One Private Endpoint for One Serverless Instance": `PATCH …/endpoint/{endpointId}`.
///
/// # Errors
/// A value that Atlas would refuse, or nothing to change.
pub fn update(
    version: Option<ApiVersion>,
    instance: &Instance,
    endpoint_id: &str,
    change: &Change,
    query: CommonQuery,
) -> Result<Operation, Invalid> {
    let expected = Expected::One(&ENDPOINT);
    let request = instance.request_for("update_endpoint", Method::PATCH, version, endpoint_id, query, expected)?;
    let query = CommonQuery::default();
    let look = instance.request_for("get_endpoint", Method::GET, version, endpoint_id, query, expected)?;
    let (provider, mut fields) = change.check()?;
    let known = ["cloudProviderEndpointId", "privateEndpointIpAddress", "comment"];
    let marks = known.iter().filter_map(|name| Some((*name, fields.get(*name)?.clone()))).collect();
    fields.insert("providerName".to_owned(), json!(provider.name()));
    let effect = Effect::Marks(Marks(marks));
    Ok(Operation::Update(Update { request: request.with_body(&Value::Object(fields)), look, effect }))
}

/// "Remove One Private Endpoint for One Serverless Instance": `DELETE …/endpoint/{endpointId}`.
///
/// # Errors
/// An endpoint id that is not Atlas's.
pub fn delete(
    version: Option<ApiVersion>,
    instance: &Instance,
    endpoint_id: &str,
    query: CommonQuery,
) -> Result<Operation, Invalid> {
    let expected = Expected::Nothing;
    instance
        .request_for("delete_endpoint", Method::DELETE, version, endpoint_id, query, expected)
        .map(Operation::Delete)
}

/// What shows how an endpoint is doing: the list of its instance.
///
/// # Errors
/// An endpoint id that is not Atlas's.
pub fn watch(version: Option<ApiVersion>, instance: &Instance, endpoint_id: &str) -> Result<Watch, Invalid> {
    validate::object_id("endpoint_id", endpoint_id)?;
    let look = list_request(version, instance, CommonQuery::default());
    Ok(Watch { look, id: endpoint_id.to_owned(), noun: ENDPOINT.noun, exists: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::resource::Resource;

    const GROUP: &str = "5f7cac1adf5d6c6306f4b283";

    fn instance() -> Instance {
        Instance::new(GROUP, "Instance0").unwrap()
    }

    fn request(operation: Operation) -> Request {
        match operation {
            Operation::Read(request) | Operation::Delete(request) | Operation::Find(request, _) => request,
            Operation::Create(create) => create.request,
            Operation::Update(update) => update.request,
        }
    }

    #[test]
    fn the_request_of_the_origin_page() {
        let query = CommonQuery { pretty: true, envelope: false };
        let made = create(None, &instance(), Some("example comment"), IfExists::Create, query);
        let request = request(made.unwrap());
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
        let make = |comment: Option<&str>| {
            create(Some(ApiVersion::V2), &instance(), comment, IfExists::Create, CommonQuery::default())
        };
        assert_eq!(request(make(None).unwrap()).body.as_deref(), Some(&b"{}"[..]));
        assert!(make(Some("")).is_err());
        assert!(make(Some(&"é".repeat(79))).is_ok());
        assert!(make(Some(&"é".repeat(80))).is_err());
        assert!(make(Some("a\nb")).is_err());
    }

    #[test]
    fn a_change_names_its_cloud() {
        let body = |change: Change| {
            let made = update(None, &instance(), GROUP, &change, CommonQuery::default());
            made.map(|operation| String::from_utf8(request(operation).body.unwrap().to_vec()).unwrap())
        };
        let connect = Change { cloud_provider_endpoint_id: Some("vpce-0123".into()), ..Change::default() };
        assert_eq!(body(connect.clone()).unwrap(), r#"{"cloudProviderEndpointId":"vpce-0123","providerName":"AWS"}"#);
        let azure = Change { provider: Some(CloudProvider::Azure), ..connect.clone() };
        assert_eq!(body(azure).unwrap_err().field, "provider_name");
        let address = Change { private_endpoint_ip_address: Some("10.0.0.1".into()), ..connect };
        assert_eq!(body(address).unwrap_err().field, "private_endpoint_ip_address");
        let comment = Change { comment: Some("x".into()), ..Change::default() };
        assert_eq!(body(comment).unwrap_err().field, "provider_name");
        assert_eq!(
            body(Change { provider: Some(CloudProvider::Aws), ..Change::default() }).unwrap_err().field,
            "cloud_provider_endpoint_id"
        );
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
        let endpoint = Resource::from_json(&ENDPOINT, answer, None).unwrap();
        assert_eq!(endpoint.id, GROUP);
        assert_eq!(endpoint.stage(), Stage::Available);
        assert_eq!(endpoint.error_message(), None);
        assert_eq!(endpoint.created_at(), Some(0x5f7c_ac1a));
        assert!(endpoint.extra.is_empty());
    }

    #[test]
    fn what_atlas_adds_or_changes_is_kept() {
        let answer = json!({"_id": "x", "comment": 7, "status": "MOVING", "new": [1]});
        let endpoint = Resource::from_json(&ENDPOINT, answer, None).unwrap();
        assert_eq!((endpoint.status.as_deref(), endpoint.stage()), (Some("MOVING"), Stage::Unknown));
        assert_eq!(endpoint.text("comment"), None);
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
        assert!(get(None, &instance(), "vpce-0123", CommonQuery::default()).is_err());
    }
}
