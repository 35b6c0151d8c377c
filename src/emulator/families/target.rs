//! What a path below a project names.

use super::super::resource::Kind;
use super::kinds;
use crate::api::ApiVersion;
use http::Method;

/// A resource, or all of its kind, as a path names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/privateEndpoint/endpointService`: the cloud is in the body.
    NewService,
    /// `/privateEndpoint/endpointService/{id}`: AWS alone.
    AwsService(String),
    /// `/privateEndpoint/{cloudProvider}/endpointService` and one of them.
    Services { cloud: String, id: Option<String> },
    /// `…/endpointService/{id}/endpoint` and one of them.
    Endpoints { cloud: String, service: String, id: Option<String> },
    /// `/privateEndpoint/regionalMode`.
    RegionalMode,
    /// A collection without anything above it.
    Collection { family: Family, cloud: Option<String>, id: Option<String> },
}

/// The smaller families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    DataFederation,
    Streams,
    EncryptionAtRest,
    Backup,
}

impl Family {
    pub(super) fn kind(self) -> &'static Kind {
        match self {
            Self::DataFederation => &kinds::DATA_FEDERATION,
            Self::Streams => &kinds::STREAMS,
            Self::EncryptionAtRest => &kinds::ENCRYPTION_AT_REST,
            Self::Backup => &kinds::BACKUP,
        }
    }
}

impl Target {
    /// The target of the path below a project.
    pub(crate) fn parse(segments: &[&str]) -> Option<Self> {
        let text = |text: &str| text.to_owned();
        let collection = |family, cloud: Option<&str>, id: Option<&str>| {
            Some(Self::Collection { family, cloud: cloud.map(text), id: id.map(text) })
        };
        match segments {
            ["privateEndpoint", "regionalMode"] => Some(Self::RegionalMode),
            ["privateEndpoint", "endpointService"] => Some(Self::NewService),
            ["privateEndpoint", "endpointService", id] => Some(Self::AwsService(text(id))),
            ["privateEndpoint", cloud, "endpointService", rest @ ..] => match rest {
                [] => Some(Self::Services { cloud: text(cloud), id: None }),
                [id] => Some(Self::Services { cloud: text(cloud), id: Some(text(id)) }),
                [service, "endpoint"] => Some(Self::Endpoints { cloud: text(cloud), service: text(service), id: None }),
                [service, "endpoint", id] => {
                    Some(Self::Endpoints { cloud: text(cloud), service: text(service), id: Some(text(id)) })
                }
                _ => None,
            },
            ["privateNetworkSettings", "endpointIds"] => collection(Family::DataFederation, None, None),
            ["privateNetworkSettings", "endpointIds", id] => collection(Family::DataFederation, None, Some(id)),
            ["streams", "privateLinkConnections"] => collection(Family::Streams, None, None),
            ["streams", "privateLinkConnections", id] => collection(Family::Streams, None, Some(id)),
            ["encryptionAtRest", cloud, "privateEndpoints"] => collection(Family::EncryptionAtRest, Some(cloud), None),
            ["encryptionAtRest", cloud, "privateEndpoints", id] => {
                collection(Family::EncryptionAtRest, Some(cloud), Some(id))
            }
            ["backup", cloud, "privateEndpoints"] => collection(Family::Backup, Some(cloud), None),
            ["backup", cloud, "privateEndpoints", id] => collection(Family::Backup, Some(cloud), Some(id)),
            _ => None,
        }
    }

    /// The methods that it knows.
    pub(crate) fn allowed(&self) -> &'static [&'static str] {
        match self {
            Self::NewService => &["POST"],
            Self::AwsService(_) => &["PATCH"],
            Self::Services { id: None, .. } => &["GET"],
            Self::Endpoints { id: None, .. } => &["POST"],
            Self::Services { .. } | Self::Endpoints { .. } => &["DELETE", "GET"],
            Self::RegionalMode => &["GET", "PATCH"],
            Self::Collection { id: None, .. } => &["GET", "POST"],
            Self::Collection { family: Family::Streams, .. } => &["DELETE", "GET", "PATCH"],
            Self::Collection { .. } => &["DELETE", "GET"],
        }
    }

    /// The cloud that its path names, if the family is not there.
    pub(super) fn wrong_cloud(&self) -> Option<&str> {
        let (cloud, known): (_, &[&str]) = match self {
            Self::Services { cloud, .. } | Self::Endpoints { cloud, .. } => (cloud, &["AWS", "AZURE", "GCP"]),
            Self::Collection { family: Family::EncryptionAtRest, cloud: Some(cloud), .. } => (cloud, &["AWS", "AZURE"]),
            Self::Collection { family: Family::Backup, cloud: Some(cloud), .. } => (cloud, &["AWS"]),
            _ => return None,
        };
        (!known.contains(&cloud.as_str())).then_some(cloud)
    }

    /// Whether version 1.0 has it.
    pub(crate) fn is_in(&self, version: ApiVersion) -> bool {
        version == ApiVersion::V2 || !matches!(self, Self::Collection { .. })
    }

    /// The resource version of its answers, if it is not that of the API's version.
    pub(crate) fn media_type(&self, method: &Method) -> Option<&'static str> {
        match self {
            Self::Collection { family: Family::Streams, .. } if method == Method::PATCH => {
                Some("application/vnd.atlas.2025-03-12+json")
            }
            Self::Collection { family, .. } => family.kind().media_type,
            _ => None,
        }
    }
}
