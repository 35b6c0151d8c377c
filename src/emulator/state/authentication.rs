//! Who is it: HTTP Digest, access tokens, and the token endpoint.

use super::super::answer::Answer;
use super::super::config::DigestMode;
use super::super::digest::{Algorithm, Credentials, REALM};
use super::super::nonce::Verdict;
use super::{Incoming, Reply, Role, State};
use crate::api::error_code;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use std::time::Duration;

/// Of a key only the hashes are kept that verification needs.
pub(super) struct Key {
    role: Role,
    md5: String,
    sha256: String,
}

/// The body of a refusal, byte for byte.
const UNAUTHORIZED: &str = "{\n  \"error\" : 401,\n  \"reason\" : \"Unauthorized\",\n  \"detail\" : \"You are not \
                            authorized for this resource.\"\n}";

/// Why a request did not get past the authentication.
pub(super) enum Refusal {
    /// RFC 7616 section 3.5: directives that are improper or missing, or a `uri` that is not the request's, are 400.
    Malformed(String),
    Challenge {
        stale: bool,
    },
    NotInGroup,
    /// An access token that was never given out, or not any more.
    BadToken,
}

impl State {
    pub(crate) fn add_key(&mut self, public_key: String, private_key: &str, role: Role) {
        let a1 = [public_key.as_str(), REALM, private_key];
        let key = Key { role, md5: Algorithm::Md5.hash(&a1), sha256: Algorithm::Sha256.hash(&a1) };
        self.keys.insert(public_key, key);
    }

    pub(super) fn issue(&mut self, now: Duration) -> String {
        self.stats.nonces_issued += 1;
        self.nonces.issue(&mut self.random, now)
    }

    /// What `/api/oauth/…` answers; `None` for any other path.
    pub(super) fn oauth(&mut self, incoming: &Incoming, path: &str, now: Duration) -> Option<Answer> {
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

    pub(super) fn authenticate(&mut self, incoming: &Incoming, now: Duration) -> Result<Role, Refusal> {
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

    pub(super) fn refuse(&mut self, refusal: Refusal, now: Duration) -> Reply {
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
}

/// The credentials of `Authorization`, if they are of that scheme, which is read without regard to case.
fn of_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    value.split_once(' ').filter(|(given, _)| given.eq_ignore_ascii_case(scheme)).map(|(_, rest)| rest)
}
