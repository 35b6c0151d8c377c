//! The families of private endpoints beside the origin: their kinds, and their operations.

mod dedicated;
mod kinds;
mod rules;
mod target;

pub(crate) use target::Target;

use super::answer::Answer;
use super::clusters::Clusters;
use super::config::{Config, Provider};
use super::resource::{Births, Holds, Kind, Resource, Resources};
use super::route::Page;
use crate::api::ApiVersion;
use http::{Method, StatusCode};
use kinds::{ACCEPTED, OK};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::time::Duration;
use target::Family;

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
    pub(crate) clusters: &'a Clusters,
    /// The only private endpoints that the clouds have, if there is a list of them.
    pub(crate) cloud_endpoints: Option<&'a [String]>,
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
        all.find(|one| one.is(kind) && one.has_id(id) && belongs(one)).ok_or_else(|| missing(kind, id))
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
}
