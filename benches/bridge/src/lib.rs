//! The Rust core of atlas-privatelink with `pyo3-async-runtimes` as its bridge to asyncio: the road not taken.
//!
//! It is written as that crate's guide says, and calls the very same core, so that whatever differs between this
//! module and `atlas_privatelink` differs by the bridge. See README.md.

use pyo3::prelude::*;

#[pymodule]
mod pyo3_asyncio_bridge {
    use atlas_privatelink::api::request::CommonQuery;
    use atlas_privatelink::api::serverless::Instance;
    use atlas_privatelink::auth::ApiKey;
    use atlas_privatelink::client::{Client, CreateEndpoint, IfExists, Options};
    use atlas_privatelink::transport::{BaseUrl, Limits, Settings};
    use pyo3::exceptions::{PyRuntimeError, PyValueError};
    use pyo3::prelude::*;
    use pyo3_async_runtimes::tokio::{future_into_py, get_runtime};
    use std::time::Duration;

    /// As much of `atlas_privatelink.AsyncClient` as the comparison needs.
    #[pyclass(frozen)]
    struct AsyncClient {
        client: Client,
        options: Options,
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
            };
            let key = ApiKey::new(public_key, private_key).map_err(PyValueError::new_err)?;
            let timeout = Duration::try_from_secs_f64(timeout).map_err(|e| PyValueError::new_err(e.to_string()))?;
            // reqwest asks for the runtime that it will be used on
            let _inside = get_runtime().enter();
            Ok(Self {
                client: Client::new(settings, key).map_err(|e| PyRuntimeError::new_err(e.to_string()))?,
                options: Options { api_version: None, limits: Limits { timeout, max_retries: 4 } },
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
            let instance = Instance::new(group_id, instance_name).map_err(|e| PyValueError::new_err(e.to_string()))?;
            let create =
                CreateEndpoint { instance, comment, if_exists: IfExists::Create, query: CommonQuery::default() };
            let (client, options) = (self.client.clone(), self.options);
            future_into_py(py, async move {
                let reply = client.create_endpoint(&create, &options).await;
                let endpoint = reply.map_err(|e| PyRuntimeError::new_err(e.to_string()))?.value;
                Ok(Created {
                    id: endpoint.id,
                    status: endpoint.status,
                    comment: endpoint.comment,
                    endpoint_service_name: endpoint.endpoint_service_name,
                    cloud_provider_endpoint_id: endpoint.cloud_provider_endpoint_id,
                    error_message: endpoint.error_message,
                })
            })
        }
    }
}
