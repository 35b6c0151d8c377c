//! Private endpoints of Atlas Stream Processing: `/streams/privateLinkConnections`.

use crate::api::collection::{Collection, Family, Names};
use crate::api::operation::{Effect, Marks, Operation, Update};
use crate::api::region::check_region;
use crate::api::request::{CommonQuery, Expected};
use crate::api::resource::{Field, Model, Stage};
use crate::api::{ApiVersion, CloudProvider, Invalid, validate};
use http::Method;
use serde_json::{Map, Value, json};

/// A connection of Stream Processing.
pub static CONNECTION: Model = Model {
    name: "StreamsConnection",
    noun: "connection",
    id: &["_id", "id"],
    status: &["state"],
    stages: &[
        ("IDLE", Stage::Pending),
        ("WORKING", Stage::Connecting),
        ("DONE", Stage::Available),
        ("FAILED", Stage::Failed),
        ("DELETE_REQUESTED", Stage::Deleting),
        ("DELETING", Stage::Deleting),
        ("DELETED", Stage::Deleted),
    ],
    fields: &[
        Field::text(&["provider"]),
        Field::text(&["region"]),
        Field::text(&["vendor"]),
        Field::text(&["errorMessage"]),
        Field::text(&["serviceEndpointId"]),
        Field::text(&["interfaceEndpointId"]),
        Field::text(&["interfaceEndpointName"]),
        Field::text(&["providerAccountId"]),
        Field::text(&["dnsDomain"]),
        Field::texts(&["dnsSubDomain"]),
        Field::text(&["arn"]),
        Field::text(&["authenticationScheme"]),
        Field::texts(&["azureResourceIds"]),
        Field::texts(&["gcpConnectionIds"]),
        Field::texts(&["gcpServiceAttachmentUris"]),
    ],
};

static FAMILY: Family = Family {
    model: &CONNECTION,
    media_type: Some("application/vnd.atlas.2023-02-01+json"),
    names: Names {
        list: "stream_processing.list_connections",
        get: "stream_processing.get_connection",
        create: "stream_processing.create_connection",
        delete: "stream_processing.delete_connection",
    },
    id_field: "connection_id",
    check_id: validate::object_id,
};
/// The update is the youngest of the operations.
const UPDATE_MEDIA_TYPE: &str = "application/vnd.atlas.2025-03-12+json";

/// "… Private Link Connection(s)" of a project.
///
/// # Errors
/// The project's id is not Atlas's, or the version has no such operation.
pub fn connections(version: Option<ApiVersion>, group_id: &str, query: CommonQuery) -> Result<Collection, Invalid> {
    Collection::new(&FAMILY, version, group_id, "streams/privateLinkConnections", query)
}

/// "Update One Private Link Connection".
///
/// # Errors
/// A value that Atlas would refuse.
pub fn update(connections: &Collection, id: &str, dns_domain: &str) -> Result<Operation, Invalid> {
    validate::cloud_id("dns_domain", dns_domain)?;
    let expected = Expected::One(&CONNECTION);
    let request = connections.request_for("stream_processing.update_connection", Method::PATCH, id, expected)?;
    Ok(Operation::Update(Update {
        request: request.with_media_type(UPDATE_MEDIA_TYPE).with_body(&json!({ "dnsDomain": dns_domain })),
        look: connections.look_at(id)?,
        effect: Effect::Marks(Marks(vec![("dnsDomain", json!(dns_domain))])),
    }))
}

/// A connection to be made.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// Where its target is deployed.
    pub provider: CloudProvider,
    /// The region of the target, by the cloud's own or Atlas's name.
    pub region: Option<String>,
    /// The vendor of the target, in Atlas's word (`CONFLUENT`, `MSK`, `EVENTHUB`, …).
    pub vendor: Option<String>,
    /// The endpoint service or namespace to connect to.
    pub service_endpoint_id: Option<String>,
    /// The target's domain.
    pub dns_domain: Option<String>,
    /// Its subdomains.
    pub dns_sub_domain: Option<Vec<String>>,
    /// AWS MSK only: the cluster.
    pub arn: Option<String>,
    /// `TLS`, `SASL_SCRAM` or `IAM`.
    pub authentication_scheme: Option<String>,
    /// Azure Confluent only: one resource per availability zone.
    pub azure_resource_ids: Option<Vec<String>>,
    /// GCP Confluent only: one attachment per availability zone.
    pub gcp_service_attachment_uris: Option<Vec<String>>,
}

/// "Create One Private Link Connection".
///
/// # Errors
/// A value that Atlas would refuse.
pub fn create(connections: &Collection, connection: &NewConnection) -> Result<Operation, Invalid> {
    let mut body = Map::new();
    let mut marks = Vec::new();
    body.insert("provider".to_owned(), json!(connection.provider.name()));
    if let Some(region) = &connection.region {
        check_region("region", region)?;
        body.insert("region".to_owned(), json!(connection.provider.atlas_region(region)));
    }
    for (name, field, value, marking) in [
        ("vendor", "vendor", &connection.vendor, false),
        ("serviceEndpointId", "service_endpoint_id", &connection.service_endpoint_id, true),
        ("dnsDomain", "dns_domain", &connection.dns_domain, true),
        ("arn", "arn", &connection.arn, true),
        ("authenticationScheme", "authentication_scheme", &connection.authentication_scheme, false),
    ] {
        if let Some(value) = value {
            validate::cloud_id(field, value)?;
            body.insert(name.to_owned(), json!(value));
            if marking {
                marks.push((name, json!(value)));
            }
        }
    }
    for (name, field, values) in [
        ("dnsSubDomain", "dns_sub_domain", &connection.dns_sub_domain),
        ("azureResourceIds", "azure_resource_ids", &connection.azure_resource_ids),
        ("gcpServiceAttachmentUris", "gcp_service_attachment_uris", &connection.gcp_service_attachment_uris),
    ] {
        if let Some(values) = values {
            values.iter().try_for_each(|value| validate::cloud_id(field, value))?;
            body.insert(name.to_owned(), json!(values));
        }
    }
    Ok(Operation::Create(connections.create(&Value::Object(body), Marks(marks))))
}
