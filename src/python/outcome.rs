//! What a call ended with, as plain Python values: `atlas_privatelink/_outcomes.py` makes them into dataclasses and
//! exceptions. No Python code runs here; see `bridge.rs` for why.

use crate::api::Resource;
use crate::api::request::Received;
use crate::client::{ApiErrorKind, Error, Lost, Progress, Reply, Revoked};
use crate::python::json;
use crate::python::mailbox::Outcome;
use crate::transport::Facts;
use http::header::{HeaderName, SET_COOKIE};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};
use serde_json::Value;
use std::collections::BTreeMap;

/// The word for a status that Atlas left out.
const NO_STATUS: &str = "UNKNOWN";
/// Headers that are worth something to whoever has them.
const SECRET_HEADERS: [HeaderName; 2] = [SET_COOKIE, HeaderName::from_static("authentication-info")];

/// A value that crosses as plain Python values.
pub(super) trait IntoOutcome: Send {
    fn into_outcome(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

/// The HTTP side of a call, made into a `Response` by whoever asks for it.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Exchange(Facts);

#[pymethods]
impl Exchange {
    /// The operation's name.
    #[getter]
    fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// When the operation was deprecated and when it will be gone, in Atlas's words, if Atlas says so.
    #[getter]
    fn deprecation(&self) -> Option<(Option<String>, Option<String>)> {
        let told = |name| Some(self.0.headers.get(name)?.to_str().ok()?.to_owned());
        match (told("deprecation"), told("sunset")) {
            (None, None) => None,
            told => Some(told),
        }
    }

    /// The fields of a `Response`.
    fn fields(&self) -> ResponseFields {
        let facts = &self.0;
        let shown = facts.headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(name));
        let headers = shown.map(|(name, value)| {
            // Latin-1, which never fails and leaves ASCII as it is
            let text = value.as_bytes().iter().map(|&byte| char::from(byte)).collect();
            (name.as_str().to_owned(), text)
        });
        (
            facts.status.map(|status| status.as_u16()),
            facts.method.to_string(),
            facts.url.clone(),
            headers.collect(),
            facts.version.map(|version| format!("{version:?}")),
            facts.attempts,
            facts.requests,
            facts.elapsed.as_secs_f64(),
        )
    }
}

type ResponseFields = (Option<u16>, String, String, BTreeMap<String, String>, Option<String>, u32, u32, f64);

/// A kind, what `_outcomes.py` makes it of, and the exchange.
type Parts<'py> = (&'static str, Bound<'py, PyAny>, Option<Bound<'py, Exchange>>);

fn exchange(py: Python<'_>, facts: Facts) -> PyResult<Option<Bound<'_, Exchange>>> {
    Bound::new(py, Exchange(facts)).map(Some)
}

impl IntoOutcome for Reply<Received> {
    fn into_outcome(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let exchange = exchange(py, self.facts)?;
        let parts: Parts<'_> = match self.value {
            Received::One(found) | Received::Maybe(Some(found)) => {
                ("resource", resource(py, found)?.into_any(), exchange)
            }
            Received::Many(found) => ("resources", resources(py, found)?.into_any(), exchange),
            Received::Flag(flag) => ("value", flag.into_bound_py_any(py)?, exchange),
            Received::Maybe(None) | Received::Nothing => ("value", py.None().into_bound(py), exchange),
        };
        Ok(parts.into_pyobject(py)?.into_any())
    }
}

impl IntoOutcome for Progress {
    fn into_outcome(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let look = match *self {
            Self::Reached(reply) => return reply.into_outcome(py),
            Self::Look(look) => *look,
        };
        let fields = (
            look.resource.map(|found| resource(py, found)).transpose()?,
            look.changed,
            look.trouble,
            look.looks,
            look.elapsed.as_secs_f64(),
            look.next_look.as_secs_f64(),
        );
        let parts: Parts<'_> = ("look", fields.into_pyobject(py)?.into_any(), None);
        Ok(parts.into_pyobject(py)?.into_any())
    }
}

impl IntoOutcome for Revoked {
    fn into_outcome(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let parts: Parts<'_> = ("value", py.None().into_bound(py), None);
        Ok(parts.into_pyobject(py)?.into_any())
    }
}

fn resources(py: Python<'_>, found: Vec<Resource>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for found in found {
        list.append(resource(py, found)?)?;
    }
    Ok(list)
}

/// The name of a class of `models.py`, and its fields.
fn resource(py: Python<'_>, found: Resource) -> PyResult<Bound<'_, PyTuple>> {
    let mut fields = Vec::with_capacity(found.values.len() + 3);
    fields.push(found.id.into_bound_py_any(py)?);
    if !found.model.status.is_empty() {
        fields.push(found.status.as_deref().unwrap_or(NO_STATUS).into_bound_py_any(py)?);
    }
    for (field, value) in found.model.fields.iter().zip(&found.values) {
        fields.push(match value {
            Value::Null if field.is_list() => PyTuple::empty(py).into_any(),
            Value::Array(_) => json::to_python(py, value)?.cast::<PyList>()?.to_tuple().into_any(),
            value => json::to_python(py, value)?,
        });
    }
    fields.push(json::object(py, &found.extra)?.into_any());
    (found.model.name, PyTuple::new(py, fields)?).into_pyobject(py)
}

/// What a request whose task died ends with.
pub(super) fn died() -> Error {
    let message = "the request was dropped, or failed inside the library; it may have been sent".to_owned();
    Error::Connection(Lost { message, facts: None, may_pass: true })
}

/// An outcome for `open_outcome`.
pub(super) fn to_python(py: Python<'_>, outcome: Outcome) -> PyResult<Bound<'_, PyAny>> {
    match outcome {
        Ok(value) => value.into_outcome(py),
        Err(error) => failure(py, &error),
    }
}

/// The exception itself, for what fails outside of a call.
pub(super) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = || MAKE.import(py, "atlas_privatelink._outcomes", "exception")?.call1((failure(py, error)?,));
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(failed) => failed,
    }
}

/// The name of a class of `errors.py`, its message and keywords.
fn failure<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let keywords = PyDict::new(py);
    let name = match error {
        Error::Configuration(_) => "ConfigurationError",
        Error::Invalid(invalid) => {
            keywords.set_item("field", invalid.field)?;
            "ValidationError"
        }
        Error::NotSent(_) => "NotSent",
        Error::Timeout(_) => "Timeout",
        Error::Connection(_) => "ConnectionError",
        Error::Unexpected(_) => "UnexpectedResponse",
        Error::OutcomeUnknown(unknown) => {
            keywords.set_item("candidates", resources(py, unknown.candidates.clone())?)?;
            "OutcomeUnknown"
        }
        Error::WaitFailed(unreached) => {
            keywords.set_item("endpoint", unreached.resource.clone().map(|last| resource(py, last)).transpose()?)?;
            "EndpointFailed"
        }
        Error::WaitTimeout(unreached) => {
            keywords.set_item("endpoint", unreached.resource.clone().map(|last| resource(py, last)).transpose()?)?;
            "WaitTimeout"
        }
        Error::Api(api) => {
            keywords.set_item("status_code", api.status.as_u16())?;
            keywords.set_item("error_code", &api.body.error_code)?;
            keywords.set_item("detail", &api.body.detail)?;
            keywords.set_item("reason", &api.body.reason)?;
            let parameters = PyList::empty(py);
            for parameter in &api.body.parameters {
                parameters.append(json::to_python(py, parameter)?)?;
            }
            keywords.set_item("parameters", parameters.to_tuple())?;
            if let Some(last) = &api.resource {
                keywords.set_item("endpoint", resource(py, (**last).clone())?)?;
            }
            if api.kind == ApiErrorKind::RateLimited {
                keywords.set_item("retry_after", api.retry_after.map(|wait| wait.as_secs_f64()))?;
            }
            match api.kind {
                ApiErrorKind::Authentication => "AuthenticationError",
                ApiErrorKind::PermissionDenied => "PermissionDenied",
                ApiErrorKind::AddressNotAllowed => "AddressNotAllowed",
                ApiErrorKind::NotFound => "NotFound",
                ApiErrorKind::InstanceNotFound => "InstanceNotFound",
                ApiErrorKind::Conflict => "Conflict",
                ApiErrorKind::Gone => "Gone",
                ApiErrorKind::NotServerless => "NotServerless",
                ApiErrorKind::RateLimited => "RateLimited",
                ApiErrorKind::Server => "ServerError",
                ApiErrorKind::Other => "ApiError",
            }
        }
    };
    let facts = error.facts().cloned().map(|facts| exchange(py, facts)).transpose()?.flatten();
    let parts: Parts<'py> = ("error", (name, error.to_string(), keywords).into_pyobject(py)?.into_any(), facts);
    Ok(parts.into_pyobject(py)?.into_any())
}
