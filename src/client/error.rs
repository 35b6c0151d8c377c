//! Everything that can go wrong with a call, as data.

use crate::api::operation::{Create, Watch};
use crate::api::{ErrorBody, Invalid, Request, Resource, error_code};
use crate::transport::{Answer, Facts, Failure as NoAnswer, FailureKind, retry_after};
use crate::wait::{Failure, Target};
use http::{Method, StatusCode};
use std::fmt;
use std::time::Duration;

/// Everything that can go wrong with a call.
#[derive(Debug, Clone)]
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
    /// A creation or change may or may not have been executed, and looking did not tell.
    OutcomeUnknown(Box<OutcomeUnknown>),
    /// What was waited for will not come.
    WaitFailed(Box<Unreached>),
    /// What was waited for did not come in time.
    WaitTimeout(Box<Unreached>),
    /// Atlas answered with an error.
    Api(Box<ApiError>),
    /// Atlas answered with success, but not with what is documented.
    Unexpected(Lost),
}

/// A sentence, and the HTTP side as far as it got.
#[derive(Debug, Clone)]
pub struct Lost {
    /// What happened.
    pub message: String,
    /// The HTTP side; none where nothing was tried.
    pub facts: Option<Box<Facts>>,
    /// Whether another try could end otherwise.
    pub may_pass: bool,
}

/// What is known of a resource that was waited for.
#[derive(Debug, Clone)]
pub struct Unreached {
    /// What happened.
    pub message: String,
    /// The last state seen.
    pub resource: Option<Resource>,
    /// The HTTP side of the last look.
    pub facts: Option<Facts>,
}

/// What is known about a creation or change whose outcome is not.
#[derive(Debug, Clone)]
pub struct OutcomeUnknown {
    /// What happened, and how to look.
    pub message: String,
    /// Resources that may be the one.
    pub candidates: Vec<Resource>,
    /// The HTTP side of the request.
    pub facts: Option<Facts>,
}

/// An error answer.
#[derive(Debug, Clone)]
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
    /// The last state seen of what was waited for.
    pub resource: Option<Box<Resource>>,
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
    /// 404 `SERVERLESS_INSTANCE_NOT_FOUND`
    InstanceNotFound,
    /// 409, and the codes of stream processing that mean the same with status 400.
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
            (Some(error_code::SERVERLESS_INSTANCE_NOT_FOUND), _) => Self::InstanceNotFound,
            (Some(error_code::STREAM_PRIVATE_LINK_ALREADY_EXISTS | error_code::STREAM_PRIVATE_LINK_IN_USE), _) => {
                Self::Conflict
            }
            // some of what is gone has been answered 400
            (Some(error_code::TENANT_PRIVATE_ENDPOINT_NOT_FOUND), 400) => Self::NotFound,
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

const RETIRED: &str = "Atlas retired serverless instances in January 2026 and turned those that had a private endpoint \
                       into dedicated clusters: use dedicated.create_service(group_id, \"AWS\", region) and \
                       dedicated.create_endpoint(group_id, \"AWS\", service_id, \"vpce-…\") instead";

impl Error {
    pub(super) fn connection(request: &Request, failure: NoAnswer) -> Self {
        let not_sent = !request.is_idempotent() && !failure.sent;
        let certainty = match not_sent {
            true if request.method == Method::POST => "; nothing was created",
            true => "; nothing was changed",
            false if request.method == Method::DELETE => {
                "; it may be deleted all the same, and deleting it again is safe"
            }
            false => "",
        };
        let lost = Lost {
            message: format!("{}: {}{certainty}", request.operation, failure.message),
            facts: Some(Box::new(failure.facts)),
            may_pass: failure.kind != FailureKind::Refused,
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
        let message = format!("{}: {message}", request.operation);
        Self::Unexpected(Lost { message, facts: Some(Box::new(facts)), may_pass: true })
    }

    pub(super) fn api(request: &Request, answer: Answer) -> Self {
        let status = answer.status;
        let mut body = ErrorBody::parse(&answer.body);
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
            resource: None,
            facts: answer.facts,
        }))
    }

    /// Time was up before anything was sent.
    pub(super) fn never_begun(operation: &str, why: &str) -> Self {
        let message = format!("{operation}: {why}; nothing was created");
        Self::Timeout(Lost { message, facts: None, may_pass: true })
    }

    /// Whether it is an error answer of this class.
    pub(super) fn is(&self, kind: ApiErrorKind) -> bool {
        matches!(self, Self::Api(error) if error.kind == kind)
    }

    /// Whether asking again later could end otherwise.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::NotSent(lost) | Self::Timeout(lost) | Self::Connection(lost) | Self::Unexpected(lost) => {
                lost.may_pass
            }
            Self::Api(error) => {
                matches!(error.kind, ApiErrorKind::RateLimited | ApiErrorKind::Server)
                    || error.status == StatusCode::REQUEST_TIMEOUT
            }
            _ => false,
        }
    }

    /// How long Atlas asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api(error) => error.retry_after,
            _ => None,
        }
    }

    /// The same, with what was seen last of what was waited for.
    pub(super) fn during_wait(mut self, last: Option<&Resource>) -> Self {
        if let Self::Api(error) = &mut self {
            error.resource = last.cloned().map(Box::new);
        }
        self
    }

    pub(super) fn wait_failed(
        watch: &Watch,
        target: Target,
        failure: Failure,
        resource: Option<Resource>,
        facts: Option<Facts>,
    ) -> Self {
        let reason = resource.as_ref().and_then(Resource::error_message);
        let reason = reason.map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
        let status = resource.as_ref().and_then(|resource| resource.status.as_deref()).unwrap_or("FAILED");
        let (noun, id, target) = (watch.noun, &watch.id, target.name());
        let message = match failure {
            Failure::Failed => format!("{noun} {id} will not become {target}: Atlas says {status}{reason}"),
            Failure::Deleting => format!("{noun} {id} will not become {target}: it is being deleted{reason}"),
            Failure::Gone => format!("{noun} {id} will not become {target}: it was deleted meanwhile"),
            Failure::NeverThere => format!("there is no {noun} {id} in {}", watch.look.target),
        };
        Self::WaitFailed(Box::new(Unreached { message, resource, facts }))
    }

    pub(super) fn wait_timed_out(
        watch: &Watch,
        target: Target,
        elapsed: Duration,
        resource: Option<Resource>,
        trouble: Option<&str>,
        facts: Option<Facts>,
    ) -> Self {
        let last = match resource.as_ref() {
            Some(resource) => format!("it was {} when last seen", resource.status.as_deref().unwrap_or("there")),
            None => "it was never seen".to_owned(),
        };
        let trouble = trouble.map(|trouble| format!("; the last look failed ({trouble})")).unwrap_or_default();
        let (noun, id, target, seconds) = (watch.noun, &watch.id, target.name(), elapsed.as_secs_f64().round());
        let message =
            format!("{noun} {id} is not {target} after {seconds} s: {last}{trouble}. Waiting again goes on from there");
        Self::WaitTimeout(Box::new(Unreached { message, resource, facts }))
    }

    /// The same, of a creation that waited for its predecessor's end.
    pub(super) fn while_replacing(mut self, create: &Create) -> Self {
        if let Self::WaitTimeout(unreached) = &mut self {
            let (operation, noun) = (create.request.operation, create.noun());
            unreached.message = format!(
                "{operation}: nothing was created, because the {noun} that exists is still being deleted: {}",
                unreached.message
            );
        }
        self
    }

    /// Whether a creation with this answer may have been executed.
    pub(super) fn leaves_outcome_unknown(&self) -> bool {
        match self {
            Self::Unexpected(_) => true,
            Self::Api(error) => error.kind == ApiErrorKind::Server,
            _ => false,
        }
    }

    pub(super) fn creation_unknown(
        cause: &Error,
        create: &Create,
        candidates: Vec<Resource>,
        looked: Option<Result<(), Error>>,
    ) -> Self {
        let noun = create.noun();
        let marks: Vec<_> = create.marks.0.iter().filter(|(_, value)| !value.is_null()).collect();
        let recognisable = !marks.is_empty();
        let found = match (looked, candidates.len(), recognisable) {
            (None, ..) => "there was no time left to look for it".to_owned(),
            (Some(Err(error)), ..) => format!("looking for it failed too ({error})"),
            (Some(Ok(())), 0, _) => format!("no {noun} that could be it is listed so far, but it may still appear"),
            (Some(Ok(())), 1, false) => {
                format!("one new {noun} is listed, but without a comment nothing shows that it is this one")
            }
            (Some(Ok(())), 1, true) => {
                format!("one {noun} like it is listed, but another creation in flight may own it")
            }
            (Some(Ok(())), n, _) => format!("{n} {noun}s are listed that could be it"),
        };
        let marks: Vec<_> = marks.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let marks = if recognisable { format!(" (it has {})", marks.join(", ")) } else { String::new() };
        Self::OutcomeUnknown(Box::new(OutcomeUnknown {
            message: format!(
                "it is unknown whether the {noun} was created: {cause}; {found}. To find out, call {}{}{marks}",
                create.look.operation, create.by_hand
            ),
            candidates,
            facts: cause.facts().cloned(),
        }))
    }

    pub(super) fn update_unknown(cause: &Error, request: &Request) -> Self {
        Self::OutcomeUnknown(Box::new(OutcomeUnknown {
            message: format!(
                "it is unknown whether the change was made: {cause}. Calling {} again is safe",
                request.operation
            ),
            candidates: Vec::new(),
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
            Self::WaitFailed(unreached) | Self::WaitTimeout(unreached) => unreached.facts.as_ref(),
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
                request.role()
            ))
        }
        ApiErrorKind::NotServerless | ApiErrorKind::InstanceNotFound => Some(RETIRED.to_owned()),
        ApiErrorKind::Gone if request.target.contains("/serverless/") => Some(RETIRED.to_owned()),
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
            Self::WaitFailed(unreached) | Self::WaitTimeout(unreached) => f.write_str(&unreached.message),
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
