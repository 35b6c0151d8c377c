//! Rust errors into the exceptions of `atlas_privatelink.errors`.

use crate::client::{ApiErrorKind, Error, Lost};
use crate::python::{json, models};
use crate::transport::Facts;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// What a request whose task died ends with.
pub(super) fn died() -> Error {
    let message = "the request was dropped, or failed inside the library; it may have been sent".to_owned();
    Error::Connection(Lost { message, facts: None })
}

/// The exception that says the same.
pub(super) fn to_python(py: Python<'_>, error: Error) -> PyErr {
    match exception(py, &error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failed) => failed,
    }
}

fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
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
            let candidates = PyList::empty(py);
            for candidate in &unknown.candidates {
                candidates.append(models::serverless_endpoint(py, candidate.clone(), None)?)?;
            }
            keywords.set_item("candidates", candidates.to_tuple())?;
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
    let response = error.facts().map(|facts: &Facts| models::response(py, facts)).transpose()?;
    if response.is_some() {
        keywords.set_item("response", response)?;
    }
    let class = py.import("atlas_privatelink.errors")?.getattr(name)?;
    let exception = class.call((error.to_string(),), Some(&keywords))?;
    debug_assert!(exception.is_instance_of::<PyException>());
    Ok(exception)
}
