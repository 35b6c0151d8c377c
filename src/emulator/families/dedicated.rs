//! Endpoint services of dedicated clusters, and the endpoints on them.

use super::super::answer::Answer;
use super::super::config::Config;
use super::super::config::is_in_cloud;
use super::super::deployment::Connected;
use super::super::regions::{atlas_name, cloud_name};
use super::super::resource::{Births, Forced, Holds, Resource};
use super::kinds::{ACCEPTED, AWS_SERVICE, OK, endpoint_kind, service_kind};
use super::{Context, Families, Handled, conflict, invalid_cloud, missing};
use crate::api::error_code;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The service attachments that a legacy service in GCP has; a port-mapped one has a single one.
const ATTACHMENTS: usize = 6;

impl Families {
    pub(crate) fn is_regional(&self, group: &str) -> bool {
        self.regional.contains(group)
    }

    pub(super) fn regional_mode(&self, context: &Context<'_>, status: StatusCode) -> Answer {
        Answer::new(status, Some(json!({"enabled": self.regional.contains(context.group)})))
    }

    pub(super) fn set_regional_mode(&mut self, context: &Context<'_>, body: &Map<String, Value>) -> Handled {
        let body = context.read(body, &[("enabled", Holds::Flag)], 1)?;
        let enabled = body.get("enabled") == Some(&Value::Bool(true));
        if enabled != self.is_regional(context.group) {
            self.refuse_mode_by_rules(context, enabled)?;
        }
        if enabled {
            self.regional.insert(context.group.to_owned());
        } else {
            self.regional.remove(context.group);
        }
        Ok(self.regional_mode(context, context.code([ACCEPTED, OK])))
    }

    pub(super) fn create_service(
        &mut self,
        context: &Context<'_>,
        body: &Map<String, Value>,
        births: &mut Births<'_>,
    ) -> Handled {
        let body = context.read(body, AWS_SERVICE.attributes, AWS_SERVICE.required)?;
        let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (cloud, region) = (text("providerName"), atlas_name(text("providerName"), text("region")));
        if !matches!(cloud, "AWS" | "AZURE" | "GCP") {
            return Err(invalid_cloud(cloud));
        }
        let kind = service_kind(cloud);
        let of_group = self.resources.of(context.group, context.now, context.config);
        let port_mapped = body.get("portMappingEnabled").and_then(Value::as_bool).unwrap_or(false);
        if port_mapped && cloud != "GCP" {
            let why = "Only GCP has port-mapped endpoint services.";
            return Err(Answer::invalid_attribute(context.version, "portMappingEnabled", why));
        }
        // of GCP's two kinds, each region can have both while people move from one to the other
        let same = |one: &Resource| one.is(kind) && region_of(one) == region && is_port_mapped(one) == port_mapped;
        if of_group.iter().any(same) {
            let code = error_code::PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION;
            let detail = format!("A private endpoint service already exists for {cloud} in {region}.");
            return Err(conflict(code, &detail));
        }
        let mut fields = Map::new();
        fields.insert("cloudProvider".to_owned(), json!(cloud));
        fields.insert("regionName".to_owned(), json!(region));
        let own_region = cloud_name(cloud, &region);
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
                fields.insert("portMappingEnabled".to_owned(), json!(port_mapped));
            }
            _ => {}
        }
        self.resources.add(kind, context.new_id.clone(), None, fields, births);
        let status = context.code(kind.created);
        self.get_service(context, cloud, &context.new_id).map(|answer| Answer { status, ..answer })
    }

    pub(super) fn list_services(&mut self, context: &Context<'_>, cloud: &str) -> Answer {
        let of_group = self.resources.of(context.group, context.now, context.config);
        let services = of_group.iter().filter(|one| one.is(service_kind(cloud)));
        Answer::new(OK, Some(services.map(|one| service_json(one, of_group, context.now, context.config)).collect()))
    }

    pub(super) fn get_service(&mut self, context: &Context<'_>, cloud: &str, id: &str) -> Handled {
        let kind = service_kind(cloud);
        let of_group = self.resources.of(context.group, context.now, context.config);
        let found = of_group.iter().find(|one| one.is(kind) && one.id == id).ok_or_else(|| missing(kind, id))?;
        Ok(Answer::new(OK, Some(service_json(found, of_group, context.now, context.config))))
    }

    pub(super) fn update_service(&mut self, context: &Context<'_>, id: &str, body: &Map<String, Value>) -> Handled {
        let attributes = [("cloudProvider", Holds::Text), ("supportedRemoteRegions", Holds::Texts)];
        let body = context.read(body, &attributes, 1)?;
        let service = self.one(context, &AWS_SERVICE, id, |_| true)?;
        if let Some(regions) = body.get("supportedRemoteRegions") {
            service.fields.insert("supportedRemoteRegions".to_owned(), atlas_regions(regions));
        }
        self.get_service(context, "AWS", id)
    }

    pub(super) fn delete_service(&mut self, context: &Context<'_>, cloud: &str, id: &str) -> Handled {
        let of_group = self.resources.of(context.group, context.now, context.config);
        let going = of_group.iter().any(|one| one.id == id && one.is_deleted());
        if !going && of_group.iter().any(|one| one.parent.as_deref() == Some(id)) {
            let detail = "Cannot delete a private endpoint service that has private endpoints.";
            return Err(conflict("CANNOT_DELETE_ENDPOINT_SERVICE_WITH_ENDPOINTS", detail));
        }
        let kind = service_kind(cloud);
        self.one(context, kind, id, |_| true)?.delete(context.now);
        Ok(context.gone(kind.deleted))
    }

    pub(super) fn endpoint(
        &mut self,
        context: &Context<'_>,
        cloud: &str,
        service: &str,
        id: &str,
        keep: bool,
    ) -> Handled {
        self.one(context, service_kind(cloud), service, |_| true)?;
        let kind = endpoint_kind(cloud);
        let one = self.one(context, kind, id, |one| one.parent.as_deref() == Some(service))?;
        if keep {
            return Ok(Answer::new(OK, Some(endpoint_json(one, context.now, context.config))));
        }
        one.fields.insert("deleteRequested".to_owned(), json!(true));
        one.delete(context.now);
        let of_group = self.resources.of(context.group, context.now, context.config);
        let is_left = of_group.iter().any(|one| one.parent.as_deref() == Some(service) && !one.is_deleted());
        if context.config.last_endpoint_deletes_service && !is_left {
            self.one(context, service_kind(cloud), service, |_| true)?.delete(context.now);
        }
        Ok(context.gone(kind.deleted))
    }

    pub(super) fn create_endpoint(
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
        let port_mapped = is_port_mapped(parent);
        let mut fields = context.read_in(Some(cloud), kind, body)?;
        let name = if cloud == "GCP" { "endpointGroupName" } else { "id" };
        let mut id = fields.remove(name).and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
        let mut names = vec![id.clone()];
        if cloud == "GCP" {
            names = rule_names(&fields, if port_mapped { 1 } else { ATTACHMENTS })
                .map_err(|why| Answer::invalid_attribute(context.version, "endpoints", &why))?;
            if port_mapped {
                // the group's name is needed, and means nothing
                id = names.first().cloned().unwrap_or_default();
                fields.insert("portMappingEnabled".to_owned(), json!(true));
            }
        }
        if cloud == "AZURE" && context.config.azure_ids_in_lower_case {
            id.make_ascii_lowercase();
        }
        // Google's names are good in one region, others everywhere
        let rival = |one: &Resource| cloud != "GCP" || one.parent.as_deref() == Some(service);
        if self.one(context, kind, &id, rival).is_ok() {
            return Err(conflict("PRIVATE_ENDPOINT_ALREADY_EXISTS", &format!("Private endpoint {id} already exists.")));
        }
        self.refuse_by_rules(context, service)?;
        fields.insert("cloudProvider".to_owned(), json!(cloud));
        fields.insert("deleteRequested".to_owned(), json!(false));
        if cloud == "AZURE" {
            fields.insert("privateEndpointConnectionName".to_owned(), Value::Null);
        }
        if let Some(lost) = names.iter().find(|name| !is_in_cloud(context.cloud_endpoints, name)) {
            // this is what goes wrong, not what was kept for the next one
            births.doomed.push_front(format!("No private endpoint {lost} leads to this endpoint service."));
        }
        let made = self.resources.add(kind, id, Some(service.to_owned()), fields, births);
        let content = made.map(|one| endpoint_json(one, context.now, context.config));
        Ok(Answer::new(context.code(kind.created), content))
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

    /// Lets an endpoint, or a service where none is named, say something else; false where there is none.
    pub(crate) fn force(
        &mut self,
        (service, endpoint): (&str, Option<&str>),
        forced: Option<Forced>,
        now: Duration,
        config: &Config,
    ) -> bool {
        for group in self.resources.groups() {
            let found = self.resources.of(&group, now, config).iter_mut().find(|one| match endpoint {
                None => one.parent.is_none() && one.id == service,
                Some(endpoint) => one.parent.as_deref() == Some(service) && one.has_id(endpoint),
            });
            if let Some(found) = found {
                found.force(forced);
                return true;
            }
        }
        false
    }

    /// The connected endpoints of a project.
    pub(crate) fn connected(&mut self, group: &str, now: Duration, config: &Config) -> Vec<Connected> {
        let of_group = self.resources.of(group, now, config);
        let endpoints = of_group.iter().filter(|one| one.parent.is_some() && one.is_ready(now, config));
        let connected = endpoints.filter_map(|one| {
            let service = of_group.iter().find(|service| Some(&service.id) == one.parent.as_ref())?;
            Some(Connected {
                id: one.id.clone(),
                cloud: cloud_of(one).to_owned(),
                region: region_of(service).to_owned(),
                since: one.ready_since(config),
            })
        });
        connected.collect()
    }
}

fn text_of<'a>(one: &'a Resource, name: &str) -> &'a str {
    one.fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The region of a service.
pub(super) fn region_of(service: &Resource) -> &str {
    text_of(service, "regionName")
}

pub(super) fn cloud_of(one: &Resource) -> &str {
    text_of(one, "cloudProvider")
}

pub(super) fn is_port_mapped(one: &Resource) -> bool {
    one.fields.get("portMappingEnabled") == Some(&Value::Bool(true))
}

/// The names of the forwarding rules in a request, which has to name one for each service attachment.
fn rule_names(fields: &Map<String, Value>, attachments: usize) -> Result<Vec<String>, String> {
    let rules = fields.get("endpoints").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if rules.len() != attachments {
        let count = rules.len();
        return Err(format!("It must hold {attachments}, one for each service attachment, and holds {count}."));
    }
    let name = |rule: &Value| {
        let text = |name| rule.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let address = text("ipAddress").filter(|address| address.parse::<std::net::IpAddr>().is_ok());
        text("endpointName").filter(|_| address.is_some()).map(str::to_owned)
    };
    let names: Option<Vec<String>> = rules.iter().map(name).collect();
    names.ok_or_else(|| "Each must have an endpointName and an ipAddress.".to_owned())
}

const HIDDEN_NAME: &str = "\0name";

fn atlas_regions(names: &Value) -> Value {
    let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| json!(atlas_name("AWS", name))).collect()
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
    let ready = match service.forced_status() {
        Some(forced) => !matches!(forced, "INITIATING" | "FAILED"),
        None => service.progress(now, config) >= 1.0 && !json.get("errorMessage").is_some_and(Value::is_string),
    };
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
            let order = if is_port_mapped(service) { &[0][..] } else { &[2, 0, 5, 1, 4, 3][..] };
            let progress = service.progress(now, config);
            // the only one comes when half of the time is over
            let count = if order.len() == 1 { progress * 2.0 } else { progress * 6.0 } as usize;
            let region = cloud_name("GCP", region_of(service));
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
