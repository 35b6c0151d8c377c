//! The families of private endpoints beside the origin: their kinds, and their operations.

use super::answer::Answer;
use super::config::{Config, Provider};
use super::resource::{Births, Holds, Kind, Resource, Resources};
use super::route::Page;
use crate::api::{ApiVersion, error_code};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::time::Duration;

const OK: StatusCode = StatusCode::OK;
const CREATED: StatusCode = StatusCode::CREATED;
const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;

/// An endpoint service of dedicated clusters: the same for each cloud but for its time.
const fn service(preparation: fn(&Config) -> Duration) -> Kind {
    Kind {
        not_found: error_code::PRIVATE_ENDPOINT_SERVICE_NOT_FOUND,
        id: "id",
        status: "status",
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
static AWS_SERVICE: Kind = service(|config| config.service.unwrap_or(Duration::from_secs(169)));
static AZURE_SERVICE: Kind = service(|config| config.service.unwrap_or(Duration::from_secs(60)));
static GCP_SERVICE: Kind = service(|config| config.service.unwrap_or(Duration::from_secs(281)));

/// An endpoint of dedicated clusters: what the clouds have in common.
const ENDPOINT: Kind = Kind {
    not_found: "PRIVATE_ENDPOINT_NOT_FOUND",
    id: "",
    status: "status",
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

static DATA_FEDERATION: Kind = Kind {
    not_found: "ENDPOINT_ID_NOT_FOUND",
    id: "endpointId",
    status: "status",
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

static STREAMS: Kind = Kind {
    not_found: "STREAM_PRIVATE_LINK_NOT_FOUND",
    id: "_id",
    status: "state",
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
static BACKUP: Kind = STORAGE;
static ENCRYPTION_AT_REST: Kind = Kind {
    created: [ACCEPTED, ACCEPTED],
    attributes: &[("regionName", Holds::Text), ("cloudProvider", Holds::Text)],
    media_type: None,
    ..STORAGE
};

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
    fn kind(self) -> &'static Kind {
        match self {
            Self::DataFederation => &DATA_FEDERATION,
            Self::Streams => &STREAMS,
            Self::EncryptionAtRest => &ENCRYPTION_AT_REST,
            Self::Backup => &BACKUP,
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
    fn wrong_cloud(&self) -> Option<&str> {
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

/// The resources of all projects, and their regional mode.
#[derive(Default)]
pub(crate) struct Families {
    pub(crate) resources: Resources,
    regional: HashSet<String>,
}

/// One request's view.
pub(crate) struct Context<'a> {
    pub(crate) version: ApiVersion,
    pub(crate) group: &'a str,
    pub(crate) now: Duration,
    pub(crate) config: &'a Config,
    pub(crate) page: Page,
    /// The id that the next resource gets.
    pub(crate) new_id: String,
}

impl Context<'_> {
    fn code(&self, codes: [StatusCode; 2]) -> StatusCode {
        let [recorded, documented] = codes;
        if self.config.documented_status_codes { documented } else { recorded }
    }

    fn gone(&self, deleted: [StatusCode; 2]) -> Answer {
        let status = self.code(deleted);
        Answer::new(status, (status == ACCEPTED).then(|| json!({})))
    }

    /// The body without its nulls, if it has these attributes and no others, and the first `required` ones for sure.
    fn read(
        &self,
        body: &Map<String, Value>,
        attributes: &[(&str, Holds)],
        required: usize,
    ) -> Result<Map<String, Value>, Answer> {
        if let Some(unknown) = body.keys().find(|name| !attributes.iter().any(|(known, _)| known == name)) {
            return Err(Answer::invalid_attribute(self.version, unknown, ""));
        }
        let mut read = body.clone();
        read.retain(|_, value| !value.is_null());
        for (number, (name, holds)) in attributes.iter().enumerate() {
            match read.get(*name) {
                None if number < required => {
                    let detail = format!("The required attribute {name} was not specified.");
                    let code = "MISSING_ATTRIBUTE";
                    return Err(Answer::error(StatusCode::BAD_REQUEST, code, &detail, vec![json!(name)]));
                }
                None => {}
                Some(value) => {
                    if let Some(rule) = holds.broken_by(value) {
                        return Err(Answer::invalid_attribute(self.version, name, rule));
                    }
                }
            }
        }
        Ok(read)
    }

    /// The body of a creation in a cloud that the path names already.
    fn read_in(
        &self,
        cloud: Option<&str>,
        kind: &Kind,
        body: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Answer> {
        let read = self.read(body, kind.attributes, kind.required)?;
        match (cloud, read.get("cloudProvider").and_then(Value::as_str)) {
            (Some(cloud), Some(other)) if other != cloud => {
                let why = format!("The path says {cloud}.");
                Err(Answer::invalid_attribute(self.version, "cloudProvider", &why))
            }
            _ => Ok(read),
        }
    }
}

fn invalid_cloud(cloud: &str) -> Answer {
    let detail = "The specified cloud provider is not valid.";
    Answer::error(StatusCode::BAD_REQUEST, "INVALID_CLOUD_PROVIDER", detail, vec![json!(cloud)])
}

fn missing(kind: &Kind, id: &str) -> Answer {
    let detail = format!("No private endpoint or endpoint service with ID {id} exists.");
    Answer::error(StatusCode::NOT_FOUND, kind.not_found, &detail, vec![json!(id)])
}

fn conflict(code: &str, detail: &str) -> Answer {
    Answer::error(StatusCode::CONFLICT, code, detail, vec![])
}

fn service_kind(cloud: &str) -> &'static Kind {
    match cloud {
        "AZURE" => &AZURE_SERVICE,
        "GCP" => &GCP_SERVICE,
        _ => &AWS_SERVICE,
    }
}

fn endpoint_kind(cloud: &str) -> &'static Kind {
    match cloud {
        "AZURE" => &AZURE_ENDPOINT,
        "GCP" => &GCP_ENDPOINT,
        _ => &AWS_ENDPOINT,
    }
}

/// Atlas's own name of a region: `US_EAST_1` for `us-east-1`.
fn atlas_region(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

type Handled = Result<Answer, Answer>;

impl Families {
    /// What a request gets; an operation that its target does not know has been refused before.
    pub(crate) fn handle(
        &mut self,
        context: &Context<'_>,
        method: &Method,
        target: &Target,
        body: &Map<String, Value>,
        births: &mut Births<'_>,
    ) -> Answer {
        if let Some(cloud) = target.wrong_cloud() {
            return invalid_cloud(cloud);
        }
        let handled = match (target, method.as_str()) {
            (Target::RegionalMode, "GET") => Ok(self.regional_mode(context, OK)),
            (Target::RegionalMode, _) => self.set_regional_mode(context, body),
            (Target::NewService, _) => self.create_service(context, body, births),
            (Target::AwsService(id), _) => self.update_service(context, id, body),
            (Target::Services { cloud, id: None }, _) => Ok(self.list_services(context, cloud)),
            (Target::Services { cloud, id: Some(id) }, "GET") => self.get_service(context, cloud, id),
            (Target::Services { cloud, id: Some(id) }, _) => self.delete_service(context, cloud, id),
            (Target::Endpoints { cloud, service, id: None }, _) => {
                self.create_endpoint(context, cloud, service, body, births)
            }
            (Target::Endpoints { cloud, service, id: Some(id) }, verb) => {
                self.endpoint(context, cloud, service, id, verb == "GET")
            }
            (Target::Collection { family, cloud, id: None }, "POST") => {
                self.create_in_collection(context, *family, cloud.as_deref(), body, births)
            }
            (Target::Collection { family, cloud, id }, verb) => {
                self.collection(context, *family, cloud.as_deref(), id.as_deref(), verb, body)
            }
        };
        handled.unwrap_or_else(|refusal| refusal)
    }

    fn one(
        &mut self,
        context: &Context<'_>,
        kind: &'static Kind,
        id: &str,
        belongs: impl Fn(&Resource) -> bool,
    ) -> Result<&mut Resource, Answer> {
        let mut all = self.resources.of(context.group, context.now, context.config).iter_mut();
        all.find(|one| one.is(kind) && one.id == id && belongs(one)).ok_or_else(|| missing(kind, id))
    }

    fn regional_mode(&self, context: &Context<'_>, status: StatusCode) -> Answer {
        Answer::new(status, Some(json!({"enabled": self.regional.contains(context.group)})))
    }

    fn set_regional_mode(&mut self, context: &Context<'_>, body: &Map<String, Value>) -> Handled {
        let body = context.read(body, &[("enabled", Holds::Flag)], 1)?;
        match body.get("enabled") {
            Some(Value::Bool(true)) => self.regional.insert(context.group.to_owned()),
            _ => self.regional.remove(context.group),
        };
        Ok(self.regional_mode(context, context.code([ACCEPTED, OK])))
    }

    fn create_service(&mut self, context: &Context<'_>, body: &Map<String, Value>, births: &mut Births<'_>) -> Handled {
        let body = context.read(body, AWS_SERVICE.attributes, AWS_SERVICE.required)?;
        let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (cloud, region) = (text("providerName"), atlas_region(text("region")));
        if !matches!(cloud, "AWS" | "AZURE" | "GCP") {
            return Err(invalid_cloud(cloud));
        }
        let kind = service_kind(cloud);
        let of_group = self.resources.of(context.group, context.now, context.config);
        if of_group.iter().any(|one| one.is(kind) && one.fields.get("regionName") == Some(&json!(region))) {
            let code = error_code::PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION;
            let detail = format!("A private endpoint service already exists for {cloud} in {region}.");
            return Err(conflict(code, &detail));
        }
        let mut fields = Map::new();
        fields.insert("cloudProvider".to_owned(), json!(cloud));
        fields.insert("regionName".to_owned(), json!(region));
        let own_region = region.to_ascii_lowercase().replace('_', "-");
        let name = match cloud {
            "AZURE" => format!("pls_{}", context.new_id),
            "GCP" => format!("sa-{own_region}-{}", context.new_id),
            _ => format!("com.amazonaws.vpce.{own_region}.vpce-svc-{}", births.random.hex(17)),
        };
        // for `service_json` alone
        fields.insert(HIDDEN_NAME.to_owned(), json!(name));
        match cloud {
            "AWS" => {
                let regions = body.get("supportedRemoteRegions").map(atlas_regions);
                fields.insert("supportedRemoteRegions".to_owned(), json!(regions));
            }
            "GCP" => {
                let enabled = body.get("portMappingEnabled").and_then(Value::as_bool).unwrap_or(false);
                fields.insert("portMappingEnabled".to_owned(), json!(enabled));
            }
            _ => {}
        }
        self.resources.add(kind, context.new_id.clone(), None, fields, births);
        let status = context.code(kind.created);
        self.get_service(context, cloud, &context.new_id).map(|answer| Answer { status, ..answer })
    }

    fn list_services(&mut self, context: &Context<'_>, cloud: &str) -> Answer {
        let of_group = self.resources.of(context.group, context.now, context.config);
        let services = of_group.iter().filter(|one| one.is(service_kind(cloud)));
        Answer::new(OK, Some(services.map(|one| service_json(one, of_group, context.now, context.config)).collect()))
    }

    fn get_service(&mut self, context: &Context<'_>, cloud: &str, id: &str) -> Handled {
        let kind = service_kind(cloud);
        let of_group = self.resources.of(context.group, context.now, context.config);
        let found = of_group.iter().find(|one| one.is(kind) && one.id == id).ok_or_else(|| missing(kind, id))?;
        Ok(Answer::new(OK, Some(service_json(found, of_group, context.now, context.config))))
    }

    fn update_service(&mut self, context: &Context<'_>, id: &str, body: &Map<String, Value>) -> Handled {
        let attributes = [("cloudProvider", Holds::Text), ("supportedRemoteRegions", Holds::Texts)];
        let body = context.read(body, &attributes, 1)?;
        let service = self.one(context, &AWS_SERVICE, id, |_| true)?;
        if let Some(regions) = body.get("supportedRemoteRegions") {
            service.fields.insert("supportedRemoteRegions".to_owned(), atlas_regions(regions));
        }
        self.get_service(context, "AWS", id)
    }

    fn delete_service(&mut self, context: &Context<'_>, cloud: &str, id: &str) -> Handled {
        let of_group = self.resources.of(context.group, context.now, context.config);
        if of_group.iter().any(|one| one.parent.as_deref() == Some(id)) {
            let detail = "Cannot delete a private endpoint service that has private endpoints.";
            return Err(conflict("CANNOT_DELETE_ENDPOINT_SERVICE_WITH_ENDPOINTS", detail));
        }
        let kind = service_kind(cloud);
        self.one(context, kind, id, |_| true)?.delete(context.now);
        Ok(context.gone(kind.deleted))
    }

    fn endpoint(&mut self, context: &Context<'_>, cloud: &str, service: &str, id: &str, keep: bool) -> Handled {
        self.one(context, service_kind(cloud), service, |_| true)?;
        let kind = endpoint_kind(cloud);
        let one = self.one(context, kind, id, |one| one.parent.as_deref() == Some(service))?;
        if keep {
            return Ok(Answer::new(OK, Some(endpoint_json(one, context.now, context.config))));
        }
        one.fields.insert("deleteRequested".to_owned(), json!(true));
        one.delete(context.now);
        Ok(context.gone(kind.deleted))
    }

    fn create_endpoint(
        &mut self,
        context: &Context<'_>,
        cloud: &str,
        service: &str,
        body: &Map<String, Value>,
        births: &mut Births<'_>,
    ) -> Handled {
        let kind = endpoint_kind(cloud);
        let parent = self.one(context, service_kind(cloud), service, |_| true)?;
        if !parent.is_ready(context.now, context.config) {
            let detail = "The private endpoint service is not available.";
            return Err(Answer::error(StatusCode::BAD_REQUEST, "ENDPOINT_SERVICE_NOT_AVAILABLE", detail, vec![]));
        }
        let mut fields = context.read_in(Some(cloud), kind, body)?;
        let name = if cloud == "GCP" { "endpointGroupName" } else { "id" };
        let id = fields.remove(name).and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
        if self.one(context, kind, &id, |_| true).is_ok() {
            return Err(conflict("PRIVATE_ENDPOINT_ALREADY_EXISTS", &format!("Private endpoint {id} already exists.")));
        }
        fields.insert("cloudProvider".to_owned(), json!(cloud));
        fields.insert("deleteRequested".to_owned(), json!(false));
        if cloud == "AZURE" {
            fields.insert("privateEndpointConnectionName".to_owned(), Value::Null);
        }
        let made = self.resources.add(kind, id, Some(service.to_owned()), fields, births);
        let content = made.map(|one| endpoint_json(one, context.now, context.config));
        Ok(Answer::new(context.code(kind.created), content))
    }

    fn collection(
        &mut self,
        context: &Context<'_>,
        family: Family,
        cloud: Option<&str>,
        id: Option<&str>,
        verb: &str,
        body: &Map<String, Value>,
    ) -> Handled {
        let kind = family.kind();
        let on_cloud =
            |one: &Resource| cloud.is_none() || one.fields.get("cloudProvider").and_then(Value::as_str) == cloud;
        let Some(id) = id else {
            let of_group = self.resources.of(context.group, context.now, context.config);
            let all = of_group.iter().filter(|one| one.is(kind) && on_cloud(one));
            let all = all.map(|one| Value::Object(one.to_json(context.now, context.config))).collect();
            return Ok(Answer::new(OK, Some(context.page.of(all))));
        };
        let one = self.one(context, kind, id, on_cloud)?;
        match verb {
            "DELETE" => {
                one.delete(context.now);
                return Ok(context.gone(kind.deleted));
            }
            "PATCH" => {
                one.fields.extend(context.read(body, &[("dnsDomain", Holds::Text)], 0)?);
            }
            _ => {}
        }
        Ok(Answer::new(OK, Some(Value::Object(one.to_json(context.now, context.config)))))
    }

    fn create_in_collection(
        &mut self,
        context: &Context<'_>,
        family: Family,
        cloud: Option<&str>,
        body: &Map<String, Value>,
        births: &mut Births<'_>,
    ) -> Handled {
        let kind = family.kind();
        let mut fields = context.read_in(cloud, kind, body)?;
        if let Some(cloud) = cloud {
            fields.insert("cloudProvider".to_owned(), json!(cloud));
        }
        if family == Family::DataFederation {
            let provider = fields.entry("provider").or_insert(json!("AWS")).clone();
            let id = fields.get("endpointId").and_then(Value::as_str).unwrap_or_default().to_owned();
            let of_cloud = if provider == "AZURE" { Provider::Azure } else { Provider::Aws };
            if let Some(rule) = Holds::IdIn(of_cloud).broken_by(&json!(id)) {
                return Err(Answer::invalid_attribute(context.version, "endpointId", rule));
            }
            fields.entry("type").or_insert(json!("DATA_LAKE"));
            match self.one(context, kind, &id, |_| true) {
                Ok(known) => known.fields = fields,
                Err(_) => {
                    self.resources.add(kind, id, None, fields, births);
                }
            }
            let all = self.collection(context, family, cloud, None, "GET", body)?;
            return Ok(Answer { status: context.code(kind.created), ..all });
        }
        if family == Family::Streams {
            let provider = fields.get("provider").and_then(Value::as_str).map(str::to_ascii_uppercase);
            fields.insert("provider".to_owned(), json!(provider));
            fields.entry("vendor").or_insert(json!("GENERIC"));
        }
        let made = self.resources.add(kind, context.new_id.clone(), None, fields, births);
        let mut json = made.map(|one| one.to_json(context.now, context.config)).unwrap_or_default();
        if family == Family::Streams {
            // a creation is recorded to be answered without it
            json.remove("state");
        }
        Ok(Answer::new(context.code(kind.created), Some(Value::Object(json))))
    }

    /// The endpoint services of all projects, each with its project's id and its endpoints.
    pub(crate) fn export_services(&mut self, now: Duration, config: &Config) -> Vec<Value> {
        let mut exported = Vec::new();
        for group in self.resources.groups() {
            let of_group = self.resources.of(&group, now, config);
            let is_service = |one: &&Resource| ["AWS", "AZURE", "GCP"].iter().any(|cloud| one.is(service_kind(cloud)));
            for service in of_group.iter().filter(is_service) {
                let mut json = service_json(service, of_group, now, config);
                let endpoints = of_group.iter().filter(|one| one.parent.as_deref() == Some(&service.id));
                let endpoints: Value = endpoints.map(|one| endpoint_json(one, now, config)).collect();
                if let Some(fields) = json.as_object_mut() {
                    fields.insert("groupId".to_owned(), json!(group));
                    fields.insert("endpoints".to_owned(), endpoints);
                }
                exported.push(json);
            }
        }
        exported
    }

    /// The connected endpoints of a project that a cluster shows strings for: ids, clouds and regions.
    pub(crate) fn connected(&mut self, group: &str, now: Duration, config: &Config) -> Vec<(String, String, Value)> {
        let of_group = self.resources.of(group, now, config);
        let endpoints = of_group.iter().filter(|one| one.parent.is_some() && one.is_ready(now, config));
        let shown = endpoints.filter(|one| now >= one.ready_since(config) + config.connection_string);
        let region = |one: &Resource| {
            let service = of_group.iter().find(|service| Some(&service.id) == one.parent.as_ref());
            service.and_then(|service| service.fields.get("regionName").cloned()).unwrap_or_default()
        };
        let cloud =
            |one: &Resource| one.fields.get("cloudProvider").and_then(Value::as_str).unwrap_or("AWS").to_owned();
        shown.map(|one| (one.id.clone(), cloud(one), region(one))).collect()
    }
}

const HIDDEN_NAME: &str = "\0name";

fn atlas_regions(names: &Value) -> Value {
    names.as_array().into_iter().flatten().filter_map(Value::as_str).map(|name| json!(atlas_region(name))).collect()
}

/// An endpoint; each forwarding rule of one in GCP has a status of its own.
fn endpoint_json(endpoint: &Resource, now: Duration, config: &Config) -> Value {
    let mut json = endpoint.to_json(now, config);
    if let Some(Value::Array(rules)) = json.get_mut("endpoints") {
        let status = match endpoint.status(now, config) {
            "VERIFIED" => "INITIATING",
            status => status,
        };
        for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
            rule.insert("status".to_owned(), json!(status));
        }
    }
    Value::Object(json)
}

/// A service with its name, once it has one, and its endpoints.
fn service_json(service: &Resource, of_group: &[Resource], now: Duration, config: &Config) -> Value {
    let mut json = service.to_json(now, config);
    let name = json.remove(HIDDEN_NAME).unwrap_or_default();
    let text = name.as_str().unwrap_or_default();
    let endpoints = of_group.iter().filter(|one| one.parent.as_deref() == Some(&service.id));
    let endpoints: Value = endpoints.map(|one| json!(one.id)).collect();
    let ready = service.progress(now, config) >= 1.0 && !json.get("errorMessage").is_some_and(Value::is_string);
    match json.get("cloudProvider").and_then(Value::as_str) {
        Some("AZURE") => {
            let resource = format!(
                "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg_{}/providers/\
                 Microsoft.Network/privateLinkServices/{text}",
                service.id
            );
            json.insert("privateLinkServiceName".to_owned(), if ready { json!(text) } else { Value::Null });
            json.insert("privateLinkServiceResourceId".to_owned(), if ready { json!(resource) } else { Value::Null });
            json.insert("privateEndpoints".to_owned(), endpoints);
        }
        Some("GCP") => {
            // they come one by one, and not in their order, long before it is ready
            let count = (service.progress(now, config) * 6.0) as usize;
            let order = [2, 0, 5, 1, 4, 3];
            let region = json.get("regionName").and_then(Value::as_str).unwrap_or_default();
            let region = region.to_ascii_lowercase().replace('_', "-");
            let attachment = |n: &i32| {
                json!(format!(
                    "projects/p-{}/regions/{region}/serviceAttachments/{text}-{n}",
                    "0123456789abcdefghijklmn"
                ))
            };
            json.insert("serviceAttachmentNames".to_owned(), order.iter().take(count).map(attachment).collect());
            json.insert("endpointGroupNames".to_owned(), endpoints);
        }
        _ => {
            if ready && json.get("supportedRemoteRegions").is_some_and(Value::is_null) {
                json.insert("supportedRemoteRegions".to_owned(), json!([]));
            }
            json.insert("endpointServiceName".to_owned(), if ready { name } else { Value::Null });
            json.insert("interfaceEndpoints".to_owned(), endpoints);
        }
    }
    Value::Object(json)
}
