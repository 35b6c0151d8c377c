//! What a request for a serverless instance, a cluster or a project gets.

use super::super::answer::Answer;
use super::super::clusters::{Description, Found};
use super::super::config::Project;
use super::super::deployment;
use super::super::route::Query;
use super::super::serverless::Call;
use super::{Incoming, Retirement, State};
use crate::api::{ApiVersion, error_code};
use http::{Method, StatusCode, header};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The projects and instances that were asked for and taken, so that lists can show them.
#[derive(Default)]
pub(super) struct Asked(BTreeMap<String, BTreeSet<String>>);

impl Asked {
    pub(super) fn group(&mut self, group: &str) {
        if !self.0.contains_key(group) {
            self.0.insert(group.to_owned(), BTreeSet::new());
        }
    }

    fn instance(&mut self, group: &str, name: &str) {
        self.0.entry(group.to_owned()).or_default().insert(name.to_owned());
    }

    fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn instances(&self, group: &str) -> Vec<String> {
        self.0.get(group).into_iter().flatten().cloned().collect()
    }
}

impl State {
    /// The clusters or serverless instances of a project, or one of them, and the resource version of the answer.
    pub(super) fn deployments(
        &mut self,
        incoming: &Incoming,
        (version, group, serverless, name): (ApiVersion, &str, bool, Option<&str>),
        now: Duration,
    ) -> (Answer, Option<&'static str>) {
        let page = Query::parse(&incoming.target).page;
        let media_type = cluster_version(incoming, version);
        let legacy = media_type.is_none();
        let handled = match (serverless, name) {
            (false, Some(name)) => self.cluster(group, name, legacy, now),
            (false, None) => self.clusters(group, legacy, now).map(|all| page.of(all)),
            (true, Some(name)) => self.instance(version, group, name, now),
            (true, None) => self.instances(version, group, now).map(|all| page.of(all)),
        };
        let answer = match handled {
            Ok(content) => Answer::new(StatusCode::OK, Some(content)),
            Err(refusal) => refusal,
        };
        (answer, media_type.filter(|_| !serverless))
    }

    fn cluster(&mut self, group: &str, name: &str, legacy: bool, now: Duration) -> Result<Value, Answer> {
        self.enter(group)?;
        let description = match self.clusters.ask(group, name) {
            Found::Described(description) if description.is_flex() => {
                let detail = format!("Flex cluster {name} cannot be used in the Cluster API.");
                let code = "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API";
                return Err(Answer::error(StatusCode::BAD_REQUEST, code, &detail, vec![json!(name)]));
            }
            Found::Described(description) => Some(description.clone()),
            Found::Undescribed => None,
            Found::Missing => {
                let detail = format!("No cluster named {name} exists in group {group}.");
                let parameters = vec![json!(name), json!(group)];
                return Err(Answer::error(StatusCode::NOT_FOUND, error_code::CLUSTER_NOT_FOUND, &detail, parameters));
            }
        };
        Ok(self.cluster_json(group, name, description.as_ref(), legacy, now))
    }

    fn cluster_json(
        &mut self,
        group: &str,
        name: &str,
        description: Option<&Description>,
        legacy: bool,
        now: Duration,
    ) -> Value {
        let connected = self.families.connected(group, now, &self.config);
        let old_enough = |since| now >= since + self.config.connection_string;
        let sets = match description {
            None => deployment::one_each(connected, old_enough),
            Some(one) => deployment::of_cluster(one, &connected, self.families.is_regional(group), old_enough),
        };
        deployment::cluster(group, name, description, legacy, &sets)
    }

    fn clusters(&mut self, group: &str, legacy: bool, now: Duration) -> Result<Vec<Value>, Answer> {
        self.enter(group)?;
        let all = self.clusters.listed(group);
        Ok(all.iter().map(|(name, one)| self.cluster_json(group, name, one.as_ref(), legacy, now)).collect())
    }

    fn instance(&mut self, version: ApiVersion, group: &str, name: &str, now: Duration) -> Result<Value, Answer> {
        if let Some(refusal) = self.unavailable(group, Some(name)) {
            return Err(refusal);
        }
        self.asked.instance(group, name);
        let call = Call { version, group, instance: name, now, config: &self.config, cloud_endpoints: None };
        let connected = self.endpoints.connected(&call, &mut self.random);
        let sets = deployment::one_each(connected, |since| now >= since + self.config.connection_string);
        Ok(deployment::instance(group, name, self.config.provider.name(), &sets))
    }

    /// Those that are known, else those that were asked for.
    fn instances(&mut self, version: ApiVersion, group: &str, now: Duration) -> Result<Vec<Value>, Answer> {
        if let Some(refusal) = self.unavailable(group, None) {
            return Err(refusal);
        }
        if self.retired.is_some() {
            return Ok(Vec::new());
        }
        self.asked.group(group);
        let names = self.config.instances.clone().unwrap_or_else(|| self.asked.instances(group));
        names.iter().map(|name| self.instance(version, group, name, now)).collect()
    }

    /// All projects, or the one of that name.
    pub(super) fn projects(&self, incoming: &Incoming, name: Option<&str>) -> Answer {
        let mut all = match &self.config.groups {
            Some(known) => known.clone(),
            None => {
                let named = self.clusters.groups().chain(self.asked.groups());
                let ids: BTreeSet<&str> = named.collect();
                ids.into_iter().map(Project::unnamed).collect()
            }
        };
        let shown = |one: &Project| deployment::project(&one.id, &one.name, self.clusters.listed(&one.id).len());
        let Some(name) = name else {
            let all = all.iter().map(shown).collect();
            return Answer::new(StatusCode::OK, Some(Query::parse(&incoming.target).page.of(all)));
        };
        all.retain(|one| one.name == name);
        match all.first() {
            Some(one) => Answer::new(StatusCode::OK, Some(shown(one))),
            None => {
                let detail = format!("No group named {name} exists.");
                let code = error_code::GROUP_NOT_FOUND;
                Answer::error(StatusCode::NOT_FOUND, code, &detail, vec![json!(name)])
            }
        }
    }

    /// Refuses an unknown project, and remembers any other.
    fn enter(&mut self, group: &str) -> Result<(), Answer> {
        match self.unknown_group(group) {
            Some(refusal) => Err(refusal),
            None => {
                self.asked.group(group);
                Ok(())
            }
        }
    }

    pub(super) fn serverless(
        &mut self,
        incoming: &Incoming,
        (version, group, instance, id): (ApiVersion, &str, &str, Option<&str>),
        now: Duration,
        body: impl FnOnce() -> Result<Map<String, Value>, Answer>,
    ) -> Answer {
        if let Some(refusal) = self.unavailable(group, Some(instance)) {
            return refusal;
        }
        self.asked.instance(group, instance);
        let body = match body() {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let Some(operation) = Operation::choose(&incoming.method, id.is_some()) else {
            return Answer::new(StatusCode::METHOD_NOT_ALLOWED, None);
        };
        let id = id.unwrap_or_default();
        let cloud_endpoints = self.cloud_endpoints.as_deref();
        let call = Call { version, group, instance, now, config: &self.config, cloud_endpoints };
        let answer = match operation {
            Operation::Create => self.endpoints.create(&call, &body, &mut self.doomed),
            Operation::List => self.endpoints.list(&call, &mut self.random),
            Operation::Get => self.endpoints.get(&call, id, &mut self.random),
            Operation::Update => self.endpoints.update(&call, id, &body, &mut self.random),
            Operation::Delete => self.endpoints.delete(&call, id, &mut self.random),
        };
        if answer.status == StatusCode::CREATED {
            self.stats.endpoints_made += 1;
        }
        answer.with("x-java-method", operation.java_method())
    }

    /// An unknown project.
    pub(super) fn unknown_group(&self, group: &str) -> Option<Answer> {
        if group.len() != 24 || !group.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            let detail = format!("An invalid group ID {group} was specified.");
            return Some(Answer::error(StatusCode::BAD_REQUEST, "INVALID_GROUP_ID", &detail, vec![json!(group)]));
        }
        if self.config.groups.as_ref().is_some_and(|groups| !groups.iter().any(|known| known.id == group)) {
            let detail = format!("No group with ID {group} exists.");
            let code = error_code::GROUP_NOT_FOUND;
            return Some(Answer::error(StatusCode::NOT_FOUND, code, &detail, vec![json!(group)]));
        }
        None
    }

    /// The retirement, an unknown project, an unknown instance.
    fn unavailable(&self, group: &str, instance: Option<&str>) -> Option<Answer> {
        match self.retired {
            Some(Retirement::VersionGone) => {
                let detail = "This version of the resource has been removed.";
                return Some(Answer::error(StatusCode::GONE, error_code::VERSION_GONE, detail, vec![]));
            }
            Some(Retirement::NotServerless) if instance.is_some() => {
                let instance = instance.unwrap_or_default();
                let detail = format!("Cluster {instance} in group {group} is not a serverless instance.");
                let code = error_code::NOT_SERVERLESS_TENANT_CLUSTER;
                let parameters = vec![json!(instance), json!(group)];
                return Some(Answer::error(StatusCode::BAD_REQUEST, code, &detail, parameters));
            }
            _ => {}
        }
        if let Some(refusal) = self.unknown_group(group) {
            return Some(refusal);
        }
        let instance = instance?;
        let well_formed = instance.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && instance.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let known = self.config.instances.as_ref().is_none_or(|names| names.iter().any(|known| known == instance));
        if !well_formed || !known {
            let detail = format!("No serverless instance named {instance} exists in group {group}.");
            let code = error_code::SERVERLESS_INSTANCE_NOT_FOUND;
            let parameters = vec![json!(instance), json!(group)];
            return Some(Answer::error(StatusCode::NOT_FOUND, code, &detail, parameters));
        }
        None
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    List,
    Get,
    Update,
    Delete,
}

impl Operation {
    fn choose(method: &Method, has_id: bool) -> Option<Self> {
        match (method.as_str(), has_id) {
            ("POST", false) => Some(Operation::Create),
            ("GET", false) => Some(Operation::List),
            ("GET", true) => Some(Operation::Get),
            ("PATCH", true) => Some(Operation::Update),
            ("DELETE", true) => Some(Operation::Delete),
            _ => None,
        }
    }

    fn java_method(self) -> &'static str {
        match self {
            Operation::Create => "ApiAtlasServerlessPrivateEndpointResource::createEndpoint",
            Operation::List => "ApiAtlasServerlessPrivateEndpointResource::getEndpoints",
            Operation::Get => "ApiAtlasServerlessPrivateEndpointResource::getEndpoint",
            Operation::Update => "ApiAtlasServerlessPrivateEndpointResource::updateEndpoint",
            Operation::Delete => "ApiAtlasServerlessPrivateEndpointResource::deleteEndpoint",
        }
    }
}

/// The resource version of clusters that `Accept` asks for: its date, or the newest before it. `None` for v1.0 and v2's
/// first, whose shape is another one.
fn cluster_version(incoming: &Incoming, version: ApiVersion) -> Option<&'static str> {
    let accept = incoming.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let date = accept.split_once("vnd.atlas.").and_then(|(_, rest)| rest.split('+').next());
    match (version, date) {
        (ApiVersion::V1_0, _) => None,
        (ApiVersion::V2, Some(date)) if date < "2023-02-01" => None,
        (ApiVersion::V2, Some(date)) if date < "2024-08-05" => Some("application/vnd.atlas.2023-02-01+json"),
        (ApiVersion::V2, _) => Some("application/vnd.atlas.2024-08-05+json"),
    }
}
