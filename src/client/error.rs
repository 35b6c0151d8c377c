//! Everything that can go wrong with a call, as data.

use crate::api::serverless::{Endpoint, Instance};
use crate::api::{ErrorBody, Invalid, Request, error_code};
use crate::transport::{Answer, Facts, Failure, FailureKind, retry_after};
use http::StatusCode;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// Everything that can go wrong with a call.
#[derive(Debug)]
pub enum Error {
    /// The client cannot work as it was set up.
    Configuration(String),
    /// An argument breaks a rule; nothing was sent.
    Invalid(Invalid),
    /// No answer, and the request was certainly not executed.
    NotSent(Lost),
    /// No answer within the time limit, to a request that changes nothing.
    Timeout(Lost),
    /// No answer, to a request that changes nothing.
    Connection(Lost),
    /// A creation may or may not have been executed, and looking did not tell.
    OutcomeUnknown(Box<OutcomeUnknown>),
    /// Atlas answered with an error.
    Api(Box<ApiError>),
    /// Atlas answered with success, but not with what is documented.
    Unexpected(Lost),
}

/// A sentence, and the HTTP side as far as it got.
#[derive(Debug)]
pub struct Lost {
    /// What happened.
    pub message: String,
    /// The HTTP side; none where nothing was tried.
    pub facts: Option<Box<Facts>>,
}

/// What is known about a creation whose outcome is not.
#[derive(Debug)]
pub struct OutcomeUnknown {
    /// What happened, and how to look.
    pub message: String,
    /// Endpoints that may be the one.
    pub candidates: Vec<Endpoint>,
    /// The HTTP side of the creation.
    pub facts: Option<Facts>,
}

/// An error answer.
#[derive(Debug)]
pub struct ApiError {
    /// Its class.
    pub kind: ApiErrorKind,
    /// The status, out of the envelope if there was one.
    pub status: StatusCode,
    /// What Atlas said.
    pub body: ErrorBody,
    /// How long Atlas asks to wait.
    pub retry_after: Option<Duration>,
    /// What Atlas did not say, in a sentence.
    pub hint: Option<String>,
    /// The operation's name.
    pub operation: &'static str,
    /// The HTTP side.
    pub facts: Facts,
}

/// The classes of error answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// 401
    Authentication,
    /// 403
    PermissionDenied,
    /// 403 `IP_ADDRESS_NOT_ON_ACCESS_LIST`
    AddressNotAllowed,
    /// 404
    NotFound,
    /// 409
    Conflict,
    /// 410
    Gone,
    /// 400 `NOT_SERVERLESS_TENANT_CLUSTER`
    NotServerless,
    /// 429
    RateLimited,
    /// 5xx
    Server,
    /// Any other.
    Other,
}

impl ApiErrorKind {
    /// The code first, the status second.
    fn of(status: StatusCode, code: Option<&str>) -> Self {
        match (code, status.as_u16()) {
            (Some(error_code::IP_ADDRESS_NOT_ON_ACCESS_LIST), _) => Self::AddressNotAllowed,
            (Some(error_code::NOT_SERVERLESS_TENANT_CLUSTER), _) => Self::NotServerless,
            (Some(error_code::VERSION_GONE), _) | (_, 410) => Self::Gone,
            (Some(error_code::INVALID_CLIENT | error_code::UNAUTHORIZED_CLIENT), _) | (_, 401) => Self::Authentication,
            (_, 403) => Self::PermissionDenied,
            (_, 404) => Self::NotFound,
            (_, 409) => Self::Conflict,
            (_, 429) => Self::RateLimited,
            (_, 500..) => Self::Server,
            _ => Self::Other,
        }
    }
}

/// More of a server's text is left to the error's attributes.
const MAX_SHOWN_CHARS: usize = 500;

const RETIRED: &str = "Atlas retired serverless instances in January 2026; those that had a private endpoint became \
                       dedicated clusters, whose private endpoints are another resource \
                       (/groups/{groupId}/privateEndpoint/endpointService)";

impl Error {
    pub(super) fn connection(request: &Request, failure: Failure) -> Self {
        let not_sent = !request.is_idempotent() && !failure.sent;
        let certainty = if not_sent { "; nothing was created" } else { "" };
        let lost = Lost {
            message: format!("{}: {}{certainty}", request.operation, failure.message),
            facts: Some(Box::new(failure.facts)),
        };
        match failure.kind {
            FailureKind::Unreadable => Self::Unexpected(lost),
            FailureKind::Timeout => Self::Timeout(lost),
            FailureKind::Connect | FailureKind::Refused => Self::NotSent(lost),
            FailureKind::Lost if not_sent => Self::NotSent(lost),
            FailureKind::Lost => Self::Connection(lost),
        }
    }

    pub(super) fn unexpected(request: &Request, message: String, facts: Facts) -> Self {
        Self::Unexpected(Lost { message: format!("{}: {message}", request.operation), facts: Some(Box::new(facts)) })
    }

    pub(super) fn api(request: &Request, json: &Value, answer: Answer) -> Self {
        let status = answer.status;
        let mut body = ErrorBody::from_value(json);
        if body.error_code.is_none() {
            let header = answer.facts.headers.get("x-error-code").and_then(|value| value.to_str().ok());
            body.error_code = header.map(str::to_owned);
        }
        let kind = ApiErrorKind::of(status, body.error_code.as_deref());
        let asked = retry_after(&answer.facts.headers);
        let mut hint = answer.note.or_else(|| match answer.operation {
            Some(_) if kind == ApiErrorKind::Authentication => {
                Some("client_id and client_secret were refused".to_owned())
            }
            Some(_) if !status.is_redirection() => Some("the access token could not be fetched".to_owned()),
            _ => hint(kind, status, request, &answer.facts),
        });
        if answer.operation.is_some() {
            let unsent = format!("{} was not sent", request.operation);
            hint = Some(hint.map_or(unsent.clone(), |hint| format!("{hint}; {unsent}")));
        }
        Self::Api(Box::new(ApiError {
            kind,
            status,
            retry_after: asked.or_else(|| body.retry_after().and_then(|s| Duration::try_from_secs_f64(s).ok())),
            hint,
            body,
            operation: answer.operation.unwrap_or(request.operation),
            facts: answer.facts,
        }))
    }

    /// Time was up before anything was sent.
    pub(super) fn never_begun(operation: &str, why: &str) -> Self {
        Self::Timeout(Lost { message: format!("{operation}: {why}; nothing was created"), facts: None })
    }

    /// Whether a creation with this answer may have been executed.
    pub(super) fn leaves_outcome_unknown(&self) -> bool {
        match self {
            Self::Unexpected(_) => true,
            Self::Api(error) => error.kind == ApiErrorKind::Server,
            _ => false,
        }
    }

    pub(super) fn outcome_unknown(
        cause: &Error,
        instance: &Instance,
        comment: Option<&str>,
        candidates: Vec<Endpoint>,
        looked: Option<Result<(), Error>>,
    ) -> Self {
        let found = match (looked, candidates.len(), comment) {
            (None, ..) => "there was no time left to look for it".to_owned(),
            (Some(Err(error)), ..) => format!("looking for it failed too ({error})"),
            (Some(Ok(())), 0, _) => "no endpoint that could be it is listed so far, but it may still appear".to_owned(),
            (Some(Ok(())), 1, None) => {
                "one new endpoint is listed, but without a comment nothing shows that it is this one".to_owned()
            }
            (Some(Ok(())), 1, Some(_)) => {
                "one endpoint with this comment is listed, but another creation in flight may own it".to_owned()
            }
            (Some(Ok(())), n, _) => format!("{n} endpoints are listed that could be it"),
        };
        let how = match comment {
            Some(comment) => {
                format!("call list_endpoints and look for comment {comment:?}, or repeat with if_exists=\"adopt\"")
            }
            None => "call list_endpoints and compare; with a comment this can be settled automatically".to_owned(),
        };
        Self::OutcomeUnknown(Box::new(OutcomeUnknown {
            message: format!(
                "it is unknown whether an endpoint was created for {instance}: {cause}; {found}. To find out, {how}"
            ),
            candidates,
            facts: cause.facts().cloned(),
        }))
    }

    /// The HTTP side, where there was one.
    pub fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Configuration(_) | Self::Invalid(_) => None,
            Self::NotSent(lost) | Self::Timeout(lost) | Self::Connection(lost) | Self::Unexpected(lost) => {
                lost.facts.as_deref()
            }
            Self::OutcomeUnknown(unknown) => unknown.facts.as_ref(),
            Self::Api(error) => Some(&error.facts),
        }
    }
}

fn hint(kind: ApiErrorKind, status: StatusCode, request: &Request, facts: &Facts) -> Option<String> {
    match kind {
        ApiErrorKind::Authentication | ApiErrorKind::PermissionDenied | ApiErrorKind::AddressNotAllowed => {
            Some(format!(
                "this operation needs the {} role; Atlas answers 401 to a wrong key and to a key from outside the \
             project's organisation, and 403 to an address outside the key's access list",
                request.role
            ))
        }
        ApiErrorKind::NotServerless | ApiErrorKind::Gone => Some(RETIRED.to_owned()),
        ApiErrorKind::Other if status.is_redirection() => {
            let to =
                facts.headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            Some(format!("redirects are not followed with credentials (to {}): check base_url", shown(to)))
        }
        _ => None,
    }
}

/// A server's text as it may stand in a message: one line, and not without end.
fn shown(text: &str) -> String {
    let mut line: String = text.chars().take(MAX_SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_SHOWN_CHARS).is_some() {
        line.push('…');
    }
    line
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: HTTP {}", self.operation, self.status.as_u16())?;
        if let Some(word) =
            self.body.error_code.as_deref().or(self.body.reason.as_deref()).or(self.status.canonical_reason())
        {
            write!(f, " {}", shown(word))?;
        }
        if let Some(detail) = &self.body.detail {
            write!(f, ": {}", shown(detail).trim_end_matches('.'))?;
        }
        for (field, description) in &self.body.fields {
            write!(f, "; {}: {}", shown(field), shown(description))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(message) => f.write_str(message),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::NotSent(lost) | Self::Timeout(lost) | Self::Connection(lost) | Self::Unexpected(lost) => {
                f.write_str(&lost.message)
            }
            Self::OutcomeUnknown(unknown) => f.write_str(&unknown.message),
            Self::Api(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}
