//! Service accounts: OAuth 2.0 client credentials (RFC 6749 section 4.4), and the tokens they bring.

use super::answer::Answer;
use super::bucket::{Bucket, Limits};
use super::random::Random;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde_json::json;
use std::collections::VecDeque;
use std::time::Duration;

/// As many of an account's tokens live at a time.
const MAX_TOKENS: usize = 100;

/// The one service account.
pub(crate) struct ServiceAccount {
    client_id: String,
    client_secret: String,
    life: Duration,
    requests: Bucket,
    limits: Limits,
    /// Each with its end, oldest first.
    tokens: VecDeque<(String, Duration)>,
}

impl ServiceAccount {
    pub(crate) fn new(
        client_id: String,
        client_secret: String,
        life: Duration,
        per_minute: u32,
        now: Duration,
    ) -> Self {
        let limits = Limits { capacity: per_minute, refill: per_minute };
        Self { client_id, client_secret, life, requests: Bucket::new(limits, now), limits, tokens: VecDeque::new() }
    }

    /// Whether a bearer token is good.
    pub(crate) fn accepts(&self, token: &str, now: Duration) -> bool {
        self.tokens.iter().any(|(known, end)| known == token && now < *end)
    }

    pub(crate) fn expire_all(&mut self) {
        self.tokens.clear();
    }

    /// `POST /api/oauth/token`, with the credentials of `Authorization: Basic` and the form.
    pub(crate) fn token(&mut self, basic: Option<&str>, form: &str, now: Duration, random: &mut Random) -> Answer {
        if let Some(refusal) = self.refuse(basic) {
            return refusal;
        }
        if parameter(form, "grant_type") != Some("client_credentials") {
            return error(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "The grant type must be client_credentials.",
            );
        }
        if let Err(seconds) = self.requests.take(self.limits, now) {
            let detail = "Too many token requests.";
            return Answer::error(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail, vec![])
                .with("retry-after", &seconds.to_string());
        }
        let token = format!("eyJ{}", random.hex(61));
        self.tokens.push_back((token.clone(), now + self.life));
        if self.tokens.len() > MAX_TOKENS {
            self.tokens.pop_front();
        }
        let body = json!({"access_token": token, "expires_in": self.life.as_secs(), "token_type": "Bearer"});
        Answer::new(StatusCode::OK, Some(body)).with("cache-control", "no-store")
    }

    /// `POST /api/oauth/revoke` (RFC 7009): a token that is unknown is revoked, too.
    pub(crate) fn revoke(&mut self, basic: Option<&str>, form: &str) -> Answer {
        if let Some(refusal) = self.refuse(basic) {
            return refusal;
        }
        let Some(token) = parameter(form, "token") else {
            return error(StatusCode::BAD_REQUEST, "invalid_request", "The token is missing.");
        };
        self.tokens.retain(|(known, _)| known != token);
        Answer::new(StatusCode::OK, None)
    }

    fn refuse(&self, basic: Option<&str>) -> Option<Answer> {
        let known = format!("{}:{}", self.client_id, self.client_secret);
        if basic.and_then(|basic| BASE64_STANDARD.decode(basic).ok()).as_deref() == Some(known.as_bytes()) {
            return None;
        }
        Some(error(StatusCode::UNAUTHORIZED, "invalid_client", "The client ID or secret is not valid."))
    }
}

fn error(status: StatusCode, word: &str, description: &str) -> Answer {
    Answer::new(status, Some(json!({"error": word, "error_description": description})))
}

fn parameter<'a>(form: &'a str, name: &str) -> Option<&'a str> {
    form.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}
