//! A request as data, before anybody thinks of a connection.

use crate::api::resource::{Model, Resource};
use crate::api::{ApiVersion, deployment};
use bytes::Bytes;
use http::Method;
use serde_json::Value;

/// Query parameters that every resource of the API understands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommonQuery {
    /// Ask for indented JSON.
    pub pretty: bool,
    /// Ask for the HTTP status inside the body.
    pub envelope: bool,
}

/// What an operation answers with where it succeeds.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// One resource.
    One(&'static Model),
    /// An array of them, or a page of such.
    Many(&'static Model),
    /// An object with this boolean.
    Flag(&'static str),
    /// A deployment, of which the private connection strings are wanted.
    ConnectionStrings,
    /// Nothing of interest.
    Nothing,
}

/// What an operation answered.
#[derive(Debug, Clone)]
pub enum Received {
    /// One resource.
    One(Resource),
    /// Several.
    Many(Vec<Resource>),
    /// A resource, if there was one.
    Maybe(Option<Resource>),
    /// A setting.
    Flag(bool),
    /// Success.
    Nothing,
}

/// As many of a paginated list as one answer may hold.
pub const PAGE_SIZE: usize = 500;

/// One request to the Administration API.
#[derive(Debug, Clone)]
pub struct Request {
    /// The operation's name, for errors and logs.
    pub operation: &'static str,
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
    /// What it answers with.
    pub expected: Expected,
    /// Whether the answer comes in pages.
    pub paginated: bool,
    /// The id that the request is about.
    pub id: Option<String>,
}

impl Request {
    /// A request to `path`, which begins with a slash and follows the version's prefix.
    pub fn new(
        operation: &'static str,
        method: Method,
        version: ApiVersion,
        path: &str,
        query: CommonQuery,
        expected: Expected,
    ) -> Self {
        let mut request = Self {
            operation,
            method,
            target: format!("{}{path}", version.prefix()),
            media_type: version.media_type(),
            body: None,
            envelope: query.envelope,
            expected,
            paginated: false,
            id: None,
        };
        for (name, wanted) in [("pretty", query.pretty), ("envelope", query.envelope)] {
            if wanted {
                request.add_to_query(name, "true");
            }
        }
        request
    }

    /// The same with a body.
    #[must_use]
    pub fn with_body(self, body: &Value) -> Self {
        Self { body: Some(Bytes::from(body.to_string())), ..self }
    }

    /// The same about one resource.
    #[must_use]
    pub fn about(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self }
    }

    /// The same in a resource version of its own.
    #[must_use]
    pub fn with_media_type(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    /// The same, answered in pages.
    #[must_use]
    pub fn paginated(self) -> Self {
        Self { paginated: true, ..self }
    }

    /// The request for one page, counted from 1.
    #[must_use]
    pub fn page(&self, number: usize) -> Self {
        let mut request = self.clone();
        request.add_to_query("itemsPerPage", &PAGE_SIZE.to_string());
        request.add_to_query("pageNum", &number.to_string());
        request
    }

    fn add_to_query(&mut self, name: &str, value: &str) {
        let separator = if self.target.contains('?') { '&' } else { '?' };
        self.target.push_str(&format!("{separator}{name}={value}"));
    }

    /// Whether sending it twice is the same as sending it once (RFC 9110 section 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// Whether it changes nothing (RFC 9110 section 9.2.1).
    pub fn is_safe(&self) -> bool {
        self.method.is_safe()
    }

    /// The role that a key needs in the project.
    pub fn role(&self) -> &'static str {
        if self.is_safe() { "Project Read Only" } else { "Project Owner" }
    }

    /// What Atlas counts requests by: a project, and a set of resources.
    pub fn rate_limit_scope(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        let end = path.match_indices('/').map(|(at, _)| at).nth(6);
        end.and_then(|end| path.get(..end)).unwrap_or(path)
    }

    /// Reads the body of a success.
    ///
    /// # Errors
    /// A sentence about what is not as documented.
    pub fn read(&self, body: &[u8]) -> Result<Received, String> {
        if matches!(self.expected, Expected::Nothing) {
            return Ok(Received::Nothing);
        }
        if body.is_empty() {
            return Err("the answer is empty".to_owned());
        }
        let json: Value = serde_json::from_slice(body).map_err(|error| format!("the answer is not JSON: {error}"))?;
        match self.expected {
            Expected::One(model) => Resource::from_json(model, json, self.id.as_deref()).map(Received::One),
            Expected::Many(model) => Resource::list_from_json(model, json).map(Received::Many),
            Expected::ConnectionStrings => Ok(Received::Many(deployment::connection_strings(&json))),
            Expected::Flag(name) => match json.get(name) {
                Some(Value::Bool(flag)) => Ok(Received::Flag(*flag)),
                _ => Err(format!("the answer has no {name}")),
            },
            Expected::Nothing => Ok(Received::Nothing),
        }
    }
}

/// A text as one segment of a path (RFC 3986 section 3.3): an Azure resource id has slashes.
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_atlas_counts_by() {
        let scope = |path: &str| {
            let query = CommonQuery { pretty: true, envelope: false };
            let request = Request::new("x", Method::GET, ApiVersion::V2, path, query, Expected::Nothing);
            request.rate_limit_scope().to_owned()
        };
        let group = "/groups/5f7cac1adf5d6c6306f4b283/privateEndpoint";
        assert_eq!(scope(&format!("{group}/AWS/endpointService")), format!("/api/atlas/v2{group}"));
        assert_eq!(scope(&format!("{group}/serverless/instance/a/endpoint")), format!("/api/atlas/v2{group}"));
        assert_eq!(scope("/x"), "/api/atlas/v2/x");
    }

    #[test]
    fn ids_with_slashes_stay_one_segment() {
        assert_eq!(segment("/subscriptions/a b/ü"), "%2Fsubscriptions%2Fa%20b%2F%C3%BC");
        assert_eq!(segment("vpce-0123"), "vpce-0123");
    }
}
