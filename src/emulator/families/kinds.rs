//! The kinds of resources, each a row of facts.

use super::super::config::{Config, Provider};
use super::super::resource::{Holds, Kind};
use crate::api::error_code;
use http::StatusCode;
use std::time::Duration;

pub(super) const OK: StatusCode = StatusCode::OK;
const CREATED: StatusCode = StatusCode::CREATED;
pub(super) const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;

/// An endpoint service of dedicated clusters: the same for each cloud but for its time.
const fn service(preparation: fn(&Config) -> Duration) -> Kind {
    Kind {
        not_found: error_code::PRIVATE_ENDPOINT_SERVICE_NOT_FOUND,
        id: "id",
        status: "status",
        ids_in_any_case: false,
        steps: &[("INITIATING", 1.0)],
        ready: "AVAILABLE",
        failed: "FAILED",
        says_null: true,
        deleting: "DELETING",
        preparation,
        created: [CREATED, OK],
        deleted: [ACCEPTED, NO_CONTENT],
        attributes: &[
            ("providerName", Holds::Text),
            ("region", Holds::Text),
            ("supportedRemoteRegions", Holds::Texts),
            ("portMappingEnabled", Holds::Flag),
        ],
        required: 2,
        media_type: None,
    }
}

// the recorded medians
pub(super) static AWS_SERVICE: Kind = service(|config| config.service.unwrap_or(Duration::from_secs(169)));
static AZURE_SERVICE: Kind = service(|config| config.service.unwrap_or(Duration::from_secs(60)));
static GCP_SERVICE: Kind = service(|config| config.service.unwrap_or(Duration::from_secs(281)));

/// An endpoint of dedicated clusters: what the clouds have in common.
const ENDPOINT: Kind = Kind {
    not_found: "PRIVATE_ENDPOINT_NOT_FOUND",
    id: "",
    status: "status",
    ids_in_any_case: false,
    steps: &[],
    ready: "AVAILABLE",
    failed: "FAILED",
    says_null: true,
    deleting: "DELETING",
    preparation: |config| config.connection,
    // nothing has been recorded of them: they do what their services do
    created: [CREATED, OK],
    deleted: [ACCEPTED, NO_CONTENT],
    attributes: &[],
    required: 0,
    media_type: None,
};

static AWS_ENDPOINT: Kind = Kind {
    id: "interfaceEndpointId",
    status: "connectionStatus",
    steps: &[("PENDING_ACCEPTANCE", 0.5), ("PENDING", 1.0)],
    failed: "REJECTED",
    attributes: &[("id", Holds::IdIn(Provider::Aws)), ("cloudProvider", Holds::Text)],
    required: 1,
    ..ENDPOINT
};

static AZURE_ENDPOINT: Kind = Kind {
    id: "privateEndpointResourceId",
    ids_in_any_case: true,
    steps: &[("INITIATING", 1.0)],
    attributes: &[
        ("id", Holds::IdIn(Provider::Azure)),
        ("privateEndpointIPAddress", Holds::IpAddress),
        ("cloudProvider", Holds::Text),
    ],
    required: 2,
    ..ENDPOINT
};

static GCP_ENDPOINT: Kind = Kind {
    id: "endpointGroupName",
    steps: &[("INITIATING", 0.5), ("VERIFIED", 1.0)],
    attributes: &[
        ("endpointGroupName", Holds::Text),
        ("gcpProjectId", Holds::Text),
        ("endpoints", Holds::Objects),
        ("cloudProvider", Holds::Text),
    ],
    required: 2,
    ..ENDPOINT
};

pub(super) static DATA_FEDERATION: Kind = Kind {
    not_found: "ENDPOINT_ID_NOT_FOUND",
    id: "endpointId",
    status: "status",
    ids_in_any_case: false,
    steps: &[],
    ready: "OK",
    failed: "FAILED",
    says_null: false,
    deleting: "DELETING",
    preparation: |_| Duration::ZERO,
    created: [CREATED, CREATED],
    deleted: [NO_CONTENT, NO_CONTENT],
    attributes: &[
        ("endpointId", Holds::Text),
        ("provider", Holds::Text),
        ("type", Holds::Text),
        ("comment", Holds::Text),
        ("region", Holds::Text),
        ("customerEndpointDNSName", Holds::Text),
        ("customerEndpointIPAddress", Holds::IpAddress),
        ("azureLinkId", Holds::Text),
    ],
    required: 1,
    media_type: None,
};

pub(super) static STREAMS: Kind = Kind {
    not_found: "STREAM_PRIVATE_LINK_NOT_FOUND",
    id: "_id",
    status: "state",
    ids_in_any_case: false,
    steps: &[("IDLE", 0.2), ("WORKING", 1.0)],
    ready: "DONE",
    failed: "FAILED",
    says_null: false,
    deleting: "DELETING",
    preparation: |config| config.connection,
    created: [OK, OK],
    deleted: [ACCEPTED, ACCEPTED],
    attributes: &[
        ("provider", Holds::Text),
        ("region", Holds::Text),
        ("vendor", Holds::Text),
        ("serviceEndpointId", Holds::Text),
        ("dnsDomain", Holds::Text),
        ("dnsSubDomain", Holds::Texts),
        ("arn", Holds::Text),
        ("authenticationScheme", Holds::Text),
        ("azureResourceIds", Holds::Texts),
        ("gcpConnectionIds", Holds::Texts),
        ("gcpServiceAttachmentUris", Holds::Texts),
    ],
    required: 1,
    media_type: Some("application/vnd.atlas.2023-02-01+json"),
};

const STORAGE: Kind = Kind {
    not_found: "PRIVATE_ENDPOINT_NOT_FOUND",
    id: "id",
    status: "status",
    ids_in_any_case: false,
    steps: &[("INITIATING", 0.5), ("PENDING_ACCEPTANCE", 1.0)],
    ready: "ACTIVE",
    failed: "FAILED",
    says_null: true,
    deleting: "DELETING",
    preparation: |config| config.connection,
    created: [CREATED, CREATED],
    deleted: [NO_CONTENT, NO_CONTENT],
    attributes: &[("regionName", Holds::Text), ("cloudProvider", Holds::Text), ("vpcRegionName", Holds::Text)],
    required: 1,
    media_type: Some("application/vnd.atlas.2024-11-13+json"),
};
pub(super) static BACKUP: Kind = STORAGE;
pub(super) static ENCRYPTION_AT_REST: Kind = Kind {
    created: [ACCEPTED, ACCEPTED],
    attributes: &[("regionName", Holds::Text), ("cloudProvider", Holds::Text)],
    media_type: None,
    ..STORAGE
};

pub(super) fn service_kind(cloud: &str) -> &'static Kind {
    match cloud {
        "AZURE" => &AZURE_SERVICE,
        "GCP" => &GCP_SERVICE,
        _ => &AWS_SERVICE,
    }
}

pub(super) fn endpoint_kind(cloud: &str) -> &'static Kind {
    match cloud {
        "AZURE" => &AZURE_ENDPOINT,
        "GCP" => &GCP_ENDPOINT,
        _ => &AWS_ENDPOINT,
    }
}
