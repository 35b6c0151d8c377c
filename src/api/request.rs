//! A request as data, before anybody thinks of a connection.

use crate::api::ApiVersion;
use bytes::Bytes;
use http::Method;

/// Query parameters that every resource of the API understands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommonQuery {
    /// Ask for indented JSON.
    pub pretty: bool,
    /// Ask for the HTTP status inside the body.
    pub envelope: bool,
}

impl CommonQuery {
    fn suffix(self) -> &'static str {
        match (self.pretty, self.envelope) {
            (false, false) => "",
            (true, false) => "?pretty=true",
            (false, true) => "?envelope=true",
            (true, true) => "?pretty=true&envelope=true",
        }
    }
}

/// The role of every operation that changes something.
pub const PROJECT_OWNER: &str = "Project Owner";
/// The role of every operation that only reads.
pub const PROJECT_READ_ONLY: &str = "Project Read Only";

/// One request to the Administration API.
#[derive(Debug, Clone)]
pub struct Request {
    /// The operation's name, for errors and logs.
    pub operation: &'static str,
    /// The role that a key needs in the project.
    pub role: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// Path and query from `/api/atlas/…` on, percent-encoded.
    pub target: String,
    /// The media type of `Accept`, and of `Content-Type` where there is a body.
    pub media_type: &'static str,
    /// The JSON body, if the operation has one.
    pub body: Option<Bytes>,
    /// Whether the answer is to come in an envelope.
    pub envelope: bool,
}

impl Request {
    /// A request to `path`, which begins with a slash and follows the version's prefix.
    pub fn new(
        operation: &'static str,
        role: &'static str,
        method: Method,
        version: ApiVersion,
        path: &str,
        query: CommonQuery,
        body: Option<&serde_json::Value>,
    ) -> Self {
        Self {
            operation,
            role,
            method,
            target: format!("{}{path}{}", version.prefix(), query.suffix()),
            media_type: version.media_type(),
            body: body.map(|value| Bytes::from(value.to_string())),
            envelope: query.envelope,
        }
    }

    /// Whether sending it twice is the same as sending it once (RFC 9110 section 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }
}
