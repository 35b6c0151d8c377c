//! The deployments that private endpoints lead to, as far as their private connection strings go.

use crate::api::operation::Watch;
use crate::api::request::{CommonQuery, Expected, Request};
use crate::api::resource::{Field, Model, Resource};
use crate::api::{ApiVersion, Invalid, validate};
use http::Method;
use serde_json::{Map, Value};

/// The resource version of clusters that is current.
const CLUSTER_MEDIA_TYPE: &str = "application/vnd.atlas.2024-08-05+json";

/// The connection strings that lead through one private endpoint; its id is the cloud provider's.
pub static CONNECTION_STRINGS: Model = Model {
    name: "ConnectionStrings",
    noun: "private connection string",
    id: &["endpointId"],
    status: &[],
    stages: &[],
    fields: &[
        Field::text(&["srvConnectionString"]),
        Field::text(&["connectionString"]),
        Field::text(&["srvShardOptimizedConnectionString"]),
        Field::text(&["type"]),
        Field::text(&["providerName"]),
        Field::text(&["region"]),
    ],
};

/// `connectionStrings.privateEndpoint[]` of a deployment, one for each endpoint that it names.
pub(super) fn connection_strings(mut deployment: Value) -> Vec<Resource> {
    let entries = deployment.pointer_mut("/connectionStrings/privateEndpoint").map(Value::take);
    let Some(Value::Array(entries)) = entries else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let Value::Object(mut strings) = entry else { continue };
        let Some(Value::Array(endpoints)) = strings.remove("endpoints") else { continue };
        for endpoint in endpoints {
            let Value::Object(endpoint) = endpoint else { continue };
            let fields: Map<String, Value> = strings.clone().into_iter().chain(endpoint).collect();
            found.extend(Resource::from_json(&CONNECTION_STRINGS, Value::Object(fields), None));
        }
    }
    found
}

/// The kind of deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployment {
    /// "Return One Serverless Instance from One Project": `GET /groups/{groupId}/serverless/{name}`.
    ServerlessInstance,
    /// "Return One Cluster from One Project": `GET /groups/{groupId}/clusters/{clusterName}`.
    Cluster,
}

/// What shows the connection strings of a deployment, by the cloud provider's id of the endpoint.
///
/// # Errors
/// A name or id that is none.
pub fn watch(
    version: Option<ApiVersion>,
    group_id: &str,
    deployment: Deployment,
    name: &str,
    cloud_provider_endpoint_id: &str,
) -> Result<Watch, Invalid> {
    validate::object_id("group_id", group_id)?;
    let (field, segment, usual) = match deployment {
        Deployment::ServerlessInstance => ("instance_name", "serverless", ApiVersion::V1_0),
        Deployment::Cluster => ("cluster_name", "clusters", ApiVersion::V2),
    };
    validate::instance_name(field, name)?;
    validate::cloud_id("endpoint", cloud_provider_endpoint_id)?;
    let version = version.unwrap_or(usual);
    let path = format!("/groups/{group_id}/{segment}/{name}");
    let expected = Expected::ConnectionStrings;
    let look = Request::new("connection_string", Method::GET, version, &path, CommonQuery::default(), expected);
    let look = match (deployment, version) {
        (Deployment::Cluster, ApiVersion::V2) => look.with_media_type(CLUSTER_MEDIA_TYPE),
        _ => look,
    };
    let id = cloud_provider_endpoint_id.to_owned();
    Ok(Watch { look, id, noun: CONNECTION_STRINGS.noun, exists: false })
}

#[cfg(test)]
mod tests {
    use super::connection_strings;
    use serde_json::json;

    #[test]
    fn one_for_each_endpoint_that_is_named() {
        let srv = "mongodb+srv://cluster0-pl-0-xxxxx.mongodb.net";
        let found = connection_strings(json!({"connectionStrings": {"privateEndpoint": [
            {"srvConnectionString": srv, "type": "MONGOD", "endpoints": [
                {"endpointId": "vpce-1", "providerName": "AWS", "region": "US_EAST_1"}, {"endpointId": "vpce-2"}, {}
            ]},
            {"srvConnectionString": "x"}
        ]}}));
        assert_eq!(found.iter().map(|strings| strings.id.as_str()).collect::<Vec<_>>(), ["vpce-1", "vpce-2"]);
        assert!(found.iter().all(|strings| strings.text("srvConnectionString") == Some(srv)));
        for nothing in [json!(null), json!({}), json!({"connectionStrings": {"standardSrv": "x"}})] {
            assert!(connection_strings(nothing).is_empty());
        }
    }
}
