//! One HTTP exchange done right: TLS, proxies, time limits, retries, and what was and was not sent.

mod base_url;
mod bearer;
mod exchange;
mod facts;
mod rate_limit;
mod retry;
mod settings;
mod token_endpoint;
mod trust;

pub use base_url::BaseUrl;
pub(crate) use retry::retry_after;

pub use facts::{Answer, Facts, Failure, FailureKind};
pub use settings::{Limits, Settings};
pub use token_endpoint::{TokenFailure, Tokens};

use crate::api::Request;
use crate::auth::Credentials;
use crate::auth::digest::challenge::{DigestChallenge, next_nonce};
use crate::auth::digest::nonces::{Nonces, Start, Ticket};
use crate::clock::Clock;
use bearer::Authentication;
use exchange::{Exchanger, Outgoing, Received};
use facts::Progress;
use http::{Method, StatusCode};
use rate_limit::RateLimits;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

/// A 401 is answered from its own challenge at most this often.
const MAX_ANSWERS: u32 = 3;

/// Requests to one origin with one key, account or token: a connection pool, and what proves who asks.
pub struct Transport {
    settings: Settings,
    exchanger: Exchanger,
    authentication: Authentication,
    permits: Semaphore,
    rate_limits: RateLimits,
    /// The server's clock minus ours, in milliseconds; `i64::MIN` before its first `Date`.
    clock_offset: AtomicI64,
}

impl Transport {
    /// Prepares a transport. Nothing is opened yet. An account's token is that of `tokens`.
    ///
    /// # Errors
    /// A sentence about the certificate file or the proxy.
    pub fn new(settings: Settings, credentials: Credentials, tokens: &Tokens) -> Result<Self, String> {
        let exchanger = Exchanger::new(&settings)?;
        Ok(Self {
            authentication: Authentication::new(credentials, tokens, &exchanger, &settings)?,
            exchanger,
            permits: Semaphore::new(settings.max_connections),
            rate_limits: RateLimits::new(settings.clock.clone()),
            clock_offset: AtomicI64::new(i64::MIN),
            settings,
        })
    }

    /// The server's clock in seconds since 1970, as far as its last `Date` told.
    pub fn server_time(&self) -> Option<f64> {
        match self.clock_offset.load(Ordering::Relaxed) {
            i64::MIN => None,
            offset => Some((milliseconds_now() + offset) as f64 / 1000.0),
        }
    }

    /// Sends a request and reads its answer, whatever its status; repeats it where that is certainly harmless.
    ///
    /// # Errors
    /// No answer could be had, or not all of it.
    pub async fn send(&self, request: &Request, limits: &Limits) -> Result<Answer, Failure> {
        let url = self.settings.base_url.join(&request.target);
        let progress = Progress::default();
        let begun = Instant::now();
        let clock = &self.settings.clock;
        let deadline = clock.now() + limits.timeout;
        let facts = |progress: &Progress| progress.facts(request, &url, begun.elapsed());
        loop {
            let attempt = progress.begin_attempt();
            let admission = self.rate_limits.admit(request, deadline).await;
            let left = deadline.saturating_sub(clock.now());
            let outcome = match tokio::time::timeout(left, self.attempt(request, &url, &progress)).await {
                Ok(Ok(received)) if request.envelope => Ok(received.opened()),
                Ok(outcome) => outcome,
                Err(_) => Err(progress.timed_out(limits.timeout, request.body.is_some())),
            };
            if let Ok(received) = &outcome
                && received.is_to_the_request()
            {
                admission.answered(received.status, &received.headers, &received.body, retry::asked(received));
            }
            drop(admission);
            let pause = if attempt > limits.max_retries {
                None
            } else {
                match &outcome {
                    Ok(received) => retry::after_answer(received, request.is_idempotent(), progress.is_sent(), attempt),
                    Err(trouble) => retry::after_trouble(trouble, request.is_idempotent(), progress.is_sent(), attempt),
                }
            };
            match (pause, outcome) {
                (Some(pause), outcome) if clock.now() + pause < deadline => {
                    if !matches!(&outcome, Ok(received) if received.status == StatusCode::TOO_MANY_REQUESTS) {
                        progress.give_up_attempt(request.body.is_some());
                    }
                    clock.sleep(pause).await;
                }
                (_, Ok(received)) => {
                    return Ok(received.into_answer(facts(&progress), progress.is_sent(), progress.is_repeated()));
                }
                (_, Err(trouble)) => return Err(trouble.into_failure(facts(&progress), progress.is_sent())),
            }
        }
    }

    /// What pauses go by.
    pub fn clock(&self) -> &Clock {
        &self.settings.clock
    }

    /// One authenticated exchange.
    async fn attempt(&self, request: &Request, url: &Url, progress: &Progress) -> Result<Received, exchange::Trouble> {
        let _permit =
            self.permits.acquire().await.map_err(|_| exchange::Trouble::internal("the transport is closed"))?;
        let nonces = match &self.authentication {
            Authentication::Digest(nonces) => nonces,
            Authentication::Bearer(bearer) => {
                return Box::pin(self.attempt_bearer(bearer, request, url, progress)).await;
            }
        };
        let mut ticket = match nonces.start().await {
            Start::Answer(ticket) => ticket,
            Start::Ask(asking) => match Box::pin(self.first_leg(request, url, progress)).await? {
                FirstLeg::Answered(received) => return Ok(received),
                FirstLeg::Challenged(challenge) => {
                    nonces.challenged(asking, challenge).map_err(exchange::Trouble::internal)?
                }
            },
        };
        for answers_left in (0..MAX_ANSWERS).rev() {
            let mut response = self.answer(nonces, request, url, &ticket, progress).await?;
            if response.status() != StatusCode::UNAUTHORIZED {
                nonces.accepted(ticket, next_nonce(response.headers()));
                return Received::read(response).await;
            }
            progress.refused();
            let challenge = match DigestChallenge::from_headers(response.headers()) {
                Ok(challenge) => challenge,
                Err(why) => return Received::read(response).await.map(|r| r.with_note(why.to_string())),
            };
            if nonces.is_verdict(&ticket, &challenge) {
                return Received::read(response).await;
            }
            if answers_left == 0 {
                let note = "every nonce was refused as soon as it was answered".to_owned();
                return Received::read(response).await.map(|r| r.with_note(note));
            }
            exchange::drain(&mut response).await;
            ticket = nonces.refused(ticket, challenge).map_err(exchange::Trouble::internal)?;
        }
        Err(exchange::Trouble::internal("no answer was tried"))
    }

    /// Asks for a challenge with a GET of the same URI, without body or credentials: a POST without its body is
    /// executed by a server that does not challenge. Only where that GET is not challenged, the request itself goes
    /// out without credentials.
    async fn first_leg(
        &self,
        request: &Request,
        url: &Url,
        progress: &Progress,
    ) -> Result<FirstLeg, exchange::Trouble> {
        let probe = Outgoing {
            method: &Method::GET,
            media_type: request.media_type,
            body: None,
            body_type: request.media_type,
            authorization: None,
        };
        let mut response = self.exchange(url, probe, progress).await?;
        let unchallenged = response.status().is_success()
            || matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
        if unchallenged && request.method != Method::GET {
            exchange::drain(&mut response).await;
            response = self.exchange(url, Outgoing::of(request, None), progress).await?;
        }
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(FirstLeg::Answered(Received::read(response).await?));
        }
        progress.refused();
        match DigestChallenge::from_headers(response.headers()) {
            Ok(challenge) => {
                exchange::drain(&mut response).await;
                Ok(FirstLeg::Challenged(challenge))
            }
            Err(why) => Ok(FirstLeg::Answered(Received::read(response).await?.with_note(why.to_string()))),
        }
    }

    async fn answer(
        &self,
        nonces: &Nonces,
        request: &Request,
        url: &Url,
        ticket: &Ticket,
        progress: &Progress,
    ) -> Result<reqwest::Response, exchange::Trouble> {
        let body = request.body.as_deref().unwrap_or_default();
        let uri = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let authorization =
            nonces.authorization(ticket, &request.method, uri, body).map_err(exchange::Trouble::internal)?;
        self.exchange(url, Outgoing::of(request, Some(authorization)), progress).await
    }

    async fn exchange(
        &self,
        url: &Url,
        outgoing: Outgoing<'_>,
        progress: &Progress,
    ) -> Result<reqwest::Response, exchange::Trouble> {
        let response = self.exchanger.send(url, outgoing, progress).await?;
        if let Some(date) = response.headers().get(http::header::DATE).and_then(|d| d.to_str().ok())
            && let Ok(date) = httpdate::parse_http_date(date)
            && let Ok(since_epoch) = date.duration_since(UNIX_EPOCH)
        {
            let server = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
            self.clock_offset.store(server.saturating_sub(milliseconds_now()), Ordering::Relaxed);
        }
        Ok(response)
    }
}

enum FirstLeg {
    Challenged(DigestChallenge),
    /// By the rules for answers: the request itself if it went out without credentials, or an error of the probe's.
    Answered(Received),
}

fn milliseconds_now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
