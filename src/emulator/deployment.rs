//! Serverless instances and clusters as Atlas sends them, and their connection strings.

use super::clusters::{Description, id_of};
use super::serverless::REGION;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// A private endpoint that is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connected {
    pub(crate) id: String,
    pub(crate) cloud: String,
    pub(crate) region: String,
    /// When it became available.
    pub(crate) since: Duration,
}

/// One private connection string for each endpoint that is old enough.
pub(crate) fn one_each(endpoints: Vec<Connected>, old_enough: impl Fn(Duration) -> bool) -> Vec<Vec<Connected>> {
    endpoints.into_iter().filter(|one| old_enough(one.since)).map(|one| vec![one]).collect()
}

/// The endpoints behind each private connection string of a described cluster: those of its own regions alone, and none
/// at all before every region has one. With regional mode each string stays in its region.
pub(crate) fn of_cluster(
    cluster: &Description,
    endpoints: &[Connected],
    regional: bool,
    old_enough: impl Fn(Duration) -> bool,
) -> Vec<Vec<Connected>> {
    let in_region = |(cloud, region): &(String, String)| -> Vec<&Connected> {
        endpoints.iter().filter(|one| one.cloud == *cloud && one.region == *region).collect()
    };
    let by_region: Vec<_> = cluster.regions.iter().map(in_region).collect();
    if cluster.is_tenant() || by_region.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let sets: Vec<Vec<&Connected>> = if regional {
        by_region.into_iter().flatten().map(|one| vec![one]).collect()
    } else {
        // a string has an endpoint of each region, and each endpoint is in a string where a region has several
        let count = by_region.iter().map(Vec::len).max().unwrap_or(0);
        let set = |at: usize| by_region.iter().filter_map(|all| all.get(at).or(all.last()).copied()).collect();
        (0..count).map(set).collect()
    };
    let shown = sets.into_iter().filter(|set| set.iter().all(|one| old_enough(one.since)));
    shown.map(|set| set.into_iter().cloned().collect()).collect()
}

fn common(group: &str, name: &str, strings: Vec<Value>) -> Map<String, Value> {
    let host = name.to_ascii_lowercase();
    let mut connection_strings = json!({"standardSrv": format!("mongodb+srv://{host}.xxxxx.mongodb.net")});
    if let (false, Value::Object(fields)) = (strings.is_empty(), &mut connection_strings) {
        fields.insert("privateEndpoint".to_owned(), json!(strings));
    }
    let mut json = Map::new();
    json.insert("connectionStrings".to_owned(), connection_strings);
    json.insert("groupId".to_owned(), json!(group));
    json.insert("name".to_owned(), json!(name));
    json.insert("stateName".to_owned(), json!("IDLE"));
    json
}

fn endpoints_json(set: &[Connected]) -> Value {
    set.iter().map(|one| json!({"endpointId": one.id, "providerName": one.cloud, "region": one.region})).collect()
}

/// A serverless instance; `cloud` is that of all instances.
pub(crate) fn instance(group: &str, name: &str, cloud: &str, sets: &[Vec<Connected>]) -> Value {
    let host = name.to_ascii_lowercase();
    let strings = sets.iter().enumerate().map(|(number, set)| {
        json!({
            "endpoints": endpoints_json(set),
            "srvConnectionString": format!("mongodb+srv://{host}-pe-{number}.xxxxx.mongodb.net"),
            "type": "MONGOS",
        })
    });
    let mut json = common(group, name, strings.collect());
    let settings = json!({"providerName": "SERVERLESS", "backingProviderName": cloud, "regionName": REGION});
    json.insert("providerSettings".to_owned(), settings);
    Value::Object(json)
}

/// A cluster; one that nobody described has a name and strings alone.
pub(crate) fn cluster(
    group: &str,
    name: &str,
    description: Option<&Description>,
    legacy: bool,
    sets: &[Vec<Connected>],
) -> Value {
    let host = name.to_ascii_lowercase();
    let sharded = description.is_some_and(Description::is_sharded);
    let strings = sets.iter().enumerate().map(|(number, set)| {
        let domain = format!("{host}-pl-{number}-xxxxx.mongodb.net");
        let nodes = (0..3).map(|node| format!("{domain}:{}", 1024 + node)).collect::<Vec<_>>().join(",");
        let replica_set = if sharded { "" } else { "&replicaSet=atlas-xxxxxx-shard-0" };
        let balanced = sharded.then(|| format!("mongodb+srv://{host}-pl-{number}-lb-xxxxx.mongodb.net"));
        json!({
            "connectionString": format!("mongodb://{nodes}/?ssl=true&authSource=admin{replica_set}"),
            "endpoints": endpoints_json(set),
            "srvConnectionString": format!("mongodb+srv://{domain}"),
            "srvShardOptimizedConnectionString": balanced,
            "type": if sharded { "MONGOS" } else { "MONGOD" },
        })
    });
    let mut json = common(group, name, strings.collect());
    if let Some(description) = description {
        json.extend(description.to_json(&id_of(&format!("{group}/{name}")), legacy));
        if description.state == "CREATING" {
            json.insert("connectionStrings".to_owned(), json!({}));
        }
    }
    Value::Object(json)
}

/// A project with so many clusters.
pub(crate) fn project(id: &str, name: &str, clusters: usize) -> Value {
    json!({
        "clusterCount": clusters,
        // no project of the emulator's is older or younger than another
        "created": "2026-01-01T00:00:00Z",
        "id": id,
        "name": name,
        "orgId": id_of("the organization"),
        "links": [],
    })
}
