//! Faults at exact points of a request's way.

use super::fields::{Fields, list};
use crate::api::Invalid;
use http::{Method, StatusCode};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::time::Duration;

/// Which requests a fault waits for. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matcher {
    /// The method, if any will not do.
    pub method: Option<Method>,
    /// A part of the path and query.
    pub path_contains: Option<String>,
    /// With (`true`) or without (`false`) an `Authorization` header.
    pub authenticated: Option<bool>,
}

impl Matcher {
    fn matches(&self, method: &Method, target: &str, authenticated: bool) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path_contains.as_ref().is_none_or(|part| target.contains(part))
            && self.authenticated.is_none_or(|wanted| wanted == authenticated)
    }
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The connection is reset (TCP RST) and nothing was executed.
    ResetBeforeHandler,
    /// The request is executed, then the connection is reset.
    ResetAfterHandler,
    /// The connection is closed in good order, without an answer; nothing was executed.
    CloseBeforeHandler,
    /// The request is executed, then the connection is closed in good order, without an answer.
    CloseAfterHandler,
    /// The answer is announced in full, but ends after so many bytes of its body.
    CutBody(usize),
    /// The request waits before it is executed, whether the client waits for it or not.
    Delay(Duration),
    /// The request is executed at once and the answer waits.
    DelayAfterHandler(Duration),
    /// The answer's body comes byte by byte, with this time between two.
    Trickle(Duration),
    /// Another answer in place of the right one.
    Status {
        /// The status of that answer.
        status: StatusCode,
        /// Its `Retry-After`: seconds, or an HTTP date.
        retry_after: Option<String>,
        /// The kind of its body.
        format: Format,
        /// Its `errorCode`, if the body is JSON.
        error_code: Option<String>,
        /// Whether the request was executed all the same.
        executed: bool,
    },
    /// 429 `RATE_LIMITED`, with the path, the limit and the minutes as parameters; nothing was executed.
    RateLimited {
        /// Requests that are allowed.
        limit: u32,
        /// In so many minutes.
        minutes: u32,
        /// `Retry-After`: seconds, or an HTTP date.
        retry_after: Option<String>,
    },
    /// Executed, and the right status, but no body.
    EmptyBody,
    /// Executed, and the right status, but HTML.
    NotJson,
    /// Executed, and the right status, but so many bytes too many.
    HugeBody {
        /// The size of the padding.
        bytes: usize,
        /// Whether the padding is a field of the right answer, or text that is no JSON.
        json: bool,
    },
    /// Executed, and the right status, but JSON of another shape.
    WrongJson(Shape),
    /// Sent elsewhere; nothing was executed.
    Redirect {
        /// Where to.
        location: String,
        /// A status from 300 to 399.
        status: StatusCode,
    },
}

/// The body of a [`Effect::Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An error in Atlas's shape.
    Json,
    /// The page of a proxy.
    Html,
    /// Nothing.
    Empty,
}

/// The body of a [`Effect::WrongJson`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `[]`
    Array,
    /// `{"unexpected": true}`
    Object,
    /// The right answer without any `_id`.
    NoId,
}

/// A fault that waits for its requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Which requests it waits for.
    pub matcher: Matcher,
    /// How many of them it takes; `None` for all until they are healed.
    pub times: Option<u32>,
    /// How many of them it lets pass first.
    pub after: u32,
    /// What it does to them.
    pub effect: Effect,
}

/// What can be asked for by name.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A fault that waits for its requests.
    Armed(Fault),
    /// The listener closes at once.
    Refuse {
        /// For how long; `None` until it is healed or restarted.
        duration: Option<Duration>,
        /// Whether the connections that exist are closed too.
        drop_connections: bool,
    },
}

const NAMES: [&str; 16] = [
    "refuse",
    "reset_before_handler",
    "reset_after_handler",
    "close_before_handler",
    "close_after_handler",
    "cut_body",
    "delay",
    "delay_after_handler",
    "trickle",
    "status",
    "rate_limited",
    "empty_body",
    "not_json",
    "huge_body",
    "wrong_json",
    "redirect",
];

/// More padding than this would only show how much memory there is.
const MAX_BYTES: u32 = 256 * 1024 * 1024;

impl Request {
    /// Reads a fault by its name and its parameters in Python.
    ///
    /// # Errors
    /// The name or the parameter that is unknown or breaks its rule.
    pub fn from_json(name: &str, parameters: Map<String, Value>) -> Result<Self, Invalid> {
        let mut given = Fields::new(parameters);
        let Some(name) = NAMES.into_iter().find(|known| *known == name) else {
            return Err(Invalid::new("name", format!("must be one of {}, got {name:?}", list(NAMES))));
        };
        if name == "refuse" {
            let duration = given.seconds("seconds")?;
            let drop_connections = given.flag("drop_connections")?.unwrap_or(false);
            given.finish(name)?;
            return Ok(Self::Refuse { duration, drop_connections });
        }
        let matcher = Matcher {
            method: match given.text("method")? {
                None => None,
                Some(method) => Some(
                    Method::from_bytes(method.to_ascii_uppercase().as_bytes())
                        .map_err(|_| Invalid::new("method", format!("must be an HTTP method, got {method:?}")))?,
                ),
            },
            path_contains: given.text("path_contains")?,
            authenticated: given.flag("authenticated")?,
        };
        let always = given.flag("always")?.unwrap_or(false);
        let times = given.integer("times", 1, u32::MAX)?.unwrap_or(1);
        let after = given.integer("after", 0, u32::MAX)?.unwrap_or(0);
        let effect = effect(name, &mut given)?;
        given.finish(name)?;
        Ok(Self::Armed(Fault { matcher, times: (!always).then_some(times), after, effect }))
    }
}

fn effect(name: &str, given: &mut Fields) -> Result<Effect, Invalid> {
    let needed = |field| Invalid::new(field, format!("is needed by {name:?}"));
    let size = |given: &mut Fields, max| {
        let bytes = given.integer("bytes", 0, max)?.ok_or_else(|| needed("bytes"))?;
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    };
    Ok(match name {
        "reset_before_handler" => Effect::ResetBeforeHandler,
        "reset_after_handler" => Effect::ResetAfterHandler,
        "close_before_handler" => Effect::CloseBeforeHandler,
        "close_after_handler" => Effect::CloseAfterHandler,
        "cut_body" => Effect::CutBody(size(given, u32::MAX)?),
        "delay" => Effect::Delay(given.seconds("seconds")?.ok_or_else(|| needed("seconds"))?),
        "delay_after_handler" => Effect::DelayAfterHandler(given.seconds("seconds")?.ok_or_else(|| needed("seconds"))?),
        "trickle" => Effect::Trickle(given.seconds("interval")?.ok_or_else(|| needed("interval"))?),
        "status" => Effect::Status {
            status: status(given, 200, 599)?.ok_or_else(|| needed("status"))?,
            retry_after: retry_after(given)?,
            format: given
                .choice("format", &[("json", Format::Json), ("html", Format::Html), ("empty", Format::Empty)])?
                .unwrap_or(Format::Json),
            error_code: given.text("error_code")?,
            executed: given.flag("executed")?.unwrap_or(false),
        },
        "rate_limited" => Effect::RateLimited {
            limit: given.integer("limit", 0, u32::MAX)?.unwrap_or(100),
            minutes: given.integer("minutes", 1, u32::MAX)?.unwrap_or(1),
            retry_after: retry_after(given)?,
        },
        "empty_body" => Effect::EmptyBody,
        "not_json" => Effect::NotJson,
        "huge_body" => Effect::HugeBody {
            bytes: size(given, MAX_BYTES)?,
            json: given.choice("format", &[("json", true), ("text", false)])?.unwrap_or(true),
        },
        "wrong_json" => Effect::WrongJson(
            given
                .choice("shape", &[("array", Shape::Array), ("object", Shape::Object), ("no_id", Shape::NoId)])?
                .unwrap_or(Shape::Array),
        ),
        _ => Effect::Redirect {
            location: given.text("location")?.ok_or_else(|| needed("location"))?,
            status: status(given, 300, 399)?.unwrap_or(StatusCode::FOUND),
        },
    })
}

fn status(given: &mut Fields, min: u32, max: u32) -> Result<Option<StatusCode>, Invalid> {
    let code = given.integer("status", min, max)?.and_then(|n| u16::try_from(n).ok());
    Ok(code.and_then(|code| StatusCode::from_u16(code).ok()))
}

fn retry_after(given: &mut Fields) -> Result<Option<String>, Invalid> {
    match given.take("retry_after") {
        None => Ok(None),
        Some(Value::String(date)) => Ok(Some(date)),
        Some(Value::Number(seconds)) => Ok(Some(seconds.to_string())),
        Some(other) => {
            Err(Invalid::new("retry_after", format!("must be a number of seconds or an HTTP date, got {other}")))
        }
    }
}

/// The faults that wait, in the order in which they were asked for.
#[derive(Default)]
pub(crate) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(crate) fn arm(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first fault whose turn it is. One that still lets requests pass has counted this one.
    pub(crate) fn take(&mut self, method: &Method, target: &str, authenticated: bool) -> Option<Effect> {
        let mut due = None;
        for (at, fault) in self.0.iter_mut().enumerate() {
            if !fault.matcher.matches(method, target, authenticated) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            due = Some((at, fault.effect.clone()));
            break;
        }
        let (at, effect) = due?;
        let used_up = self.0.get_mut(at).is_some_and(|fault| match &mut fault.times {
            None => false,
            Some(times) => {
                *times -= 1;
                *times == 0
            }
        });
        if used_up {
            self.0.remove(at);
        }
        Some(effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(name: &str, parameters: Value) -> Result<Request, String> {
        Request::from_json(name, parameters.as_object().unwrap().clone()).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn a_wrong_name_or_parameter_is_told_what_there_is() {
        for (name, parameters, message) in [
            ("explode", json!({}), "name must be one of \"refuse\", \"reset_before_handler\""),
            ("delay", json!({}), "seconds is needed by \"delay\""),
            ("delay", json!({"seconds": -1}), "seconds must be a number from 0"),
            ("delay", json!({"seconds": 1, "secs": 1}), "delay takes no \"secs\"; there are \"method\""),
            ("status", json!({"status": 99}), "status must be an integer from 200 to 599, got 99"),
            ("refuse", json!({"method": "GET"}), "refuse takes no \"method\"; there are \"seconds\""),
            ("empty_body", json!({"times": 0}), "times must be an integer from 1"),
            ("empty_body", json!({"method": "A B"}), "method must be an HTTP method, got \"A B\""),
        ] {
            let error = read(name, parameters).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn every_name_can_be_asked_for() {
        let all = json!({"bytes": 1, "seconds": 1, "interval": 1, "status": 503, "location": "/"});
        for name in NAMES {
            let needed: Map<String, Value> = match name {
                "cut_body" | "huge_body" => vec!["bytes"],
                "delay" | "delay_after_handler" => vec!["seconds"],
                "trickle" => vec!["interval"],
                "status" => vec!["status"],
                "redirect" => vec!["location"],
                _ => vec![],
            }
            .into_iter()
            .map(|field| (field.to_owned(), all[field].clone()))
            .collect();
            assert!(Request::from_json(name, needed).is_ok(), "{name}");
        }
    }

    #[test]
    fn one_request_takes_one_fault_and_passes_are_counted() {
        let mut faults = Faults::default();
        let mut arm = |parameters: Value, effect: Effect| match read("empty_body", parameters).unwrap() {
            Request::Armed(fault) => faults.arm(Fault { effect, ..fault }),
            Request::Refuse { .. } => panic!(),
        };
        arm(json!({"method": "post", "after": 1}), Effect::EmptyBody);
        arm(json!({"path_contains": "/x", "times": 2}), Effect::NotJson);
        arm(json!({"authenticated": true, "always": true}), Effect::ResetAfterHandler);
        let mut take = |method: Method, target, authenticated| faults.take(&method, target, authenticated);
        assert_eq!(take(Method::GET, "/y", false), None);
        assert_eq!(take(Method::POST, "/x", true), Some(Effect::NotJson));
        assert_eq!(take(Method::POST, "/x", true), Some(Effect::EmptyBody));
        assert_eq!(take(Method::POST, "/x", true), Some(Effect::NotJson));
        assert_eq!(take(Method::POST, "/x", true), Some(Effect::ResetAfterHandler));
        assert_eq!(take(Method::GET, "/x", true), Some(Effect::ResetAfterHandler));
        assert_eq!(take(Method::GET, "/x", false), None);
    }
}
