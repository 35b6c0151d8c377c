//! What a call ended with, as plain Python values: `atlas_privatelink/_outcomes.py` makes them into dataclasses and
//! exceptions. No Python code runs here; see `bridge.rs` for why.

use crate::api::serverless::Endpoint;
use crate::client::{ApiErrorKind, Error, Lost, Reply, Revoked};
use crate::python::json;
use crate::python::mailbox::Outcome;
use crate::transport::Facts;
use http::header::{HeaderName, SET_COOKIE};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};
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

impl IntoOutcome for Reply<Endpoint> {
    fn into_outcome(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let parts: Parts<'_> = ("endpoint", serverless_endpoint(py, self.value)?.into_any(), exchange(py, self.facts)?);
        Ok(parts.into_pyobject(py)?.into_any())
    }
}

impl IntoOutcome for Reply<Vec<Endpoint>> {
    fn into_outcome(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let parts: Parts<'_> =
            ("endpoints", serverless_endpoints(py, self.value)?.into_any(), exchange(py, self.facts)?);
        Ok(parts.into_pyobject(py)?.into_any())
    }
}

impl IntoOutcome for Revoked {
    fn into_outcome(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let parts: Parts<'_> = ("nothing", py.None().into_bound(py), None);
        Ok(parts.into_pyobject(py)?.into_any())
    }
}

fn serverless_endpoints(py: Python<'_>, endpoints: Vec<Endpoint>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for endpoint in endpoints {
        list.append(serverless_endpoint(py, endpoint)?)?;
    }
    Ok(list)
}

/// The fields of a `ServerlessEndpoint`.
fn serverless_endpoint(py: Python<'_>, endpoint: Endpoint) -> PyResult<Bound<'_, PyTuple>> {
    (
        endpoint.id,
        endpoint.status.as_deref().unwrap_or(NO_STATUS),
        endpoint.comment,
        endpoint.endpoint_service_name,
        endpoint.cloud_provider_endpoint_id,
        endpoint.error_message,
        endpoint.provider_name,
        endpoint.private_endpoint_ip_address,
        endpoint.private_link_service_resource_id,
        json::object(py, &endpoint.extra)?,
    )
        .into_pyobject(py)
}

/// What a request whose task died ends with.
pub(super) fn died() -> Error {
    let message = "the request was dropped, or failed inside the library; it may have been sent".to_owned();
    Error::Connection(Lost { message, facts: None })
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
            keywords.set_item("candidates", serverless_endpoints(py, unknown.candidates.clone())?)?;
            "OutcomeUnknown"
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
            if api.kind == ApiErrorKind::RateLimited {
                keywords.set_item("retry_after", api.retry_after.map(|wait| wait.as_secs_f64()))?;
            }
            match api.kind {
                ApiErrorKind::Authentication => "AuthenticationError",
                ApiErrorKind::PermissionDenied => "PermissionDenied",
                ApiErrorKind::AddressNotAllowed => "AddressNotAllowed",
                ApiErrorKind::NotFound => "NotFound",
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
