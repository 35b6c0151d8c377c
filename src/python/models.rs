//! Rust values into the dataclasses of `atlas_privatelink.models`.

use crate::api::serverless::Endpoint;
use crate::client::Reply;
use crate::python::json;
use crate::transport::Facts;
use http::header::{HeaderName, SET_COOKIE};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};

/// The word for a status that Atlas left out.
const NO_STATUS: &str = "UNKNOWN";
/// Headers that are worth something to whoever has them.
const SECRET_HEADERS: [HeaderName; 2] = [SET_COOKIE, HeaderName::from_static("authentication-info")];

/// A value that the event loop's thread makes into a Python object.
pub(super) trait IntoModel: Send {
    fn into_model(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

impl IntoModel for Reply<Endpoint> {
    fn into_model(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let exchange = Bound::new(py, Exchange(self.facts))?;
        serverless_endpoint(py, self.value, Some(&exchange))
    }
}

impl IntoModel for Reply<Vec<Endpoint>> {
    fn into_model(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let exchange = Bound::new(py, Exchange(self.facts))?;
        let list = PyList::empty(py);
        for endpoint in self.value {
            list.append(serverless_endpoint(py, endpoint, Some(&exchange))?)?;
        }
        Ok(list.into_any())
    }
}

/// The HTTP side of a call, made into a `Response` by whoever asks for it.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Exchange(Facts);

#[pymethods]
impl Exchange {
    /// The `Response`.
    fn response<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        response(py, &self.0)
    }
}

/// `ServerlessEndpoint`.
pub(super) fn serverless_endpoint<'py>(
    py: Python<'py>,
    endpoint: Endpoint,
    exchange: Option<&Bound<'py, Exchange>>,
) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS.import(py, "atlas_privatelink.models", "ServerlessEndpoint")?;
    let model = class.call1((
        endpoint.id,
        status(py, endpoint.status.as_deref().unwrap_or(NO_STATUS))?,
        endpoint.comment,
        endpoint.endpoint_service_name,
        endpoint.cloud_provider_endpoint_id,
        endpoint.error_message,
        endpoint.provider_name,
        endpoint.private_endpoint_ip_address,
        endpoint.private_link_service_resource_id,
        json::object(py, &endpoint.extra)?,
    ))?;
    if let Some(exchange) = exchange {
        // the dataclass is frozen, and this is no field of it
        static SET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let set = SET.get_or_try_init(py, || {
            py.import("builtins")?.getattr("object")?.getattr("__setattr__").map(Bound::unbind)
        })?;
        set.call1(py, (&model, intern!(py, "_exchange"), exchange))?;
    }
    Ok(model)
}

/// A member of `EndpointStatus`, or a new one for a word that Atlas added.
fn status<'py>(py: Python<'py>, word: &str) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static MEMBERS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let class = CLASS.import(py, "atlas_privatelink.models", "EndpointStatus")?;
    let members = MEMBERS.get_or_try_init(py, || {
        let members = PyDict::new(py);
        for member in class.try_iter()? {
            let member = member?;
            members.set_item(member.getattr("value")?, member)?;
        }
        Ok::<_, PyErr>(members.unbind())
    })?;
    match members.bind(py).get_item(word)? {
        Some(member) => Ok(member),
        None => class.call1((word,)),
    }
}

/// `Response`: the HTTP side of a call.
pub(super) fn response<'py>(py: Python<'py>, facts: &Facts) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let headers = PyDict::new(py);
    for (name, value) in facts.headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(name)) {
        // Latin-1, which never fails
        let text = || value.as_bytes().iter().map(|&byte| char::from(byte)).collect::<String>();
        match value.to_str() {
            Ok(value) => headers.set_item(name.as_str(), value)?,
            Err(_) => headers.set_item(name.as_str(), text())?,
        }
    }
    CLASS.import(py, "atlas_privatelink.models", "Response")?.call1((
        facts.status.map(|status| status.as_u16()),
        facts.method.as_str(),
        &facts.url,
        headers,
        facts.version.map(|version| format!("{version:?}")),
        facts.attempts,
        facts.requests,
        facts.elapsed.as_secs_f64(),
    ))
}
