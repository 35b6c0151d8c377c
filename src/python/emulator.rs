//! The emulator for Python: JSON in, JSON out. `atlas_privatelink.testing` makes it comfortable.

use crate::emulator::fault::Request;
use crate::emulator::{Config, Emulator as Core, Forced, Retirement, Role, Unknown};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// A running emulator.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(crate) struct Emulator(Arc<Core>);

#[pymethods]
impl Emulator {
    /// Starts one with the options of a JSON object.
    #[new]
    fn new(py: Python<'_>, options: &str) -> PyResult<Self> {
        let config = Config::from_json(object(options)?).map_err(invalid)?;
        py.detach(|| Core::start(config))
            .map(|core| Self(Arc::new(core)))
            .map_err(|error| PyOSError::new_err(error.to_string()))
    }

    #[getter]
    fn port(&self) -> u16 {
        self.0.address().port()
    }

    #[getter]
    fn base_url(&self) -> String {
        self.0.base_url()
    }

    fn now(&self, py: Python<'_>) -> PyResult<f64> {
        self.here(py, |core| core.now().as_secs_f64())
    }

    fn advance(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        let by = Duration::try_from_secs_f64(seconds);
        let by = by.map_err(|_| PyValueError::new_err(format!("seconds must be 0 or more, got {seconds}")))?;
        self.here(py, |core| core.advance(by))
    }

    /// Puts other clusters in the place of those there are, from a JSON list; `null` accepts any name.
    fn set_clusters(&self, py: Python<'_>, clusters: &str) -> PyResult<()> {
        let clusters: Value =
            serde_json::from_str(clusters).map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.here(py, |core| core.set_clusters(&clusters))?.map_err(invalid)
    }

    /// The only private endpoints that the clouds have: ids, something to call for them, or None for any.
    #[pyo3(signature = (ids))]
    fn set_cloud_endpoints(&self, py: Python<'_>, ids: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        match ids {
            Some(cloud) if cloud.is_callable() => {
                let cloud = cloud.unbind();
                self.here(py, |core| core.ask_cloud(move || asked(&cloud)))
            }
            ids => {
                let ids = ids.map(|ids| ids.extract::<Vec<String>>()).transpose()?;
                self.here(py, |core| core.set_cloud_endpoints(ids))
            }
        }
    }

    /// Forces the status of an endpoint, or of the service where none is named; all None ends that.
    #[pyo3(signature = (service_id, endpoint_id, status, error_message, delete_requested))]
    fn force(
        &self,
        py: Python<'_>,
        service_id: &str,
        endpoint_id: Option<&str>,
        status: Option<String>,
        error_message: Option<String>,
        delete_requested: Option<bool>,
    ) -> PyResult<()> {
        let any = status.is_some() || delete_requested.is_some();
        let forced = any.then_some(Forced { status, error_message, delete_requested });
        self.here(py, |core| core.force(service_id, endpoint_id, forced))?.map_err(invalid)
    }

    fn restart(&self, py: Python<'_>) -> PyResult<()> {
        Ok(self.here(py, Core::restart)??)
    }

    fn heal(&self, py: Python<'_>) -> PyResult<()> {
        Ok(self.here(py, Core::heal)??)
    }

    /// Arms a fault with the parameters of a JSON object.
    fn fault(&self, py: Python<'_>, name: &str, parameters: &str) -> PyResult<()> {
        let request = Request::from_json(name, object(parameters)?).map_err(invalid)?;
        self.here(py, |core| core.fault(request))
    }

    fn add_key(&self, py: Python<'_>, public_key: &str, private_key: &str, role: &str) -> PyResult<()> {
        let roles = [("owner", Role::Owner), ("read_only", Role::ReadOnly), ("outsider", Role::Outsider)];
        let role = choice("role", role, &roles)?;
        self.here(py, |core| core.add_key(public_key, private_key, role))?.map_err(invalid)
    }

    fn allow_address(&self, py: Python<'_>, allowed: bool) -> PyResult<()> {
        self.here(py, |core| core.allow_address(allowed))
    }

    fn retire(&self, py: Python<'_>, how: Option<&str>) -> PyResult<()> {
        let ways = [("version_gone", Retirement::VersionGone), ("not_serverless", Retirement::NotServerless)];
        let how = how.map(|how| choice("how", how, &ways)).transpose()?;
        self.here(py, |core| core.retire(how))
    }

    fn fail_next_endpoint(&self, py: Python<'_>, message: &str) -> PyResult<()> {
        self.here(py, |core| core.fail_next_endpoint(message))
    }

    fn expire_tokens(&self, py: Python<'_>) -> PyResult<()> {
        self.here(py, |core| core.expire_tokens())
    }

    #[pyo3(signature = (deprecation, sunset))]
    fn deprecate(&self, py: Python<'_>, deprecation: Option<&str>, sunset: Option<&str>) -> PyResult<()> {
        self.here(py, |core| core.deprecate(deprecation, sunset))?.map_err(invalid)
    }

    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        json(&self.here(py, Core::stats)?)
    }

    fn requests(&self, py: Python<'_>) -> PyResult<String> {
        json(&self.here(py, Core::requests)?)
    }

    fn take_finished_requests(&self, py: Python<'_>) -> PyResult<String> {
        json(&self.here(py, Core::take_finished_requests)?)
    }

    fn reset_stats(&self, py: Python<'_>) -> PyResult<()> {
        self.here(py, Core::reset_stats)
    }

    #[pyo3(signature = (group_id, instance_name))]
    fn endpoints(&self, py: Python<'_>, group_id: Option<&str>, instance_name: Option<&str>) -> PyResult<String> {
        json(&self.here(py, |core| core.endpoints(group_id, instance_name))?)
    }

    fn endpoint_services(&self, py: Python<'_>) -> PyResult<String> {
        json(&self.here(py, Core::endpoint_services)?)
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }
}

impl Emulator {
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    /// A forked child has only a picture of the emulator, whose locks may be held for ever.
    fn here<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&Core) -> T + Send) -> PyResult<T> {
        if self.0.is_inherited() {
            return Err(PyRuntimeError::new_err("this emulator runs in the process that started it, not in its child"));
        }
        Ok(py.detach(|| work(&self.0)))
    }
}

/// What a callable of Python says; where it fails, that is told the way that Python tells of errors in threads.
fn asked(cloud: &Py<PyAny>) -> Result<Option<Vec<String>>, Unknown> {
    Python::attach(|py| {
        let answer = cloud.call0(py).and_then(|ids| {
            let ids = ids.into_bound(py);
            if ids.is_none() {
                return Ok(None);
            }
            ids.try_iter()?.map(|id| id?.extract()).collect::<PyResult<Vec<String>>>().map(Some)
        });
        answer.map_err(|error| {
            error.write_unraisable(py, Some(cloud.bind(py)));
            Unknown
        })
    })
}

fn object(text: &str) -> PyResult<Map<String, Value>> {
    serde_json::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn invalid(invalid: crate::api::Invalid) -> PyErr {
    PyValueError::new_err(invalid.to_string())
}

fn choice<T: Copy>(name: &str, given: &str, choices: &[(&str, T)]) -> PyResult<T> {
    choices.iter().find(|(word, _)| *word == given).map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
        PyValueError::new_err(format!("{name} must be one of {}, got {given:?}", words.join(", ")))
    })
}

fn json(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}
