//! One store for the resources of all families but the origin: each kind is a row of facts, each resource a life by the
//! clock.

use super::config::Config;
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
    /// Its words until it is ready, each with the part of the time that it lasts until.
    pub(crate) steps: &'static [(&'static str, f64)],
    pub(crate) ready: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) deleting: &'static str,
    /// From its creation until it is ready.
    pub(crate) preparation: fn(&Config) -> Duration,
    /// What creations and deletions are answered with: as recorded, and as documented.
    pub(crate) created: [StatusCode; 2],
    pub(crate) deleted: [StatusCode; 2],
    /// The attributes that a creation may have; the first `required` ones it must.
    pub(crate) attributes: &'static [&'static str],
    pub(crate) required: usize,
    /// Its resource version, if it is not that of the API's version.
    pub(crate) media_type: Option<&'static str>,
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
}

/// All resources of all projects, in the order of their creation.
#[derive(Default)]
pub(crate) struct Resources {
    groups: HashMap<String, Vec<Resource>>,
    doomed: VecDeque<String>,
}

impl Resources {
    /// The next one made will fail with `message`.
    pub(crate) fn doom_next(&mut self, message: String) {
        self.doomed.push_back(message);
    }

    /// Those of a project that are still there.
    pub(crate) fn of(&mut self, group: &str, now: Duration, config: &Config) -> &mut Vec<Resource> {
        let resources = self.groups.entry(group.to_owned()).or_default();
        resources.retain(|resource| resource.deleted.is_none_or(|since| now < since + config.deletion));
        resources
    }

    pub(crate) fn add(
        &mut self,
        group: &str,
        kind: &'static Kind,
        id: String,
        parent: Option<String>,
        fields: Map<String, Value>,
        now: Duration,
    ) -> Option<&Resource> {
        let doom = self.doomed.pop_front();
        let resources = self.groups.entry(group.to_owned()).or_default();
        resources.push(Resource { kind, id, parent, fields, made: now, deleted: None, doom });
        resources.last()
    }
}

impl Resource {
    pub(crate) fn is(&self, kind: &'static Kind) -> bool {
        std::ptr::eq(self.kind, kind)
    }

    pub(crate) fn delete(&mut self, now: Duration) {
        self.deleted.get_or_insert(now);
    }

    /// Begins the present state anew.
    pub(crate) fn ready_since(&self, config: &Config) -> Duration {
        self.made + (self.kind.preparation)(config)
    }

    pub(crate) fn status(&self, now: Duration, config: &Config) -> &'static str {
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
        let message = self.doom.as_ref().filter(|_| status == self.kind.failed);
        json.insert("errorMessage".to_owned(), json!(message));
        json
    }
}
