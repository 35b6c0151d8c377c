//! An answer before it becomes bytes.

use crate::api::{ApiVersion, error_code};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Boxed, because refusals travel as errors, which should be small.
    pub(crate) headers: Box<HeaderMap>,
    pub(crate) content: Option<Value>,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, content: Option<Value>) -> Self {
        Self { status, headers: Box::default(), content }
    }

    /// An error in Atlas's shape.
    pub(crate) fn error(status: StatusCode, code: &str, detail: &str, parameters: Vec<Value>) -> Self {
        let body = json!({
            "detail": detail,
            "error": status.as_u16(),
            "errorCode": code,
            "parameters": parameters,
            "reason": status.canonical_reason().unwrap_or_default(),
        });
        Self::new(status, Some(body)).with("x-error-code", code)
    }

    /// `INVALID_ATTRIBUTE`, with the field named the way that only v2 names it, too.
    pub(crate) fn invalid_attribute(version: ApiVersion, field: &str, why: &str) -> Self {
        let detail = format!("Invalid attribute {field} specified. {why}");
        let mut answer =
            Self::error(StatusCode::BAD_REQUEST, error_code::INVALID_ATTRIBUTE, detail.trim_end(), vec![json!(field)]);
        if let (ApiVersion::V2, Some(Value::Object(body))) = (version, &mut answer.content) {
            let fields = json!({"fields": [{"description": why, "field": field}]});
            body.insert("badRequestDetail".to_owned(), fields);
        }
        answer
    }

    /// A value that no header can hold is left out.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    /// Moves the status into the body. The field is `envelope` on the original page and `content` in v2.
    pub(crate) fn into_envelope(mut self, version: ApiVersion) -> Self {
        let name = match version {
            ApiVersion::V1_0 => "envelope",
            ApiVersion::V2 => "content",
        };
        let content = self.content.take().unwrap_or_else(|| json!({}));
        self.content = Some(json!({"status": self.status.as_u16(), name: content}));
        self.status = StatusCode::OK;
        self
    }

    /// The body's bytes; sets the content type that goes with them unless there is one.
    pub(crate) fn body(&mut self, pretty: bool) -> Bytes {
        let Some(content) = &self.content else { return Bytes::new() };
        self.headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        let text = if pretty { serde_json::to_vec_pretty(content) } else { serde_json::to_vec(content) };
        Bytes::from(text.unwrap_or_default())
    }
}
