//! The error body, in all the forms in which it has been seen.

use crate::api::error_code;
use serde_json::Value;

const MINUTE: f64 = 60.0;

/// What an error answer says about itself. Every part can be missing: the status is what counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ErrorBody {
    /// `detail`: what went wrong, in a sentence; `error_description` in an OAuth error (RFC 6749 section 5.2).
    pub detail: Option<String>,
    /// `errorCode`: Atlas's own word for it; `error` in an OAuth error.
    pub error_code: Option<String>,
    /// `reason`: HTTP's phrase for the status.
    pub reason: Option<String>,
    /// `parameters`: the values that the detail names.
    pub parameters: Vec<Value>,
    /// `badRequestDetail.fields[]` as (field, description).
    pub fields: Vec<(String, String)>,
}

impl ErrorBody {
    /// Reads a body that should be an error's. Anything else (HTML, nothing, an array) is an error without details.
    pub fn parse(body: &[u8]) -> Self {
        serde_json::from_slice(body).map(|value: Value| Self::from_value(&value)).unwrap_or_default()
    }

    /// The same, from JSON that was read already.
    pub fn from_value(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let fields = value.pointer("/badRequestDetail/fields").and_then(Value::as_array);
        Self {
            detail: text("detail").or_else(|| text("error_description")),
            // elsewhere a number: the status
            error_code: text("errorCode").or_else(|| text("error")),
            reason: text("reason"),
            parameters: value.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default(),
            fields: fields
                .into_iter()
                .flatten()
                .filter_map(|entry| {
                    let part = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
                    Some((part("field")?, part("description").unwrap_or_default()))
                })
                .collect(),
        }
    }

    /// How long a `RATE_LIMITED_TOKEN_BUCKET` asks to wait, in seconds: its second parameter. That of a plain
    /// `RATE_LIMITED` is a number of requests.
    pub fn retry_after(&self) -> Option<f64> {
        self.is_token_bucket().then(|| self.number(1)).flatten()
    }

    /// The time that a plain `RATE_LIMITED` counts requests in, in seconds: its third parameter, in minutes.
    pub fn rate_limit_window(&self) -> Option<f64> {
        let is_plain = self.error_code.as_deref() == Some(error_code::RATE_LIMITED);
        is_plain.then(|| self.number(2).map_or(MINUTE, |minutes| minutes * MINUTE))
    }

    fn is_token_bucket(&self) -> bool {
        self.error_code.as_deref() == Some(error_code::RATE_LIMITED_TOKEN_BUCKET)
    }

    /// The bucket that a `RATE_LIMITED_TOKEN_BUCKET` tells of: its capacity, and its refill per second.
    pub fn token_bucket(&self) -> Option<(f64, f64)> {
        if !self.is_token_bucket() {
            return None;
        }
        let (capacity, refill, seconds) = (self.number(2)?, self.number(3)?, self.number(4)?);
        (seconds > 0.0).then_some((capacity, refill / seconds))
    }

    fn number(&self, parameter: usize) -> Option<f64> {
        let number = match self.parameters.get(parameter)? {
            Value::Number(n) => n.as_f64()?,
            Value::String(s) => s.parse().ok()?,
            _ => return None,
        };
        (number.is_finite() && number >= 0.0).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorBody;
    use serde_json::json;

    #[test]
    fn every_form() {
        let full = ErrorBody::parse(
            br#"{"detail":"d","error":404,"errorCode":"CLUSTER_NOT_FOUND","parameters":["a",1],"reason":"Not Found"}"#,
        );
        assert_eq!(full.error_code.as_deref(), Some("CLUSTER_NOT_FOUND"));
        assert_eq!(full.parameters, [json!("a"), json!(1)]);
        let oauth = ErrorBody::parse(br#"{"error":"invalid_client","error_description":"Invalid client credentials"}"#);
        assert_eq!(oauth.error_code.as_deref(), Some("invalid_client"));
        assert_eq!(oauth.detail.as_deref(), Some("Invalid client credentials"));
        for bad in [&b""[..], b"<html>", b"[]", b"null", b"3", br#"{"detail":3,"parameters":null,"errorCode":null}"#] {
            assert_eq!(ErrorBody::parse(bad), ErrorBody::default());
        }
        let fields = ErrorBody::parse(br#"{"badRequestDetail":{"fields":[{"field":"comment","description":"x"},4]}}"#);
        assert_eq!(fields.fields, [("comment".to_owned(), "x".to_owned())]);
    }

    #[test]
    fn the_bucket_says_when() {
        let code = |code: &str, p| ErrorBody { error_code: Some(code.to_owned()), parameters: p, ..Default::default() };
        let body = |p| code("RATE_LIMITED_TOKEN_BUCKET", p);
        assert_eq!(body(vec![json!("/x"), json!("7"), json!("4000")]).retry_after(), Some(7.0));
        assert_eq!(body(vec![json!("/x"), json!(0)]).retry_after(), Some(0.0));
        assert_eq!(body(vec![json!("/x"), json!("soon")]).retry_after(), None);
        assert_eq!(body(vec![json!("/x"), json!(-1)]).retry_after(), None);
        assert_eq!(body(vec![]).retry_after(), None);
        let plain = code("RATE_LIMITED", vec![json!("/x"), json!(100), json!(1), json!(5), json!(60)]);
        assert_eq!((plain.retry_after(), plain.token_bucket()), (None, None));
        assert_eq!(plain.rate_limit_window(), Some(60.0));
        assert_eq!(code("RATE_LIMITED", vec![]).rate_limit_window(), Some(60.0));
        assert_eq!(body(vec![json!("/x"), json!(7), json!(1)]).rate_limit_window(), None);
    }
}
