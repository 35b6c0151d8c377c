//! One request through Atlas's stages: who is it, may it, is it too fast, what does it want.

use super::answer::Answer;
use super::bucket::{Bucket, Limits, PERIOD_SECONDS};
use super::clock::Clock;
use super::config::{Config, DigestMode};
use super::deployment;
use super::digest::{Algorithm, Credentials, REALM};
use super::families::{Context, Families};
use super::fault::Faults;
use super::nonce::{Nonces, Verdict};
use super::oauth::ServiceAccount;
use super::random::Random;
use super::resource::Births;
use super::route::{Query, Route};
use super::serverless::{Call, Endpoints};
use super::stats::{RecordedAuthorization, RecordedRequest, Stats};
use crate::api::{ApiVersion, error_code};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
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
    families: Families,
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

    /// The next one made will fail with `message`, whatever it is.
    pub(crate) fn doom_next(&mut self, message: &str) {
        self.doomed.push_back(message.to_owned());
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

    fn issue(&mut self, now: Duration) -> String {
        self.stats.nonces_issued += 1;
        self.nonces.issue(&mut self.random, now)
    }

    /// What `/api/oauth/…` answers; `None` for any other path.
    fn oauth(&mut self, incoming: &Incoming, path: &str, now: Duration) -> Option<Answer> {
        let operation = path.strip_prefix("/api/oauth/")?;
        if incoming.method != Method::POST {
            return Some(Answer::new(StatusCode::METHOD_NOT_ALLOWED, None).with("allow", "POST"));
        }
        let authorization = incoming.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let basic = authorization.and_then(|value| of_scheme(value, "Basic"));
        let form = String::from_utf8_lossy(&incoming.body);
        Some(match operation {
            "token" => {
                let answer = self.account.token(basic, &form, now, &mut self.random);
                self.stats.tokens_issued += u64::from(answer.status.is_success());
                answer
            }
            "revoke" => self.account.revoke(basic, &form),
            _ => Answer::error(StatusCode::NOT_FOUND, error_code::RESOURCE_NOT_FOUND, "Cannot find resource.", vec![]),
        })
    }

    fn authenticate(&mut self, incoming: &Incoming, now: Duration) -> Result<Role, Refusal> {
        let mode = self.config.digest;
        if mode == DigestMode::Open {
            return Ok(Role::Owner);
        }
        let bearer = incoming.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = bearer.and_then(|value| of_scheme(value, "Bearer")) {
            if self.account.accepts(token, now) {
                return Ok(Role::Owner);
            }
            self.stats.refused += 1;
            return Err(Refusal::BadToken);
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
            Refusal::BadToken => {
                let detail = "The access token is not valid, or has expired.";
                let mut answer = Answer::error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", detail, vec![])
                    .with("www-authenticate", "Bearer error=\"invalid_token\"");
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
        let (group, refusal) = self.admissible(incoming, route);
        if let Some(refusal) = refusal {
            return refusal;
        }
        if role == Role::ReadOnly && !incoming.method.is_safe() {
            let detail = "Current user is not authorized to perform this action.";
            return Answer::error(StatusCode::FORBIDDEN, error_code::USER_UNAUTHORIZED, detail, vec![]);
        }
        let limits = Limits { capacity: self.config.capacity, refill: self.config.refill };
        if !self.buckets.contains_key(group) {
            self.buckets.insert(group.to_owned(), Bucket::new(limits, now));
        }
        let taken = self.buckets.get_mut(group).map_or(Ok(0), |bucket| bucket.take(limits, now));
        let (answer, remaining) = match taken {
            Ok(remaining) => (self.execute(incoming, route, now), remaining),
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
                let answer = Answer::error(StatusCode::TOO_MANY_REQUESTS, code, &detail, parameters);
                let told = self.config.rate_limit_headers;
                (if told { answer.with("retry-after", &seconds.to_string()) } else { answer }, 0)
            }
        };
        if !self.config.rate_limit_headers {
            return answer;
        }
        answer.with("ratelimit-remaining", &remaining.to_string()).with("ratelimit-limit", &limits.capacity.to_string())
    }

    /// The project that a request is counted for, or why nothing is to be had there.
    fn admissible<'a>(&self, incoming: &Incoming, route: &'a Route) -> (&'a str, Option<Answer>) {
        let (group, allowed): (&str, &[&str]) = match route {
            Route::Unknown { .. } => {
                let path = Query::parse(&incoming.target).path;
                let detail = format!("Cannot find resource {path}.");
                let code = error_code::RESOURCE_NOT_FOUND;
                return ("", Some(Answer::error(StatusCode::NOT_FOUND, code, &detail, vec![json!(path)])));
            }
            Route::Serverless { group, id: None, .. } => (group, &["POST", "GET"]),
            Route::Serverless { group, .. } => (group, &["DELETE", "GET", "PATCH"]),
            Route::Family { group, target, .. } => (group, target.allowed()),
            Route::Deployment { group, .. } => (group, &["GET"]),
        };
        if !allowed.contains(&incoming.method.as_str()) {
            let allow = format!("{},OPTIONS", allowed.join(","));
            let status =
                if incoming.method == Method::OPTIONS { StatusCode::OK } else { StatusCode::METHOD_NOT_ALLOWED };
            return (group, Some(Answer::new(status, None).with("allow", &allow)));
        }
        let accept = incoming.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
        if route.version() == ApiVersion::V2
            && accept.contains("vnd.atlas.")
            && !is_acceptable(accept, route.since(&incoming.method))
        {
            let detail = "The version date in the Accept header is not valid here.";
            let code = "INVALID_VERSION_DATE";
            return (group, Some(Answer::error(StatusCode::NOT_ACCEPTABLE, code, detail, vec![json!(accept)])));
        }
        (group, None)
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
                let body = match body() {
                    Ok(body) => body,
                    Err(refusal) => return refusal,
                };
                let page = Query::parse(&incoming.target).page;
                let new_id = self.endpoints.new_id(now);
                let context = Context { version, group, now, config: &self.config, page, new_id };
                let mut births = Births { group, now, random: &mut self.random, doomed: &mut self.doomed, made: 0 };
                let answer = self.families.handle(&context, &incoming.method, target, &body, &mut births);
                self.stats.endpoints_made += births.made;
                (answer, target.media_type(&incoming.method))
            }
            Route::Deployment { group, serverless, name, .. } => {
                (self.deployment(version, group, *serverless, name, now), None)
            }
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

    fn deployment(&mut self, version: ApiVersion, group: &str, serverless: bool, name: &str, now: Duration) -> Answer {
        let refusal = if serverless { self.unavailable(group, name) } else { self.unknown_group(group) };
        if let Some(refusal) = refusal {
            return refusal;
        }
        let endpoints = if serverless {
            let call = Call { version, group, instance: name, now, config: &self.config };
            self.endpoints.connected(&call, &mut self.random)
        } else {
            if self.config.clusters.as_ref().is_some_and(|known| !known.iter().any(|one| one == name)) {
                let detail = format!("No cluster named {name} exists in group {group}.");
                let parameters = vec![json!(name), json!(group)];
                return Answer::error(StatusCode::NOT_FOUND, error_code::CLUSTER_NOT_FOUND, &detail, parameters);
            }
            self.families.connected(group, now, &self.config)
        };
        Answer::new(
            StatusCode::OK,
            Some(deployment::to_json(group, serverless, name, self.config.provider.name(), &endpoints)),
        )
    }

    fn serverless(
        &mut self,
        incoming: &Incoming,
        (version, group, instance, id): (ApiVersion, &str, &str, Option<&str>),
        now: Duration,
        body: impl FnOnce() -> Result<Map<String, Value>, Answer>,
    ) -> Answer {
        if let Some(refusal) = self.unavailable(group, instance) {
            return refusal;
        }
        let body = match body() {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let Some(operation) = Operation::choose(&incoming.method, id.is_some()) else {
            return Answer::new(StatusCode::METHOD_NOT_ALLOWED, None);
        };
        let id = id.unwrap_or_default();
        let call = Call { version, group, instance, now, config: &self.config };
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
    fn unknown_group(&self, group: &str) -> Option<Answer> {
        if group.len() != 24 || !group.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            let detail = format!("An invalid group ID {group} was specified.");
            return Some(Answer::error(StatusCode::BAD_REQUEST, "INVALID_GROUP_ID", &detail, vec![json!(group)]));
        }
        if self.config.groups.as_ref().is_some_and(|groups| !groups.iter().any(|known| known == group)) {
            let detail = format!("No group with ID {group} exists.");
            let code = error_code::GROUP_NOT_FOUND;
            return Some(Answer::error(StatusCode::NOT_FOUND, code, &detail, vec![json!(group)]));
        }
        None
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
        if let Some(refusal) = self.unknown_group(group) {
            return Some(refusal);
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
    /// An access token that was never given out, or not any more.
    BadToken,
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

/// Whether `Accept` names a media type that an operation has, which has been there `since` that date.
fn is_acceptable(accept: &str, since: &str) -> bool {
    accept.split(',').any(|one| {
        let Some((_, rest)) = one.split_once("vnd.atlas.") else { return true };
        let date = rest.split('+').next().unwrap_or_default();
        let number = |digits: Option<&str>| digits.and_then(|digits| digits.parse::<u32>().ok()).unwrap_or_default();
        let shape =
            date.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
        let real = (1..=12).contains(&number(date.get(5..7))) && (1..=31).contains(&number(date.get(8..)));
        date == "preview" || (date.len() == 10 && shape && real && date >= since)
    })
}

/// The credentials of `Authorization`, if they are of that scheme, which is read without regard to case.
fn of_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    value.split_once(' ').filter(|(given, _)| given.eq_ignore_ascii_case(scheme)).map(|(_, rest)| rest)
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
        // a form of OAuth holds secrets
        body: match incoming.target.starts_with("/api/oauth/") {
            true => "…".to_owned(),
            false => String::from_utf8_lossy(&incoming.body).into_owned(),
        },
        status: None,
    }
}
