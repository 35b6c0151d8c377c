//! The configured client: checks arguments, and makes calls.

use crate::api::request::CommonQuery;
use crate::api::serverless::Instance;
use crate::api::{ApiVersion, Invalid, validate};
use crate::auth::ApiKey;
use crate::auth::credentials::{self, Explicit, Process};
use crate::client::{Client, CreateEndpoint, Error, IfExists, Options};
use crate::python::call::{Call, Work, closed};
use crate::python::fork;
use crate::python::outcome::{self, IntoOutcome};
use crate::python::per_process::PerProcess;
use crate::python::runtime;
use crate::transport::{BaseUrl, Limits, Settings};
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Longer limits are a slip of the unit: times are seconds.
const LONGEST_SECONDS: f64 = 86_400.0;

/// The clients of one configuration: per process, one for coroutines and one for blocking calls.
pub(super) struct Connections {
    settings: Settings,
    key: ApiKey,
    closed: AtomicBool,
    background: Slot<Client>,
    blocking: Slot<(Arc<Runtime>, Client)>,
}

/// Empty once closed.
type Slot<T> = PerProcess<Mutex<Option<T>>>;

impl Connections {
    /// The client whose requests run on the background thread.
    pub(super) fn background(&self) -> Result<Client, Error> {
        self.open(&self.background, || Client::new(self.settings.clone(), self.key.clone()))
    }

    /// The client whose requests run in the calling thread, and the runtime that drives it there.
    pub(super) fn blocking(&self) -> Result<(Arc<Runtime>, Client), Error> {
        self.open(&self.blocking, || {
            let runtime = runtime::current_thread().map_err(|error| Error::Configuration(error.to_string()))?;
            Ok((Arc::new(runtime), Client::new(self.settings.clone(), self.key.clone())?))
        })
    }

    fn open<T: Clone>(&self, slot: &Slot<T>, make: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let client = slot.get_or_try_init(|| Ok::<_, Error>(Mutex::new(Some(make()?))))?;
        let client = client.and_then(|client| client.lock().unwrap_or_else(PoisonError::into_inner).clone());
        client.filter(|_| !self.closed.load(Ordering::Acquire)).ok_or_else(closed)
    }

    fn close(&self) {
        fn empty<T>(slot: &Slot<T>) {
            let client = slot.get().and_then(|client| client.lock().unwrap_or_else(PoisonError::into_inner).take());
            drop(client);
        }
        self.closed.store(true, Ordering::Release);
        empty(&self.background);
        empty(&self.blocking);
    }
}

/// A configured client of the Administration API; `AsyncClient` and `Client` are its faces.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Core {
    connections: Arc<Connections>,
    options: Options,
    source: String,
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (public_key, private_key, *, profile, base_url, api_version, timeout, connect_timeout,
        max_retries, max_connections, ca_file, proxy, allow_insecure))]
    #[allow(clippy::too_many_arguments, reason = "the constructor's keywords, in Python's order")]
    fn new(
        py: Python<'_>,
        public_key: Option<String>,
        private_key: Option<String>,
        profile: Option<String>,
        base_url: Option<String>,
        api_version: Option<&str>,
        timeout: f64,
        connect_timeout: f64,
        max_retries: i64,
        max_connections: i64,
        ca_file: Option<PathBuf>,
        proxy: Option<String>,
        allow_insecure: bool,
    ) -> PyResult<Self> {
        // before anything is made that a forked child must not touch
        fork::watch()?;
        let make = || {
            let options = Options {
                api_version: api_version.map(version).transpose()?,
                limits: Limits { timeout: seconds("timeout", timeout)?, max_retries: retries(max_retries)? },
            };
            let connect_timeout = seconds("connect_timeout", connect_timeout)?;
            let max_connections = usize::try_from(max_connections).ok().filter(|n| (1..=1024).contains(n));
            let max_connections =
                max_connections.ok_or_else(|| Invalid::new("max_connections", "must be from 1 to 1024"))?;
            let given = |url: &str| {
                BaseUrl::parse(url, allow_insecure).map_err(|message| Error::Invalid(Invalid::new("base_url", message)))
            };
            let argument = base_url.as_deref().map(given).transpose()?;
            let explicit = Explicit { public_key, private_key, profile };
            let identity = credentials::resolve(&explicit, &Process).map_err(Error::Configuration)?;
            let base_url = match (argument, identity.base_url) {
                (Some(base_url), _) => base_url,
                (None, Some(found)) => BaseUrl::parse(&found.url, allow_insecure)
                    .map_err(|message| Error::Configuration(format!("{} {message}", found.source)))?,
                (None, None) => given(BaseUrl::ATLAS)?,
            };
            let settings = Settings { base_url, connect_timeout, max_connections, ca_file, proxy };
            settings.check().map_err(Error::Invalid)?;
            Ok(Self {
                connections: Arc::new(Connections {
                    settings,
                    key: identity.key,
                    closed: AtomicBool::new(false),
                    background: PerProcess::new(),
                    blocking: PerProcess::new(),
                }),
                options,
                source: identity.source,
            })
        };
        make().map_err(|error: Error| outcome::exception(py, &error))
    }

    /// The same client with other limits: connections and nonces are shared.
    #[pyo3(signature = (*, timeout=None, max_retries=None, api_version=None))]
    fn with_options(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
        max_retries: Option<i64>,
        api_version: Option<&str>,
    ) -> PyResult<Self> {
        let make = || {
            let mut options = self.options;
            if let Some(timeout) = timeout {
                options.limits.timeout = seconds("timeout", timeout)?;
            }
            if let Some(max_retries) = max_retries {
                options.limits.max_retries = retries(max_retries)?;
            }
            if let Some(name) = api_version {
                options.api_version = Some(version(name)?);
            }
            Ok(Self { connections: self.connections.clone(), options, source: self.source.clone() })
        };
        make().map_err(|invalid: Invalid| outcome::exception(py, &invalid.into()))
    }

    /// "Create One Private Endpoint for One Serverless Instance".
    #[pyo3(signature = (group_id, instance_name, *, comment, if_exists, pretty, envelope))]
    fn create_endpoint(
        &self,
        group_id: &str,
        instance_name: &str,
        comment: Option<String>,
        if_exists: &str,
        pretty: bool,
        envelope: bool,
    ) -> Call {
        let checked = || {
            let instance = Instance::new(group_id, instance_name)?;
            if let Some(comment) = &comment {
                validate::comment("comment", comment)?;
            }
            let if_exists = match (if_exists, &comment) {
                ("create", _) => IfExists::Create,
                ("adopt", Some(_)) => IfExists::Adopt,
                ("adopt", None) => {
                    let rule = "must be given with if_exists=\"adopt\": an endpoint is recognised by nothing else";
                    return Err(Invalid::new("comment", rule));
                }
                (other, _) => {
                    let rule = format!("must be \"create\" or \"adopt\", got {}", validate::quoted(other));
                    return Err(Invalid::new("if_exists", rule));
                }
            };
            Ok(CreateEndpoint { instance, comment, if_exists, query: CommonQuery { pretty, envelope } })
        };
        let options = self.options;
        self.call(checked(), move |create, client| async move { client.create_endpoint(&create, &options).await })
    }

    /// "Return All Private Endpoints for One Serverless Instance".
    #[pyo3(signature = (group_id, instance_name, *, pretty, envelope))]
    fn list_endpoints(&self, group_id: &str, instance_name: &str, pretty: bool, envelope: bool) -> Call {
        let (options, query) = (self.options, CommonQuery { pretty, envelope });
        let instance = Instance::new(group_id, instance_name);
        self.call(
            instance,
            move |instance, client| async move { client.list_endpoints(&instance, query, &options).await },
        )
    }

    /// "Return One Private Endpoint for One Serverless Instance".
    #[pyo3(signature = (group_id, instance_name, endpoint_id, *, pretty, envelope))]
    fn get_endpoint(
        &self,
        group_id: &str,
        instance_name: &str,
        endpoint_id: String,
        pretty: bool,
        envelope: bool,
    ) -> Call {
        let (options, query) = (self.options, CommonQuery { pretty, envelope });
        let instance = Instance::new(group_id, instance_name);
        let checked = instance.and_then(|instance| {
            validate::object_id("endpoint_id", &endpoint_id)?;
            Ok((instance, endpoint_id))
        });
        self.call(checked, move |(instance, endpoint_id), client| async move {
            client.get_endpoint(&instance, &endpoint_id, query, &options).await
        })
    }

    /// Closes idle connections. Calls in flight end as they would have; later ones are refused.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.connections.close());
    }

    /// Where the API is.
    #[getter]
    fn base_url(&self) -> String {
        self.connections.settings.base_url.to_string()
    }

    /// The public half of the key.
    #[getter]
    fn public_key(&self) -> &str {
        self.connections.key.public_key()
    }

    /// Where the key was found.
    #[getter]
    fn credentials_source(&self) -> &str {
        &self.source
    }
}

impl Core {
    /// A call of `act` with arguments that were checked. A broken rule is told where the call is awaited or run.
    fn call<C, T, F>(&self, checked: Result<C, Invalid>, act: impl FnOnce(C, Client) -> F + Send + 'static) -> Call
    where
        C: Send + 'static,
        T: IntoOutcome + 'static,
        F: Future<Output = Result<T, Error>> + Send,
    {
        let work = checked.map_err(Error::from).map(|arguments| -> Work {
            Box::new(move |client| {
                Box::pin(async move {
                    let value: Box<dyn IntoOutcome> = Box::new(act(arguments, client).await?);
                    Ok(value)
                })
            })
        });
        Call::new(self.connections.clone(), work)
    }
}

fn version(name: &str) -> Result<ApiVersion, Invalid> {
    let rule = || format!("must be \"v1.0\" or \"v2\", got {}", validate::quoted(name));
    ApiVersion::from_name(name).ok_or_else(|| Invalid::new("api_version", rule()))
}

fn seconds(field: &'static str, value: f64) -> Result<Duration, Invalid> {
    let rule = || format!("must be seconds, more than 0 and at most {LONGEST_SECONDS}, got {value}");
    if !(value > 0.0 && value <= LONGEST_SECONDS) {
        return Err(Invalid::new(field, rule()));
    }
    Duration::try_from_secs_f64(value).map_err(|_| Invalid::new(field, rule()))
}

fn retries(value: i64) -> Result<u32, Invalid> {
    let rule = || Invalid::new("max_retries", format!("must be from 0 to 100, got {value}"));
    u32::try_from(value).ok().filter(|n| *n <= 100).ok_or_else(rule)
}
