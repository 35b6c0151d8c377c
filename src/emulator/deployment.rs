//! Serverless instances and clusters, as far as their connection strings go.

use super::serverless::REGION;
use serde_json::{Value, json};

/// A deployment with its private connection strings: one for each connected endpoint.
pub(crate) fn to_json(
    group: &str,
    serverless: bool,
    name: &str,
    cloud: &str,
    endpoints: &[(String, String, Value)],
) -> Value {
    let host = name.to_ascii_lowercase();
    let (kind, separator, letters) = if serverless { ("MONGOS", ".", "pe") } else { ("MONGOD", "-", "pl") };
    let strings = endpoints.iter().enumerate().map(|(number, (id, provider, region))| {
        let domain = format!("{host}-{letters}-{number}{separator}xxxxx.mongodb.net");
        let mut strings = json!({
            "endpoints": [{"endpointId": id, "providerName": provider, "region": region}],
            "srvConnectionString": format!("mongodb+srv://{domain}"),
            "type": kind,
        });
        if let (false, Value::Object(fields)) = (serverless, &mut strings) {
            let nodes = (0..3).map(|node| format!("{domain}:{}", 1024 + node)).collect::<Vec<_>>().join(",");
            let standard = format!("mongodb://{nodes}/?ssl=true&authSource=admin&replicaSet=atlas-xxxxxx-shard-0");
            fields.insert("connectionString".to_owned(), json!(standard));
            fields.insert("srvShardOptimizedConnectionString".to_owned(), Value::Null);
        }
        strings
    });
    let private: Vec<_> = strings.collect();
    let mut connection_strings = json!({"standardSrv": format!("mongodb+srv://{host}.xxxxx.mongodb.net")});
    if let (false, Value::Object(fields)) = (private.is_empty(), &mut connection_strings) {
        fields.insert("privateEndpoint".to_owned(), json!(private));
    }
    let mut json =
        json!({"connectionStrings": connection_strings, "groupId": group, "name": name, "stateName": "IDLE"});
    if let (true, Value::Object(fields)) = (serverless, &mut json) {
        let settings = json!({"providerName": "SERVERLESS", "backingProviderName": cloud, "regionName": REGION});
        fields.insert("providerSettings".to_owned(), settings);
    }
    json
}
