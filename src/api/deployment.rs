//! The deployments that private endpoints lead to, as far as their private connection strings go.

use crate::api::operation::{Operation, Watch};
use crate::api::request::{CommonQuery, Expected, Request};
use crate::api::resource::{Field, Model, Resource, Stage};
use crate::api::{ApiVersion, Invalid, validate};
use http::Method;
use serde_json::{Map, Value, json};

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
pub(super) fn connection_strings(deployment: &Value) -> Vec<Resource> {
    let found = deployment.get("connectionStrings").map(private_strings).unwrap_or_default();
    found.into_iter().filter_map(|strings| Resource::from_json(&CONNECTION_STRINGS, strings, None).ok()).collect()
}

/// `privateEndpoint[]` of a deployment's `connectionStrings`, flat: one for each entry and endpoint of it, since an entry
/// of a cluster in several regions names an endpoint for each. An entry whose strings are missing or null is not ready.
fn private_strings(strings: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in objects(strings.get("privateEndpoint")) {
        let has = |name: &str| entry.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !has("srvConnectionString") && !has("connectionString") {
            continue;
        }
        for endpoint in objects(entry.get("endpoints")) {
            let shared = entry.iter().filter(|(name, _)| *name != "endpoints");
            let fields: Map<String, Value> =
                shared.chain(endpoint).map(|(name, value)| (name.clone(), value.clone())).collect();
            found.push(Value::Object(fields));
        }
    }
    found
}

/// The regions of a cluster's `replicationSpecs`: one for each cloud and region, over all shards and zones.
fn regions(specs: &Value) -> Vec<Value> {
    let mut found: Vec<ClusterRegion> = Vec::new();
    for spec in specs.as_array().into_iter().flatten() {
        for config in objects(spec.get("regionConfigs")) {
            let Some(region) = ClusterRegion::of(config) else { continue };
            match found.iter_mut().find(|known| known.is_the_same(&region)) {
                Some(known) => known.add(&region),
                None => found.push(region),
            }
        }
    }
    found.into_iter().map(ClusterRegion::into_json).collect()
}

/// One region of a cluster.
struct ClusterRegion {
    provider: Option<String>,
    backing_provider: Option<String>,
    name: String,
    priority: Option<i64>,
    instance_size: Option<String>,
    node_count: Option<i64>,
}

impl ClusterRegion {
    fn of(config: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| config.get(name).and_then(Value::as_str).map(str::to_owned);
        let specs =
            || ["electableSpecs", "readOnlySpecs", "analyticsSpecs"].into_iter().filter_map(|name| config.get(name));
        let counts: Vec<_> = specs().filter_map(|spec| spec.get("nodeCount")?.as_i64()).collect();
        Some(Self {
            provider: text("providerName"),
            backing_provider: text("backingProviderName"),
            name: text("regionName")?,
            priority: config.get("priority").and_then(Value::as_i64),
            instance_size: specs().find_map(|spec| spec.get("instanceSize")?.as_str()).map(str::to_owned),
            node_count: (!counts.is_empty()).then(|| counts.into_iter().fold(0, i64::saturating_add)),
        })
    }

    fn is_the_same(&self, other: &Self) -> bool {
        (&self.provider, &self.backing_provider, &self.name) == (&other.provider, &other.backing_provider, &other.name)
    }

    fn add(&mut self, other: &Self) {
        self.priority = self.priority.max(other.priority);
        self.instance_size = self.instance_size.take().or_else(|| other.instance_size.clone());
        self.node_count = match (self.node_count, other.node_count) {
            (Some(one), Some(more)) => Some(one.saturating_add(more)),
            (one, more) => one.or(more),
        };
    }

    fn into_json(self) -> Value {
        json!({
            "provider": self.provider,
            "backingProvider": self.backing_provider,
            "name": self.name,
            "priority": self.priority,
            "instanceSize": self.instance_size,
            "nodeCount": self.node_count,
        })
    }
}

fn objects(array: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    array.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// A dedicated, free or tenant cluster, as far as private endpoints need it.
pub static CLUSTER: Model = Model {
    name: "Cluster",
    noun: "cluster",
    id: &["name", "id"],
    status: &["stateName"],
    stages: &[
        ("CREATING", Stage::Pending),
        ("IDLE", Stage::Available),
        ("UPDATING", Stage::Available),
        ("REPAIRING", Stage::Available),
        ("DELETING", Stage::Deleting),
    ],
    fields: &[
        Field::text(&["id"]),
        Field::text(&["clusterType"]),
        Field::flag(&["paused"]),
        Field::text(&["mongoDBVersion"]),
        Field::parts(&["replicationSpecs"], regions),
        Field::parts(&["connectionStrings"], private_strings),
    ],
};

/// "Return One Cluster from One Project": `GET /groups/{groupId}/clusters/{clusterName}`.
///
/// # Errors
/// A name or id that is none.
pub fn get_cluster(group_id: &str, name: &str) -> Result<Operation, Invalid> {
    validate::instance_name("cluster_name", name)?;
    let path = format!("/{name}");
    let request = clusters("dedicated.get_cluster", group_id, &path, Expected::One(&CLUSTER))?;
    Ok(Operation::Read(request.about(name)))
}

/// "Return All Clusters in One Project": `GET /groups/{groupId}/clusters`.
///
/// # Errors
/// A project id that is none.
pub fn list_clusters(group_id: &str) -> Result<Operation, Invalid> {
    let request = clusters("dedicated.list_clusters", group_id, "", Expected::Many(&CLUSTER))?;
    Ok(Operation::Read(request.paginated()))
}

/// Version 1.0 describes clusters in another way, so that these operations always use version 2.
fn clusters(operation: &'static str, group_id: &str, path: &str, expected: Expected) -> Result<Request, Invalid> {
    validate::object_id("group_id", group_id)?;
    let path = format!("/groups/{group_id}/clusters{path}");
    let request = Request::new(operation, Method::GET, ApiVersion::V2, &path, CommonQuery::default(), expected);
    Ok(request.with_media_type(CLUSTER_MEDIA_TYPE))
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
    use super::{CLUSTER, connection_strings};
    use crate::api::resource::Resource;
    use serde_json::{Value, json};

    #[test]
    fn one_for_each_endpoint_that_is_named() {
        let srv = "mongodb+srv://cluster0-pl-0-xxxxx.mongodb.net";
        let found = connection_strings(&json!({"connectionStrings": {"privateEndpoint": [
            {"srvConnectionString": srv, "type": "MONGOD", "endpoints": [
                {"endpointId": "vpce-1", "providerName": "AWS", "region": "US_EAST_1"}, {"endpointId": "vpce-2"}, {}
            ]},
            {"srvConnectionString": "x"}
        ]}}));
        assert_eq!(found.iter().map(|strings| strings.id.as_str()).collect::<Vec<_>>(), ["vpce-1", "vpce-2"]);
        assert!(found.iter().all(|strings| strings.text("srvConnectionString") == Some(srv)));
        for nothing in [json!(null), json!({}), json!({"connectionStrings": {"standardSrv": "x"}})] {
            assert!(connection_strings(&nothing).is_empty());
        }
    }

    #[test]
    fn an_entry_without_strings_is_not_ready() {
        let endpoints = json!([{"endpointId": "vpce-1"}]);
        for strings in [json!({}), json!({"srvConnectionString": null, "connectionString": ""})] {
            let mut entry = strings;
            entry["endpoints"] = endpoints.clone();
            assert!(connection_strings(&json!({"connectionStrings": {"privateEndpoint": [entry]}})).is_empty());
        }
    }

    #[test]
    fn a_region_is_counted_once_over_all_shards() {
        let shard = |priority: i64| {
            json!({"regionConfigs": [
                {"providerName": "AWS", "regionName": "US_EAST_1", "priority": priority,
                 "electableSpecs": {"instanceSize": "M30", "nodeCount": 3}, "analyticsSpecs": {"nodeCount": 1}},
                {"providerName": "AWS", "regionName": "EU_WEST_1", "readOnlySpecs": {"instanceSize": "M40", "nodeCount": 1}}
            ]})
        };
        let cluster = json!({"name": "Cluster0", "replicationSpecs": [shard(6), shard(7)], "extra": 1});
        let cluster = Resource::from_json(&CLUSTER, cluster, None).unwrap();
        let regions = cluster.field("replicationSpecs").and_then(Value::as_array).unwrap();
        let shown: Vec<_> =
            regions.iter().map(|r| (&r["name"], &r["priority"], &r["instanceSize"], &r["nodeCount"])).collect();
        assert_eq!(
            shown,
            [
                (&json!("US_EAST_1"), &json!(7), &json!("M30"), &json!(8)),
                (&json!("EU_WEST_1"), &Value::Null, &json!("M40"), &json!(2)),
            ]
        );
    }

    #[test]
    fn any_cluster_can_be_read() {
        let surprising = json!({"name": "c", "replicationSpecs": [3, {"regionConfigs": [null, {}, {"regionName": "X"}]}],
            "connectionStrings": {"privateEndpoint": {}}, "paused": "no"});
        let cluster = Resource::from_json(&CLUSTER, surprising, None).unwrap();
        assert_eq!(cluster.field("replicationSpecs").and_then(Value::as_array).map(Vec::len), Some(1));
        assert_eq!(cluster.extra["paused"], json!("no"));
    }
}
