//! The Rust core of atlas-privatelink with `pyo3-async-runtimes` as its bridge to asyncio: the road not taken.
//!
//! It is written as that crate's guide says, and calls the very same core, so that whatever differs between this
//! module and `atlas_privatelink` differs by the bridge. See README.md.

use pyo3::prelude::*;

#[pymodule]
mod pyo3_asyncio_bridge {
    use atlas_privatelink::api::operation::IfExists;
    use atlas_privatelink::api::request::{CommonQuery, Received};
    use atlas_privatelink::api::serverless::{self, Instance};
    use atlas_privatelink::auth::ApiKey;
    use atlas_privatelink::client::Client;
    use atlas_privatelink::clock::Clock;
    use atlas_privatelink::transport::{BaseUrl, Limits, Settings};
    use pyo3::exceptions::{PyRuntimeError, PyValueError};
    use pyo3::prelude::*;
    use pyo3_async_runtimes::tokio::{future_into_py, get_runtime};
    use std::time::Duration;

    /// As much of `atlas_privatelink.AsyncClient` as the comparison needs.
    #[pyclass(frozen)]
    struct AsyncClient {
        client: Client,
        limits: Limits,
    }

    /// What a call answers: a dict in Python.
    #[derive(IntoPyObject)]
    struct Created {
        id: String,
        status: Option<String>,
        comment: Option<String>,
        endpoint_service_name: Option<String>,
        cloud_provider_endpoint_id: Option<String>,
        error_message: Option<String>,
    }

    #[pymethods]
    impl AsyncClient {
        #[new]
        #[pyo3(signature = (public_key, private_key, *, base_url, timeout=30.0, max_connections=64))]
        fn new(
            public_key: &str,
            private_key: &str,
            base_url: &str,
            timeout: f64,
            max_connections: usize,
        ) -> PyResult<Self> {
            let settings = Settings {
                base_url: BaseUrl::parse(base_url, false).map_err(PyValueError::new_err)?,
                connect_timeout: Duration::from_secs(10),
                max_connections,
                ca_file: None,
                proxy: None,
                clock: Clock::default(),
            };
            let key = ApiKey::new(public_key, private_key).map_err(PyValueError::new_err)?;
            let timeout = Duration::try_from_secs_f64(timeout).map_err(|e| PyValueError::new_err(e.to_string()))?;
            // reqwest asks for the runtime that it will be used on
            let _inside = get_runtime().enter();
            Ok(Self {
                client: Client::new(settings, key).map_err(|e| PyRuntimeError::new_err(e.to_string()))?,
                limits: Limits { timeout, max_retries: 4 },
            })
        }

        /// Creates one private endpoint for one serverless instance.
        #[pyo3(signature = (group_id, instance_name, *, comment=None))]
        fn create_endpoint<'py>(
            &self,
            py: Python<'py>,
            group_id: &str,
            instance_name: &str,
            comment: Option<String>,
        ) -> PyResult<Bound<'py, PyAny>> {
            let create = Instance::new(group_id, instance_name).and_then(|instance| {
                serverless::create(None, &instance, comment.as_deref(), IfExists::Create, CommonQuery::default())
            });
            let create = create.map_err(|e| PyValueError::new_err(e.to_string()))?;
            let (client, limits) = (self.client.clone(), self.limits);
            future_into_py(py, async move {
                let reply = client.run(&create, &limits).await;
                let Received::One(endpoint) = reply.map_err(|e| PyRuntimeError::new_err(e.to_string()))?.value else {
                    return Err(PyRuntimeError::new_err("a creation was not answered with an endpoint"));
                };
                let text = |name| endpoint.text(name).map(str::to_owned);
                Ok(Created {
                    comment: text("comment"),
                    endpoint_service_name: text("endpointServiceName"),
                    cloud_provider_endpoint_id: text("cloudProviderEndpointId"),
                    error_message: text("errorMessage"),
                    id: endpoint.id,
                    status: endpoint.status,
                })
            })
        }
    }
}
