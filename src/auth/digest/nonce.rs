//! One nonce, and its answers 1, 2, 3, …

use crate::auth::ApiKey;
use crate::auth::digest::challenge::DigestChallenge;
use digest_auth::HttpMethod;
use diqwest::{DigestAuthCredentials, DigestAuthSession};
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Jetty's limits, and so Atlas's, are 60 s and 1,024 answers. A nonce is laid down a little before: one request for a
/// new one costs less than the refusal of all that are in flight.
const LIFE: Duration = Duration::from_secs(55);
const ANSWERS: u32 = 1000;

/// The name under which the session keeps its one challenge.
const SLOT: &str = "nonce";

/// A server's nonce with what is needed to answer on it.
///
/// diqwest computes every answer: its tuple credentials the first one (they know every algorithm, and send nc=1), its
/// session the later ones (which begin at nc=2).
pub struct Nonce {
    challenge: DigestChallenge,
    header: HeaderMap,
    session: DigestAuthSession,
    answered: AtomicBool,
    tickets: AtomicU32,
    in_flight: AtomicU32,
    overlapped: AtomicBool,
    born: Instant,
}

impl Nonce {
    /// Takes a challenge's nonce into use.
    ///
    /// # Errors
    /// A sentence, where diqwest cannot work with the challenge.
    pub fn new(challenge: DigestChallenge, key: &ApiKey) -> Result<Self, String> {
        let value = challenge.normalised()?;
        let session = DigestAuthSession::new(key.public_key(), key.private_key());
        let text = value.to_str().map_err(|error| error.to_string())?;
        (&session).store_context(SLOT, text).map_err(|error| error.to_string())?;
        Ok(Self {
            header: HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]),
            challenge,
            session,
            answered: AtomicBool::new(false),
            tickets: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            overlapped: AtomicBool::new(false),
            born: Instant::now(),
        })
    }

    /// The challenge it came with.
    pub fn challenge(&self) -> &DigestChallenge {
        &self.challenge
    }

    /// The next answer on this nonce: a value for `Authorization`, marked sensitive.
    ///
    /// # Errors
    /// A sentence, where diqwest refuses.
    pub fn authorization(
        &self,
        key: &ApiKey,
        method: &http::Method,
        uri: &str,
        body: &[u8],
    ) -> Result<HeaderValue, String> {
        let body = self.challenge.covers_body().then_some(body);
        let method = HttpMethod::from(method.as_str());
        let answer = if self.answered.swap(true, Ordering::AcqRel) {
            (&self.session).calculate_authorization(SLOT, uri, method, body, &self.header)
        } else {
            (key.public_key(), key.private_key()).calculate_authorization(SLOT, uri, method, body, &self.header)
        };
        let answer = answer.map_err(|error| error.to_string())?;
        let mut value = HeaderValue::from_str(&answer.to_header_string()).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Whether the server is about to call it stale.
    pub(super) fn is_worn(&self) -> bool {
        self.tickets.load(Ordering::Acquire) >= ANSWERS || self.born.elapsed() >= LIFE
    }

    pub(super) fn enter(&self) {
        self.tickets.fetch_add(1, Ordering::AcqRel);
        if self.in_flight.fetch_add(1, Ordering::AcqRel) > 0 {
            self.overlapped.store(true, Ordering::Release);
        }
    }

    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether exactly one request has ever used it.
    pub(super) fn was_used_once(&self) -> bool {
        self.tickets.load(Ordering::Acquire) == 1
    }

    /// Whether two requests were ever in flight on it at once.
    pub(super) fn has_overlapped(&self) -> bool {
        self.overlapped.load(Ordering::Acquire)
    }
}
