//! What is known about an exchange, however it ended.

use crate::api::Request;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use url::Url;

use super::exchange::Trouble;

/// What support asks for: the HTTP side of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The operation's name.
    pub operation: &'static str,
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: String,
    /// The last answer's status; none where no answer came.
    pub status: Option<StatusCode>,
    /// The last answer's HTTP version.
    pub version: Option<Version>,
    /// The last answer's headers.
    pub headers: HeaderMap,
    /// How often the request was tried.
    pub attempts: u32,
    /// HTTP requests sent in all, those that fetched a challenge or were refused included.
    pub requests: u32,
    /// From the call's begin to its end.
    pub elapsed: Duration,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status outside.
    pub status: StatusCode,
    /// The body, decompressed.
    pub body: Bytes,
    /// Whether the request itself reached the server, and was not just asked for a challenge or refused a key.
    pub sent: bool,
    /// Whether an earlier try may have been executed too.
    pub repeated: bool,
    /// Why a 401 could not be answered, or what else is known of a refusal.
    pub note: Option<String>,
    /// The operation that was answered, where it was not the request itself but one that had to go before it.
    pub operation: Option<&'static str>,
    /// The HTTP side.
    pub facts: Facts,
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// Whether the server may have executed the request.
    pub sent: bool,
    /// The same, in a sentence.
    pub message: String,
    /// The HTTP side, as far as it got.
    pub facts: Facts,
}

/// What went wrong in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection, for a reason that another try will not mend: a certificate, a refusing proxy.
    Refused,
    /// No connection.
    Connect,
    /// The time limit was reached.
    Timeout,
    /// The connection broke.
    Lost,
    /// The answer came, but cannot be read: too large, or not what its headers say.
    Unreadable,
}

/// The state of a call that must outlive a time-out.
#[derive(Default)]
pub(super) struct Progress {
    attempts: AtomicU32,
    requests: AtomicU32,
    /// Set while the server may have the whole request; see `exchange::TrackedBody`.
    sent: Arc<AtomicBool>,
    /// Set once a try was given up that may have been executed.
    lost: AtomicBool,
    awaits_token: AtomicBool,
    replaced_token: AtomicBool,
}

impl Progress {
    pub(super) fn begin_attempt(&self) -> u32 {
        self.sent.store(false, Ordering::Release);
        self.attempts.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn begin_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A 401: whatever was sent was not executed.
    pub(super) fn refused(&self) {
        self.sent.store(false, Ordering::Release);
    }

    /// A try without a useful answer is given up. Whether a request without a body was sent is never known.
    pub(super) fn give_up_attempt(&self, has_body: bool) {
        if self.is_sent() || !has_body {
            self.lost.store(true, Ordering::Release);
        }
    }

    pub(super) fn is_repeated(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub(super) fn await_token(&self, awaits: bool) {
        self.awaits_token.store(awaits, Ordering::Relaxed);
    }

    /// True once: a call whose new token is refused too need not try a third.
    pub(super) fn may_replace_token(&self) -> bool {
        !self.replaced_token.swap(true, Ordering::Relaxed)
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    pub(super) fn sent_flag(&self) -> Arc<AtomicBool> {
        self.sent.clone()
    }

    pub(super) fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    /// Whether it was sent is known of a request with a body only.
    pub(super) fn timed_out(&self, timeout: Duration, has_body: bool) -> Trouble {
        let stage = match (self.requests.load(Ordering::Relaxed), self.is_sent()) {
            _ if self.awaits_token.load(Ordering::Relaxed) => ": the access token was not fetched in time",
            (0, _) => ": no connection came free",
            (_, true) => ": the request was sent and not answered",
            (_, false) if has_body => ": the request was not sent",
            (_, false) => "",
        };
        let seconds = (timeout.as_secs_f64() * 1000.0).round() / 1000.0;
        Trouble::new(FailureKind::Timeout, format!("no answer within {seconds} s{stage}"))
    }

    pub(super) fn facts(&self, request: &Request, url: &Url, elapsed: Duration) -> Facts {
        Facts {
            operation: request.operation,
            method: request.method.clone(),
            url: url.to_string(),
            status: None,
            version: None,
            headers: HeaderMap::new(),
            attempts: self.attempts.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            elapsed,
        }
    }
}
