//! The families of private endpoints beside the origin: their kinds, and their operations.

use super::answer::Answer;
use super::config::Config;
use super::random::Random;
use super::resource::{Kind, Resource, Resources};
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
        deleting: "DELETING",
        preparation,
        created: [CREATED, OK],
        deleted: [ACCEPTED, NO_CONTENT],
        attributes: &["providerName", "region", "supportedRemoteRegions", "portMappingEnabled"],
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
    deleting: "DELETING",
    preparation: |config| config.connection,
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
    attributes: &["id", "cloudProvider"],
    required: 1,
    ..ENDPOINT
};

static AZURE_ENDPOINT: Kind = Kind {
    id: "privateEndpointResourceId",
    steps: &[("INITIATING", 1.0)],
    attributes: &["id", "privateEndpointIPAddress", "cloudProvider"],
    required: 2,
    ..ENDPOINT
};

static GCP_ENDPOINT: Kind = Kind {
    id: "endpointGroupName",
    steps: &[("INITIATING", 0.5), ("VERIFIED", 1.0)],
    attributes: &["endpointGroupName", "gcpProjectId", "endpoints", "cloudProvider"],
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
    deleting: "DELETING",
    preparation: |_| Duration::ZERO,
    created: [CREATED, CREATED],
    deleted: [NO_CONTENT, NO_CONTENT],
    attributes: &[
        "endpointId",
        "provider",
        "type",
        "comment",
        "region",
        "customerEndpointDNSName",
        "customerEndpointIPAddress",
        "azureLinkId",
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
    deleting: "DELETING",
    preparation: |config| config.connection,
    created: [OK, OK],
    deleted: [ACCEPTED, ACCEPTED],
    attributes: &[
        "provider",
        "region",
        "vendor",
        "serviceEndpointId",
        "dnsDomain",
        "dnsSubDomain",
        "arn",
        "authenticationScheme",
        "azureResourceIds",
        "gcpServiceAttachmentUris",
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
    deleting: "DELETING",
    preparation: |config| config.connection,
    created: [CREATED, CREATED],
    deleted: [NO_CONTENT, NO_CONTENT],
    attributes: &["regionName", "cloudProvider", "vpcRegionName"],
    required: 1,
    media_type: Some("application/vnd.atlas.2024-11-13+json"),
};
static BACKUP: Kind = STORAGE;
static ENCRYPTION_AT_REST: Kind =
    Kind { created: [ACCEPTED, ACCEPTED], attributes: &["regionName", "cloudProvider"], media_type: None, ..STORAGE };

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
            ["privateEndpoint", cloud @ ("AWS" | "AZURE" | "GCP"), "endpointService", rest @ ..] => match rest {
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
            ["encryptionAtRest", cloud @ ("AWS" | "AZURE"), "privateEndpoints"] => {
                collection(Family::EncryptionAtRest, Some(cloud), None)
            }
            ["encryptionAtRest", cloud @ ("AWS" | "AZURE"), "privateEndpoints", id] => {
                collection(Family::EncryptionAtRest, Some(cloud), Some(id))
            }
            ["backup", cloud @ "AWS", "privateEndpoints"] => collection(Family::Backup, Some(cloud), None),
            ["backup", cloud @ "AWS", "privateEndpoints", id] => collection(Family::Backup, Some(cloud), Some(id)),
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

    fn check(&self, kind: &Kind, body: &Map<String, Value>) -> Result<(), Answer> {
        if let Some(unknown) = body.keys().find(|name| !kind.attributes.contains(&name.as_str())) {
            return Err(Answer::invalid_attribute(self.version, unknown, ""));
        }
        let missing =
            kind.attributes.iter().take(kind.required).find(|name| body.get(**name).is_none_or(Value::is_null));
        match missing {
            None => Ok(()),
            Some(name) => {
                let detail = format!("The required attribute {name} was not specified.");
                Err(Answer::error(StatusCode::BAD_REQUEST, "MISSING_ATTRIBUTE", &detail, vec![json!(name)]))
            }
        }
    }
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
        random: &mut Random,
    ) -> Answer {
        let handled = match (target, method.as_str()) {
            (Target::RegionalMode, "GET") => Ok(self.regional_mode(context, OK)),
            (Target::RegionalMode, _) => self.set_regional_mode(context, body),
            (Target::NewService, _) => self.create_service(context, body, random),
            (Target::AwsService(id), _) => self.update_service(context, id, body),
            (Target::Services { cloud, id: None }, _) => Ok(self.list_services(context, cloud)),
            (Target::Services { cloud, id: Some(id) }, "GET") => self.get_service(context, cloud, id),
            (Target::Services { cloud, id: Some(id) }, _) => self.delete_service(context, cloud, id),
            (Target::Endpoints { cloud, service, id: None }, _) => self.create_endpoint(context, cloud, service, body),
            (Target::Endpoints { cloud, service, id: Some(id) }, verb) => {
                let kind = endpoint_kind(cloud);
                self.one(context, kind, id, |one| one.parent.as_deref() == Some(service)).map(|one| {
                    if verb == "GET" {
                        return Answer::new(OK, Some(Value::Object(one.to_json(context.now, context.config))));
                    }
                    one.fields.insert("deleteRequested".to_owned(), json!(true));
                    one.delete(context.now);
                    context.gone(kind.deleted)
                })
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
        match body.get("enabled") {
            Some(Value::Bool(true)) => self.regional.insert(context.group.to_owned()),
            Some(Value::Bool(false)) => self.regional.remove(context.group),
            _ => return Err(Answer::invalid_attribute(context.version, "enabled", "It must be a boolean.")),
        };
        Ok(self.regional_mode(context, context.code([ACCEPTED, OK])))
    }

    fn create_service(&mut self, context: &Context<'_>, body: &Map<String, Value>, random: &mut Random) -> Handled {
        let cloud = body.get("providerName").and_then(Value::as_str).unwrap_or_default();
        if !matches!(cloud, "AWS" | "AZURE" | "GCP") {
            let detail = "The specified cloud provider is not valid.";
            return Err(Answer::error(StatusCode::BAD_REQUEST, "INVALID_CLOUD_PROVIDER", detail, vec![json!(cloud)]));
        }
        let kind = service_kind(cloud);
        context.check(kind, body)?;
        let Some(region) = body.get("region").and_then(Value::as_str).map(atlas_region) else {
            return Err(Answer::invalid_attribute(context.version, "region", "It must be a string."));
        };
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
            _ => format!("com.amazonaws.vpce.{own_region}.vpce-svc-{}", random.hex(17)),
        };
        // for `service_json` alone
        fields.insert(HIDDEN_NAME.to_owned(), json!(name));
        match cloud {
            "AWS" => {
                let regions = body.get("supportedRemoteRegions").cloned().unwrap_or_default();
                if regions.is_array() {
                    fields.insert("supportedRemoteRegions".to_owned(), atlas_regions(&regions));
                }
            }
            "GCP" => {
                let enabled = body.get("portMappingEnabled").and_then(Value::as_bool).unwrap_or(false);
                fields.insert("portMappingEnabled".to_owned(), json!(enabled));
            }
            _ => {}
        }
        self.resources.add(context.group, kind, context.new_id.clone(), None, fields, context.now);
        let status = context.code(kind.created);
        self.get_service(context, cloud, &context.new_id).map(|answer| Answer { status, ..answer })
    }

    fn list_services(&mut self, context: &Context<'_>, cloud: &str) -> Answer {
        let of_group = self.resources.of(context.group, context.now, context.config);
        let services = of_group.iter().filter(|one| one.is(service_kind(cloud)));
        Answer::new(OK, Some(services.map(|one| service_json(one, of_group, context)).collect()))
    }

    fn get_service(&mut self, context: &Context<'_>, cloud: &str, id: &str) -> Handled {
        let kind = service_kind(cloud);
        let of_group = self.resources.of(context.group, context.now, context.config);
        let found = of_group.iter().find(|one| one.is(kind) && one.id == id).ok_or_else(|| missing(kind, id))?;
        Ok(Answer::new(OK, Some(service_json(found, of_group, context))))
    }

    fn update_service(&mut self, context: &Context<'_>, id: &str, body: &Map<String, Value>) -> Handled {
        if let Some(unknown) =
            body.keys().find(|name| !["cloudProvider", "supportedRemoteRegions"].contains(&name.as_str()))
        {
            return Err(Answer::invalid_attribute(context.version, unknown, ""));
        }
        let regions = atlas_regions(body.get("supportedRemoteRegions").unwrap_or(&json!([])));
        let service = self.one(context, &AWS_SERVICE, id, |_| true)?;
        service.fields.insert("supportedRemoteRegions".to_owned(), regions);
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

    fn create_endpoint(
        &mut self,
        context: &Context<'_>,
        cloud: &str,
        service: &str,
        body: &Map<String, Value>,
    ) -> Handled {
        let kind = endpoint_kind(cloud);
        let parent = self.one(context, service_kind(cloud), service, |_| true)?;
        if !parent.is_ready(context.now, context.config) {
            let detail = "The private endpoint service is not available.";
            return Err(Answer::error(StatusCode::BAD_REQUEST, "ENDPOINT_SERVICE_NOT_AVAILABLE", detail, vec![]));
        }
        context.check(kind, body)?;
        let id_attribute = if cloud == "GCP" { "endpointGroupName" } else { "id" };
        let Some(id) = body.get(id_attribute).and_then(Value::as_str).map(str::to_owned) else {
            return Err(Answer::invalid_attribute(context.version, id_attribute, "It must be a string."));
        };
        if self.one(context, kind, &id, |_| true).is_ok() {
            return Err(conflict("PRIVATE_ENDPOINT_ALREADY_EXISTS", &format!("Private endpoint {id} already exists.")));
        }
        let mut fields = body.clone();
        fields.remove("id");
        fields.insert("cloudProvider".to_owned(), json!(cloud));
        fields.insert("deleteRequested".to_owned(), json!(false));
        if cloud == "AZURE" {
            fields.insert("privateEndpointConnectionName".to_owned(), Value::Null);
        }
        let made = self.resources.add(context.group, kind, id, Some(service.to_owned()), fields, context.now);
        let content = made.map(|one| Value::Object(one.to_json(context.now, context.config)));
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
            if verb == "POST" {
                return self.create_in_collection(context, family, cloud, body);
            }
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
                if let Some(unknown) = body.keys().find(|name| *name != "dnsDomain") {
                    return Err(Answer::invalid_attribute(context.version, unknown, ""));
                }
                one.fields.extend(body.clone());
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
    ) -> Handled {
        let kind = family.kind();
        context.check(kind, body)?;
        let mut fields = body.clone();
        if let Some(cloud) = cloud {
            fields.insert("cloudProvider".to_owned(), json!(cloud));
        }
        if family == Family::DataFederation {
            let Some(id) = body.get("endpointId").and_then(Value::as_str).map(str::to_owned) else {
                return Err(Answer::invalid_attribute(context.version, "endpointId", "It must be a string."));
            };
            fields.entry("provider").or_insert(json!("AWS"));
            fields.entry("type").or_insert(json!("DATA_LAKE"));
            match self.one(context, kind, &id, |_| true) {
                Ok(known) => known.fields = fields,
                Err(_) => {
                    self.resources.add(context.group, kind, id, None, fields, context.now);
                }
            }
            let all = self.collection(context, family, cloud, None, "GET", body)?;
            return Ok(Answer { status: context.code(kind.created), ..all });
        }
        let made = self.resources.add(context.group, kind, context.new_id.clone(), None, fields, context.now);
        let mut json = made.map(|one| one.to_json(context.now, context.config)).unwrap_or_default();
        if family == Family::Streams {
            // a creation is recorded to be answered without it
            json.remove("state");
        }
        Ok(Answer::new(context.code(kind.created), Some(Value::Object(json))))
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

/// A service with its name, once it has one, and its endpoints.
fn service_json(service: &Resource, of_group: &[Resource], context: &Context<'_>) -> Value {
    let mut json = service.to_json(context.now, context.config);
    let name = json.remove(HIDDEN_NAME).unwrap_or_default();
    let text = name.as_str().unwrap_or_default();
    let endpoints = of_group.iter().filter(|one| one.parent.as_deref() == Some(&service.id));
    let endpoints: Value = endpoints.map(|one| json!(one.id)).collect();
    let ready =
        service.progress(context.now, context.config) >= 1.0 && !json.get("errorMessage").is_some_and(Value::is_string);
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
            let count = (service.progress(context.now, context.config) * 6.0) as usize;
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
            json.insert("endpointServiceName".to_owned(), if ready { name } else { Value::Null });
            json.insert("interfaceEndpoints".to_owned(), endpoints);
        }
    }
    Value::Object(json)
}
