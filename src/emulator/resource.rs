//! One store for the resources of all families but the origin: each kind is a row of facts, each resource a life by the
//! clock.

use super::config::{Config, Provider};
use super::random::Random;
use super::serverless::is_cloud_id;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// What is known of a kind of resource.
pub(crate) struct Kind {
    /// What `errorCode` calls one that is not there.
    pub(crate) not_found: &'static str,
    /// The names of its id and status.
    pub(crate) id: &'static str,
    pub(crate) status: &'static str,
    /// Whether its ids are the same in capitals and in small letters.
    pub(crate) ids_in_any_case: bool,
    /// Its words until it is ready, each with the part of the time that it lasts until.
    pub(crate) steps: &'static [(&'static str, f64)],
    pub(crate) ready: &'static str,
    pub(crate) failed: &'static str,
    /// Whether `errorMessage` is there without an error, as null.
    pub(crate) says_null: bool,
    pub(crate) deleting: &'static str,
    /// From its creation until it is ready.
    pub(crate) preparation: fn(&Config) -> Duration,
    /// What creations and deletions are answered with: as recorded, and as documented.
    pub(crate) created: [StatusCode; 2],
    pub(crate) deleted: [StatusCode; 2],
    /// The attributes that a creation may have; the first `required` ones it must.
    pub(crate) attributes: &'static [(&'static str, Holds)],
    pub(crate) required: usize,
    /// Its resource version, if it is not that of the API's version.
    pub(crate) media_type: Option<&'static str>,
}

/// What an attribute may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holds {
    Text,
    Texts,
    Flag,
    Objects,
    IpAddress,
    /// The id of a private endpoint in that cloud.
    IdIn(Provider),
}

impl Holds {
    /// The rule that a value breaks.
    pub(crate) fn broken_by(self, value: &Value) -> Option<&'static str> {
        let all = |is: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(is));
        let text = value.as_str();
        let (kept, rule) = match self {
            Holds::Text => (text.is_some_and(|text| !text.is_empty()), "It must be a string, and not empty."),
            Holds::Texts => (all(Value::is_string), "It must be a list of strings."),
            Holds::Flag => (value.is_boolean(), "It must be true or false."),
            Holds::Objects => (all(Value::is_object), "It must be a list of objects."),
            Holds::IpAddress => {
                (text.is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok()), "It must be an IP address.")
            }
            Holds::IdIn(provider) => {
                (text.is_some_and(|id| is_cloud_id(provider, id)), "It must be the cloud's id of a private endpoint.")
            }
        };
        (!kept).then_some(rule)
    }
}

/// What each creation takes from outside of the store.
pub(crate) struct Births<'a> {
    pub(crate) group: &'a str,
    pub(crate) now: Duration,
    pub(crate) random: &'a mut Random,
    /// What will go wrong with those that are made next.
    pub(crate) doomed: &'a mut VecDeque<String>,
    pub(crate) made: u64,
}

/// A resource.
pub(crate) struct Resource {
    pub(crate) kind: &'static Kind,
    pub(crate) id: String,
    /// The service that an endpoint belongs to.
    pub(crate) parent: Option<String>,
    pub(crate) fields: Map<String, Value>,
    made: Duration,
    deleted: Option<Duration>,
    /// What will go wrong in place of being ready.
    doom: Option<String>,
    /// What it says in place of what it is.
    forced: Option<Forced>,
}

/// What a resource says on request, whatever its own life says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forced {
    /// Its status.
    pub status: Option<String>,
    /// Its `errorMessage`, beside a status.
    pub error_message: Option<String>,
    /// Its `deleteRequested`.
    pub delete_requested: Option<bool>,
}

/// All resources of all projects, in the order of their creation.
#[derive(Default)]
pub(crate) struct Resources {
    groups: HashMap<String, Vec<Resource>>,
}

impl Resources {
    /// Those of a project that are still there.
    pub(crate) fn of(&mut self, group: &str, now: Duration, config: &Config) -> &mut Vec<Resource> {
        let resources = self.groups.entry(group.to_owned()).or_default();
        resources.retain(|resource| resource.deleted.is_none_or(|since| now < since + config.deletion));
        resources
    }

    /// The projects that have any, in the order of their ids.
    pub(crate) fn groups(&self) -> Vec<String> {
        let inhabited = self.groups.iter().filter(|(_, resources)| !resources.is_empty());
        let mut groups: Vec<String> = inhabited.map(|(group, _)| group.clone()).collect();
        groups.sort();
        groups
    }

    pub(crate) fn add(
        &mut self,
        kind: &'static Kind,
        id: String,
        parent: Option<String>,
        fields: Map<String, Value>,
        births: &mut Births<'_>,
    ) -> Option<&Resource> {
        let doom = births.doomed.pop_front();
        births.made += 1;
        let resources = self.groups.entry(births.group.to_owned()).or_default();
        resources.push(Resource { kind, id, parent, fields, made: births.now, deleted: None, doom, forced: None });
        resources.last()
    }
}

impl Resource {
    pub(crate) fn is(&self, kind: &'static Kind) -> bool {
        std::ptr::eq(self.kind, kind)
    }

    pub(crate) fn delete(&mut self, now: Duration) {
        self.deleted.get_or_insert(now);
        self.forced = None;
    }

    /// Says something else from now on; `None` goes back to its own life.
    pub(crate) fn force(&mut self, forced: Option<Forced>) {
        self.forced = forced;
    }

    /// Whether that is its id.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.id == id || (self.kind.ids_in_any_case && self.id.eq_ignore_ascii_case(id))
    }

    /// What it says in place of its own status.
    pub(crate) fn forced_status(&self) -> Option<&str> {
        self.forced.as_ref().and_then(|forced| forced.status.as_deref())
    }

    /// Whether its deletion was asked for.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    /// When its preparation ends.
    pub(crate) fn ready_since(&self, config: &Config) -> Duration {
        self.made + (self.kind.preparation)(config)
    }

    pub(crate) fn status(&self, now: Duration, config: &Config) -> &str {
        if let Some(status) = self.forced_status() {
            return status;
        }
        let kind = self.kind;
        if self.deleted.is_some() {
            return kind.deleting;
        }
        let preparation = (kind.preparation)(config);
        let passed = now.saturating_sub(self.made);
        if passed >= preparation {
            return if self.doom.is_some() { kind.failed } else { kind.ready };
        }
        let step = kind.steps.iter().find(|(_, until)| passed < preparation.mul_f64(*until));
        step.map_or(kind.ready, |(word, _)| word)
    }

    pub(crate) fn is_ready(&self, now: Duration, config: &Config) -> bool {
        self.status(now, config) == self.kind.ready
    }

    /// How much of its preparation has passed.
    pub(crate) fn progress(&self, now: Duration, config: &Config) -> f64 {
        let preparation = (self.kind.preparation)(config).as_secs_f64();
        if preparation > 0.0 { (now.saturating_sub(self.made).as_secs_f64() / preparation).min(1.0) } else { 1.0 }
    }

    pub(crate) fn to_json(&self, now: Duration, config: &Config) -> Map<String, Value> {
        let mut json = self.fields.clone();
        let status = self.status(now, config);
        json.insert(self.kind.id.to_owned(), json!(self.id));
        json.insert(self.kind.status.to_owned(), json!(status));
        let message = match &self.forced {
            Some(forced) if forced.status.is_some() => forced.error_message.as_ref(),
            _ => self.doom.as_ref().filter(|_| status == self.kind.failed),
        };
        let delete_requested = self.forced.as_ref().and_then(|forced| forced.delete_requested);
        if let Some(requested) = delete_requested {
            json.insert("deleteRequested".to_owned(), json!(requested));
        }
        if self.kind.says_null || message.is_some() {
            json.insert("errorMessage".to_owned(), json!(message));
        }
        json
    }
}
