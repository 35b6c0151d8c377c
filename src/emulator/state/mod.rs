//! One request through Atlas's stages: who is it, may it, is it too fast, what does it want.

mod admission;
mod authentication;
mod deployments;
mod requests;

use super::answer::Answer;
use super::bucket::Bucket;
use super::clock::Clock;
use super::clusters::Clusters;
use super::config::{Config, DigestMode};
use super::families::{Context, Families};
use super::fault::Faults;
use super::nonce::Nonces;
use super::oauth::ServiceAccount;
use super::random::Random;
use super::resource::{Births, Forced};
use super::route::{Query, Route};
use super::serverless::Endpoints;
use super::stats::{RecordedRequest, Stats};
use crate::api::{ApiVersion, error_code};
use authentication::Key;
use bytes::Bytes;
use deployments::Asked;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use requests::Requests;
use serde_json::{Map, Value};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// `GET` only.
    ReadOnly,
    /// Nothing: the key belongs to another organisation.
    Outsider,
}

/// How serverless private endpoints end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retirement {
    /// 410 `VERSION_GONE` for every operation.
    VersionGone,
    /// 400 `NOT_SERVERLESS_TENANT_CLUSTER`: the instances became dedicated clusters.
    NotServerless,
}

/// The ids of the private endpoints that the clouds have: asked for before each request that may name one. `None` for
/// any, `Err` for as before.
pub(crate) type Cloud = Arc<dyn Fn() -> Result<Option<Vec<String>>, Unknown> + Send + Sync>;

/// The clouds' private endpoints could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

/// A request that has arrived in full.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    /// The request-target where it was not just that: `http://host/path`.
    pub(crate) absolute: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: IpAddr,
}

/// An answer as bytes.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Everything the emulator knows.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) endpoints: Endpoints,
    families: Families,
    pub(crate) clusters: Clusters,
    /// The only private endpoints that the clouds have, and who knows them at any time; `None` for any.
    pub(crate) cloud_endpoints: Option<Vec<String>>,
    pub(crate) cloud: Option<Cloud>,
    /// The names that were asked for.
    asked: Asked,
    pub(crate) account: ServiceAccount,
    /// `Deprecation` and `Sunset` of the operations of serverless instances.
    pub(crate) deprecated: [Option<String>; 2],
    pub(crate) stats: Stats,
    pub(crate) nonces: Nonces,
    pub(crate) address_allowed: bool,
    pub(crate) retired: Option<Retirement>,
    /// Counts restarts: a request that arrived before one is not executed after it.
    pub(crate) generation: u64,
    doomed: VecDeque<String>,
    config: Config,
    random: Random,
    keys: HashMap<String, Key>,
    buckets: HashMap<String, Bucket>,
    requests: Requests,
    /// The `Date` header, and the second it is true for.
    date: (u64, HeaderValue),
}

/// Headers of every answer from behind the authentication.
const COMMON_HEADERS: [(&str, &str); 6] = [
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("strict-transport-security", "max-age=31536000; includeSubdomains;"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-mongodb-service-version", "gitHash=0000000000000000000000000000000000000000; versionString=emulator"),
];

impl State {
    pub(crate) fn new(mut config: Config) -> Self {
        let mut random = Random::new();
        let clock = Clock::new(if config.driven_clock { 0.0 } else { config.speed });
        let account = ServiceAccount::new(
            config.client_id.clone(),
            config.client_secret.clone(),
            config.token_life,
            config.token_requests,
            clock.now(),
        );
        let mut state = Self {
            clock,
            families: Families::default(),
            clusters: Clusters::new(config.clusters.take()),
            cloud_endpoints: None,
            cloud: None,
            asked: Asked::default(),
            account,
            deprecated: [None, None],
            faults: Faults::default(),
            endpoints: Endpoints::new(&mut random),
            stats: Stats::default(),
            nonces: Nonces::new(config.digest, config.nonce_life, config.max_nonce_count),
            address_allowed: true,
            retired: None,
            generation: 0,
            doomed: VecDeque::new(),
            random,
            keys: HashMap::new(),
            buckets: HashMap::new(),
            requests: Requests::default(),
            date: (u64::MAX, HeaderValue::from_static("")),
            config,
        };
        let (public_key, private_key) =
            (state.config.public_key.clone(), std::mem::take(&mut state.config.private_key));
        state.add_key(public_key, &private_key, Role::Owner);
        state
    }

    /// The next one made will fail with `message`, whatever it is.
    pub(crate) fn doom_next(&mut self, message: &str) {
        self.doomed.push_back(message.to_owned());
    }

    /// Lets an endpoint, or a service where none is named, say something else; false where there is none.
    pub(crate) fn force(&mut self, service: &str, endpoint: Option<&str>, forced: Option<Forced>) -> bool {
        self.families.force((service, endpoint), forced, self.clock.now(), &self.config)
    }

    pub(crate) fn restart(&mut self) {
        self.nonces.forget_all();
        self.generation += 1;
    }

    pub(crate) fn export_endpoints(&mut self, group: Option<&str>, instance: Option<&str>) -> Vec<Value> {
        self.endpoints.export(&self.config, self.clock.now(), group, instance, &mut self.random)
    }

    pub(crate) fn export_services(&mut self) -> Vec<Value> {
        self.families.export_services(self.clock.now(), &self.config)
    }

    /// Notes that a request arrived; the number is for [`State::finished`].
    pub(crate) fn arrived(&mut self, incoming: &Incoming) -> u64 {
        self.stats.requests += 1;
        self.requests.arrived(incoming, self.config.record)
    }

    /// Notes the answer, or that there was none.
    pub(crate) fn finished(&mut self, number: u64, method: &Method, status: Option<StatusCode>) {
        let status = status.map(|status| status.as_u16());
        if let Some(status) = status {
            let same = |(m, s, _): &&mut (String, u16, u64)| *s == status && m == method.as_str();
            match self.stats.answers.iter_mut().find(same) {
                Some((_, _, count)) => *count += 1,
                None => self.stats.answers.push((method.to_string(), status, 1)),
            }
        }
        self.requests.finished(number, status);
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.all()
    }

    /// Takes the requests out that are done with.
    pub(crate) fn take_finished(&mut self) -> Vec<RecordedRequest> {
        self.requests.take_finished()
    }

    pub(crate) fn reset_stats(&mut self) {
        self.stats = Stats::default();
        self.requests.forget();
    }

    /// The right answer to a request.
    pub(crate) fn respond(&mut self, incoming: &Incoming) -> Reply {
        let now = self.clock.now();
        let query = Query::parse(&incoming.target);
        if let Some(answer) = self.oauth(incoming, query.path, now) {
            let mut answer = answer;
            let body = answer.body(false);
            let mut reply = Reply { status: answer.status, headers: *answer.headers, body };
            reply.headers.insert(header::DATE, self.date(now));
            return reply;
        }
        let mut reply = match self.authenticate(incoming, now) {
            Err(refusal) => self.refuse(refusal, now),
            Ok(role) => {
                let route = Route::parse(query.path);
                let version = route.version();
                let mut answer = self.admitted(incoming, &route, role, now);
                if query.envelope && (answer.content.is_some() || answer.status == StatusCode::NO_CONTENT) {
                    answer = answer.into_envelope(version);
                }
                for (name, value) in COMMON_HEADERS {
                    answer.headers.insert(name, HeaderValue::from_static(value));
                }
                let body = answer.body(query.pretty);
                Reply { status: answer.status, headers: *answer.headers, body }
            }
        };
        if self.config.digest == DigestMode::OneTime && reply.status != StatusCode::UNAUTHORIZED {
            let info = format!("nextnonce=\"{}\"", self.issue(now));
            if let Ok(info) = HeaderValue::from_str(&info) {
                reply.headers.insert("authentication-info", info);
            }
        }
        reply.headers.insert(header::DATE, self.date(now));
        reply.headers.insert(header::SERVER, HeaderValue::from_static("mdbws"));
        reply
    }

    /// An answer from a stage before Atlas's own, as the `status` fault sends it.
    pub(crate) fn date_only(&mut self) -> HeaderMap {
        let now = self.clock.now();
        HeaderMap::from_iter([(header::DATE, self.date(now))])
    }

    fn date(&mut self, now: Duration) -> HeaderValue {
        if self.date.0 != now.as_secs() {
            let text = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + now);
            if let Ok(value) = HeaderValue::from_str(&text) {
                self.date = (now.as_secs(), value);
            }
        }
        self.date.1.clone()
    }

    fn execute(&mut self, incoming: &Incoming, route: &Route, now: Duration) -> Answer {
        let version = route.version();
        let writes_body = matches!(incoming.method.as_str(), "POST" | "PATCH");
        let body = || writes_body.then(|| json_object(incoming)).transpose().map(Option::unwrap_or_default);
        let (answer, media_type) = match route {
            Route::Serverless { group, instance, id, .. } => {
                let answer = self.serverless(incoming, (version, group, instance, id.as_deref()), now, body);
                (self.dated(answer), None)
            }
            Route::Family { group, target, .. } => {
                if let Some(refusal) = self.unknown_group(group) {
                    return refusal;
                }
                self.asked.group(group);
                let body = match body() {
                    Ok(body) => body,
                    Err(refusal) => return refusal,
                };
                let page = Query::parse(&incoming.target).page;
                let new_id = self.endpoints.new_id(now);
                let clusters = &self.clusters;
                let cloud_endpoints = self.cloud_endpoints.as_deref();
                let config = &self.config;
                let context = Context { version, group, now, config, clusters, cloud_endpoints, page, new_id };
                let mut births = Births { group, now, random: &mut self.random, doomed: &mut self.doomed, made: 0 };
                let answer = self.families.handle(&context, &incoming.method, target, &body, &mut births);
                self.stats.endpoints_made += births.made;
                (answer, target.media_type(&incoming.method))
            }
            Route::Deployments { group, serverless, name, .. } => {
                self.deployments(incoming, (version, group, *serverless, name.as_deref()), now)
            }
            Route::Projects { name, .. } => (self.projects(incoming, name.as_deref()), None),
            Route::Unknown { .. } => (Answer::new(StatusCode::NOT_FOUND, None), None),
        };
        if answer.status.is_success() && answer.content.is_some() {
            let media_type = match (version, media_type) {
                (ApiVersion::V1_0, _) => version.media_type().to_owned(),
                (ApiVersion::V2, dated) => format!("{};charset=utf-8", dated.unwrap_or(version.media_type())),
            };
            return answer.with("content-type", &media_type);
        }
        answer
    }

    fn dated(&self, answer: Answer) -> Answer {
        let [deprecation, sunset] = &self.deprecated;
        let answer = deprecation.iter().fold(answer, |answer, date| answer.with("deprecation", date));
        sunset.iter().fold(answer, |answer, date| answer.with("sunset", date))
    }
}

fn json_object(incoming: &Incoming) -> Result<Map<String, Value>, Answer> {
    let media_type = incoming.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    if media_type != "application/json" && !media_type.ends_with("+json") {
        return Err(Answer::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, None));
    }
    serde_json::from_slice(&incoming.body).map_err(|_| {
        let detail = "Received JSON is malformed.";
        Answer::error(StatusCode::BAD_REQUEST, error_code::MALFORMED_JSON, detail, vec![])
    })
}
