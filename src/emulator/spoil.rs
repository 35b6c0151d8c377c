//! The answers that faults give in place of the right ones.

use super::answer::Answer;
use super::fault::{Effect, Format, Shape};
use super::state::Reply;
use crate::api::error_code;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// The refusal of the limit that is not a token bucket's.
pub(super) fn rate_limited(path: &str, limit: u32, minutes: u32) -> Reply {
    let detail = format!("Resource {path} is limited to {limit} requests every {minutes} minutes.");
    let parameters = vec![json!(path), json!(limit), json!(minutes)];
    let code = error_code::RATE_LIMITED;
    let mut answer = Answer::error(StatusCode::TOO_MANY_REQUESTS, code, &detail, parameters);
    let body = answer.body(false);
    Reply { status: answer.status, headers: *answer.headers, body }
}

/// Another answer in place of the right one.
pub(super) fn other_answer(status: StatusCode, format: Format, error_code: Option<&str>) -> Reply {
    let reason = status.canonical_reason().unwrap_or("Unknown");
    if format == Format::Json {
        let usual = match status {
            StatusCode::TOO_MANY_REQUESTS => error_code::RATE_LIMITED,
            _ => error_code::UNEXPECTED_ERROR,
        };
        let mut answer = Answer::error(status, error_code.unwrap_or(usual), &format!("{reason}."), vec![]);
        let body = answer.body(false);
        return Reply { status: answer.status, headers: *answer.headers, body };
    }
    let (body, media_type) = match format {
        Format::Html => (html(&format!("{} {reason}", status.as_u16())), Some(("content-type", "text/html"))),
        _ => (Bytes::new(), None),
    };
    let mut answer = Answer::new(status, None);
    if let Some((name, value)) = media_type {
        answer = answer.with(name, value);
    }
    Reply { status: answer.status, headers: *answer.headers, body }
}

fn html(title: &str) -> Bytes {
    format!("<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n").into()
}

/// Puts another body in place of the right one.
pub(super) fn spoil(reply: &mut Reply, effect: &Effect) {
    let right = || serde_json::from_slice::<Value>(&reply.body).unwrap_or_else(|_| json!({}));
    reply.body = match effect {
        Effect::EmptyBody => Bytes::new(),
        Effect::NotJson => {
            reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            html("It works!")
        }
        Effect::HugeBody { bytes, json: false } => vec![b'x'; *bytes].into(),
        Effect::HugeBody { bytes, json: true } => {
            let mut value = right();
            let first = match &mut value {
                Value::Array(items) => items.first_mut(),
                other => Some(other),
            };
            if let Some(Value::Object(fields)) = first {
                fields.insert("padding".to_owned(), json!("x".repeat(*bytes)));
            }
            value.to_string().into()
        }
        Effect::WrongJson(Shape::Array) => Bytes::from_static(b"[]"),
        Effect::WrongJson(Shape::Object) => Bytes::from_static(b"{\"unexpected\":true}"),
        Effect::WrongJson(Shape::NoId) => {
            let mut value = right();
            remove_ids(&mut value);
            value.to_string().into()
        }
        _ => return,
    };
}

fn remove_ids(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("_id");
            fields.values_mut().for_each(remove_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_ids),
        _ => {}
    }
}
