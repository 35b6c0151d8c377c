//! What happened, for tests to look at.

use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Counts since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests that arrived.
    pub requests: u64,
    /// Answers sent, by method and status. A request without an answer is in none.
    pub answers: Vec<(String, u16, u64)>,
    /// Answers with a challenge.
    pub challenges: u64,
    /// Connections accepted.
    pub connections: u64,
    /// The most requests that were in flight at once, from the header's arrival to the answer's last byte.
    pub max_in_flight: u64,
    /// Nonces given out.
    pub nonces_issued: u64,
    /// For each nonce that came in, its counts in the order of arrival.
    pub nonce_counts: HashMap<String, Vec<u32>>,
    /// Creations executed, also those whose answer a fault swallowed.
    pub endpoints_made: u64,
    /// Access tokens given out.
    pub tokens_issued: u64,
    /// Credentials that were not accepted.
    pub refused: u64,
}

/// One request as it arrived, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers by lower-case name, those of one name joined with a comma. Of `authorization` only the scheme and
    /// some parameters are kept.
    pub headers: BTreeMap<String, String>,
    /// The Digest parameters, if the request carried any that could be read.
    pub authorization: Option<RecordedAuthorization>,
    /// The body as text.
    pub body: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
}

/// What is kept of `Authorization: Digest`; the response hash is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedAuthorization {
    /// `username`: the public key.
    pub username: String,
    /// `nonce`.
    pub nonce: String,
    /// `uri`.
    pub uri: String,
    /// `algorithm`, if it was there.
    pub algorithm: Option<String>,
    /// `qop`, if it was there.
    pub qop: Option<String>,
    /// `nc` as a number, if it was there.
    pub nc: Option<u32>,
}
