//! One request through Atlas's stages: who is it, may it, is it too fast, what does it want.

use super::answer::Answer;
use super::bucket::{Bucket, Limits, PERIOD_SECONDS};
use super::clock::Clock;
use super::config::{Config, DigestMode};
use super::digest::{Algorithm, Credentials, REALM};
use super::fault::Faults;
use super::nonce::{Nonces, Verdict};
use super::random::Random;
use super::route::{Query, Route};
use super::serverless::{Call, Endpoints};
use super::stats::{RecordedAuthorization, RecordedRequest, Stats};
use crate::api::{ApiVersion, error_code};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
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

/// Of a key only the hashes are kept that verification needs.
struct Key {
    role: Role,
    md5: String,
    sha256: String,
}

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

struct Kept {
    request: RecordedRequest,
    finished: bool,
}

/// Everything the emulator knows.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) endpoints: Endpoints,
    pub(crate) stats: Stats,
    pub(crate) nonces: Nonces,
    pub(crate) address_allowed: bool,
    pub(crate) retired: Option<Retirement>,
    /// Counts restarts: a request that arrived before one is not executed after it.
    pub(crate) generation: u64,
    config: Config,
    random: Random,
    keys: HashMap<String, Key>,
    buckets: HashMap<String, Bucket>,
    requests: BTreeMap<u64, Kept>,
    next_request: u64,
    /// The `Date` header, and the second it is true for.
    date: (u64, HeaderValue),
}

/// The body of a refusal, byte for byte.
const UNAUTHORIZED: &str = "{\n  \"error\" : 401,\n  \"reason\" : \"Unauthorized\",\n  \"detail\" : \"You are not \
                            authorized for this resource.\"\n}";

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
    pub(crate) fn new(config: Config) -> Self {
        let mut random = Random::new();
        let mut state = Self {
            clock: Clock::new(if config.driven_clock { 0.0 } else { config.speed }),
            faults: Faults::default(),
            endpoints: Endpoints::new(&mut random),
            stats: Stats::default(),
            nonces: Nonces::new(config.digest, config.nonce_life, config.max_nonce_count),
            address_allowed: true,
            retired: None,
            generation: 0,
            random,
            keys: HashMap::new(),
            buckets: HashMap::new(),
            requests: BTreeMap::new(),
            next_request: 0,
            date: (u64::MAX, HeaderValue::from_static("")),
            config,
        };
        let (public_key, private_key) =
            (state.config.public_key.clone(), std::mem::take(&mut state.config.private_key));
        state.add_key(public_key, &private_key, Role::Owner);
        state
    }

    pub(crate) fn add_key(&mut self, public_key: String, private_key: &str, role: Role) {
        let a1 = [public_key.as_str(), REALM, private_key];
        let key = Key { role, md5: Algorithm::Md5.hash(&a1), sha256: Algorithm::Sha256.hash(&a1) };
        self.keys.insert(public_key, key);
    }

    pub(crate) fn restart(&mut self) {
        self.nonces.forget_all();
        self.generation += 1;
    }

    pub(crate) fn export_endpoints(&mut self, group: Option<&str>, instance: Option<&str>) -> Vec<Value> {
        self.endpoints.export(&self.config, self.clock.now(), group, instance, &mut self.random)
    }

    /// Notes that a request arrived; the number is for [`State::finished`].
    pub(crate) fn arrived(&mut self, incoming: &Incoming) -> u64 {
        self.stats.requests += 1;
        let number = self.next_request;
        self.next_request += 1;
        if self.config.record {
            self.requests.insert(number, Kept { request: recorded(incoming), finished: false });
        }
        number
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
        if let Some(kept) = self.requests.get_mut(&number) {
            kept.request.status = status;
            kept.finished = true;
        }
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.values().map(|kept| kept.request.clone()).collect()
    }

    /// Takes the requests out that are done with.
    pub(crate) fn take_finished(&mut self) -> Vec<RecordedRequest> {
        let (finished, open) = std::mem::take(&mut self.requests).into_iter().partition(|(_, kept)| kept.finished);
        self.requests = open;
        let finished: BTreeMap<u64, Kept> = finished;
        finished.into_values().map(|kept| kept.request).collect()
    }

    pub(crate) fn reset_stats(&mut self) {
        self.stats = Stats::default();
        self.requests.clear();
    }

    /// The right answer to a request.
    pub(crate) fn respond(&mut self, incoming: &Incoming) -> Reply {
        let now = self.clock.now();
        let query = Query::parse(&incoming.target);
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

    fn issue(&mut self, now: Duration) -> String {
        self.stats.nonces_issued += 1;
        self.nonces.issue(&mut self.random, now)
    }

    fn authenticate(&mut self, incoming: &Incoming, now: Duration) -> Result<Role, Refusal> {
        let mode = self.config.digest;
        if mode == DigestMode::Open {
            return Ok(Role::Owner);
        }
        let mut values = incoming.headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Err(Refusal::Challenge { stale: false }) };
        let checked = if values.next().is_some() {
            Err(Refusal::Malformed("there are two Authorization headers".to_owned()))
        } else {
            self.check(mode, value, incoming, now)
        };
        if checked.is_err() {
            self.stats.refused += 1;
        }
        checked
    }

    fn check(
        &mut self,
        mode: DigestMode,
        value: &HeaderValue,
        incoming: &Incoming,
        now: Duration,
    ) -> Result<Role, Refusal> {
        const WRONG: Refusal = Refusal::Challenge { stale: false };
        let value = value.to_str().map_err(|_| Refusal::Malformed("it is not ASCII".to_owned()))?;
        let credentials = match value.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("digest") => {
                Credentials::parse(rest).map_err(Refusal::Malformed)?
            }
            _ => return Err(WRONG),
        };
        let count = credentials.qop.as_ref().map(|qop| qop.count);
        if let (true, Some(count)) = (self.config.record, count) {
            self.stats.nonce_counts.entry(credentials.nonce.clone()).or_default().push(count);
        }
        if credentials.uri != incoming.target && incoming.absolute.as_ref() != Some(&credentials.uri) {
            let what = format!("uri is {:?}, but the request is for {:?}", credentials.uri, incoming.target);
            return Err(Refusal::Malformed(what));
        }
        let algorithm = Algorithm::from_name(credentials.algorithm.as_deref()).filter(|a| mode.offers(*a));
        let Some(algorithm) = algorithm else { return Err(WRONG) };
        if credentials.realm != REALM || credentials.qop.is_some() != mode.offers_qop() {
            return Err(WRONG);
        }
        match self.nonces.check(&credentials.nonce, count, now) {
            Verdict::Good => {}
            Verdict::Stale => return Err(Refusal::Challenge { stale: true }),
            Verdict::Refused => return Err(WRONG),
        }
        let key = self.keys.get(&credentials.username).ok_or(WRONG)?;
        let a1 = match algorithm {
            Algorithm::Md5 => &key.md5,
            Algorithm::Sha256 => &key.sha256,
        };
        if credentials.expected(algorithm, a1, incoming.method.as_str()) != credentials.response {
            return Err(WRONG);
        }
        if key.role == Role::Outsider {
            return Err(Refusal::NotInGroup);
        }
        Ok(key.role)
    }

    fn refuse(&mut self, refusal: Refusal, now: Duration) -> Reply {
        let (stale, mut answer) = match refusal {
            Refusal::Malformed(what) => {
                let detail = format!("The Authorization header is not valid: {what}.");
                let mut answer = Answer::error(StatusCode::BAD_REQUEST, error_code::UNEXPECTED_ERROR, &detail, vec![]);
                let body = answer.body(false);
                return Reply { status: answer.status, headers: *answer.headers, body };
            }
            Refusal::Challenge { stale } => {
                (stale, Answer::new(StatusCode::UNAUTHORIZED, None).with("content-type", "application/json"))
            }
            Refusal::NotInGroup => {
                let detail = "The current user is not in the group, or the group does not exist.";
                (false, Answer::error(StatusCode::UNAUTHORIZED, error_code::NOT_IN_GROUP, detail, vec![]))
            }
        };
        self.stats.challenges += 1;
        let nonce = self.issue(now);
        for challenge in self.config.digest.challenges(&nonce, stale) {
            answer = answer.with("www-authenticate", &challenge);
        }
        let body = match answer.content {
            None => Bytes::from_static(UNAUTHORIZED.as_bytes()),
            Some(_) => answer.body(false),
        };
        Reply { status: answer.status, headers: *answer.headers, body }
    }

    /// What is behind the authentication.
    fn admitted(&mut self, incoming: &Incoming, route: &Route, role: Role, now: Duration) -> Answer {
        if !self.address_allowed {
            let address = incoming.peer.to_string();
            let detail = format!("IP address {address} is not allowed to access this resource.");
            let code = error_code::IP_ADDRESS_NOT_ON_ACCESS_LIST;
            return Answer::error(StatusCode::FORBIDDEN, code, &detail, vec![json!(address)]);
        }
        let Route::Serverless { version, group, instance, id } = route else {
            let path = Query::parse(&incoming.target).path;
            let detail = format!("Cannot find resource {path}.");
            return Answer::error(StatusCode::NOT_FOUND, error_code::RESOURCE_NOT_FOUND, &detail, vec![json!(path)]);
        };
        let Some(operation) = Operation::choose(&incoming.method, id.is_some()) else {
            let allow = if id.is_some() { "DELETE,GET,PATCH,OPTIONS" } else { "POST,GET,OPTIONS" };
            let status =
                if incoming.method == Method::OPTIONS { StatusCode::OK } else { StatusCode::METHOD_NOT_ALLOWED };
            return Answer::new(status, None).with("allow", allow);
        };
        if role == Role::ReadOnly && operation.writes() {
            let detail = "Current user is not authorized to perform this action.";
            return Answer::error(StatusCode::FORBIDDEN, error_code::USER_UNAUTHORIZED, detail, vec![]);
        }
        let limits = Limits { capacity: self.config.capacity, refill: self.config.refill };
        if !self.buckets.contains_key(group) {
            self.buckets.insert(group.clone(), Bucket::new(limits, now));
        }
        let taken = self.buckets.get_mut(group).map_or(Ok(0), |bucket| bucket.take(limits, now));
        let answer = match taken {
            Ok(remaining) => self
                .execute(incoming, operation, (*version, group, instance, id.as_deref().unwrap_or_default()), now)
                .with("ratelimit-remaining", &remaining.to_string()),
            Err(seconds) => {
                let path = Query::parse(&incoming.target).path;
                let Limits { capacity, refill } = limits;
                let detail = format!(
                    "Too many requests for {path}: retry after {seconds} seconds. The limit is {capacity} requests, \
                     refilled with {refill} every {PERIOD_SECONDS} seconds."
                );
                let parameters = [seconds, capacity, refill, PERIOD_SECONDS].map(|n| json!(n.to_string()));
                let parameters = std::iter::once(json!(path)).chain(parameters).collect();
                let code = error_code::RATE_LIMITED_TOKEN_BUCKET;
                Answer::error(StatusCode::TOO_MANY_REQUESTS, code, &detail, parameters)
                    .with("ratelimit-remaining", "0")
                    .with("retry-after", &seconds.to_string())
            }
        };
        answer.with("ratelimit-limit", &limits.capacity.to_string())
    }

    fn execute(
        &mut self,
        incoming: &Incoming,
        operation: Operation,
        (version, group, instance, id): (ApiVersion, &str, &str, &str),
        now: Duration,
    ) -> Answer {
        if let Some(refusal) = self.unavailable(group, instance) {
            return refusal;
        }
        let body = match operation.writes_body().then(|| json_object(incoming)).transpose() {
            Ok(body) => body.unwrap_or_default(),
            Err(refusal) => return refusal,
        };
        let call = Call { version, group, instance, now, config: &self.config };
        let answer = match operation {
            Operation::Create => self.endpoints.create(&call, &body),
            Operation::List => self.endpoints.list(&call, &mut self.random),
            Operation::Get => self.endpoints.get(&call, id, &mut self.random),
            Operation::Update => self.endpoints.update(&call, id, &body, &mut self.random),
            Operation::Delete => self.endpoints.delete(&call, id, &mut self.random),
        };
        if answer.status == StatusCode::CREATED {
            self.stats.endpoints_made += 1;
        }
        let answer = answer.with("x-java-method", operation.java_method());
        if answer.status.is_success() && answer.content.is_some() {
            let media_type = match version {
                ApiVersion::V1_0 => version.media_type().to_owned(),
                ApiVersion::V2 => format!("{};charset=utf-8", version.media_type()),
            };
            return answer.with("content-type", &media_type);
        }
        answer
    }

    /// The retirement, an unknown project, an unknown instance.
    fn unavailable(&self, group: &str, instance: &str) -> Option<Answer> {
        match self.retired {
            Some(Retirement::VersionGone) => {
                let detail = "This version of the resource has been removed.";
                return Some(Answer::error(StatusCode::GONE, error_code::VERSION_GONE, detail, vec![]));
            }
            Some(Retirement::NotServerless) => {
                let detail = format!("Cluster {instance} in group {group} is not a serverless instance.");
                let code = error_code::NOT_SERVERLESS_TENANT_CLUSTER;
                let parameters = vec![json!(instance), json!(group)];
                return Some(Answer::error(StatusCode::BAD_REQUEST, code, &detail, parameters));
            }
            None => {}
        }
        if group.len() != 24 || !group.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            let detail = format!("An invalid group ID {group} was specified.");
            return Some(Answer::error(StatusCode::BAD_REQUEST, "INVALID_GROUP_ID", &detail, vec![json!(group)]));
        }
        if self.config.groups.as_ref().is_some_and(|groups| !groups.iter().any(|known| known == group)) {
            let detail = format!("No group with ID {group} exists.");
            let code = error_code::GROUP_NOT_FOUND;
            return Some(Answer::error(StatusCode::NOT_FOUND, code, &detail, vec![json!(group)]));
        }
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

/// Why a request did not get past the authentication.
enum Refusal {
    /// RFC 7616 section 3.5: directives that are improper or missing, or a `uri` that is not the request's, are 400.
    Malformed(String),
    Challenge {
        stale: bool,
    },
    NotInGroup,
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

    fn writes_body(self) -> bool {
        matches!(self, Operation::Create | Operation::Update)
    }

    fn writes(self) -> bool {
        self.writes_body() || self == Operation::Delete
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

fn recorded(incoming: &Incoming) -> RecordedRequest {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut authorization = None;
    for (name, value) in &incoming.headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if name == header::AUTHORIZATION {
            let (scheme, rest) = text.split_once(' ').unwrap_or((&text, ""));
            authorization = if scheme.eq_ignore_ascii_case("digest") { Credentials::parse(rest).ok() } else { None };
            match &authorization {
                None => scheme.to_owned(),
                Some(kept) => {
                    let mut text = format!("{scheme} nonce={:?}, uri={:?}", kept.nonce, kept.uri);
                    if let Some(algorithm) = &kept.algorithm {
                        text += &format!(", algorithm={algorithm}");
                    }
                    if let Some(qop) = &kept.qop {
                        text += &format!(", qop=auth, nc={}", qop.nc);
                    }
                    text
                }
            }
        } else {
            text.into_owned()
        };
        headers.entry(name.as_str().to_owned()).and_modify(|all| *all += &format!(", {text}")).or_insert(text);
    }
    RecordedRequest {
        method: incoming.method.to_string(),
        target: incoming.target.clone(),
        headers,
        authorization: authorization.map(|kept| RecordedAuthorization {
            username: kept.username,
            nonce: kept.nonce,
            uri: kept.uri,
            algorithm: kept.algorithm,
            qop: kept.qop.as_ref().map(|_| "auth".to_owned()),
            nc: kept.qop.map(|qop| qop.count),
        }),
        body: String::from_utf8_lossy(&incoming.body).into_owned(),
        status: None,
    }
}
