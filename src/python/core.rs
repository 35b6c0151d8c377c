//! The configured client: checks arguments, and makes calls.

use crate::api::request::CommonQuery;
use crate::api::serverless::Instance;
use crate::api::{ApiVersion, Invalid, validate};
use crate::auth::Credentials;
use crate::auth::credentials::{self, Explicit, Process};
use crate::auth::service_account::Drive;
use crate::client::{Client, CreateEndpoint, Error, IfExists, Options};
use crate::python::arguments::Argument;
use crate::python::call::{Call, Work, closed};
use crate::python::fork;
use crate::python::outcome::{self, IntoOutcome};
use crate::python::per_process::PerProcess;
use crate::python::runtime;
use crate::python::tokens::tokens;
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
    credentials: Credentials,
    revokes_token: bool,
    closed: AtomicBool,
    background: Slot<Client>,
    blocking: Slot<(Arc<Runtime>, Client)>,
}

/// Empty once closed.
type Slot<T> = PerProcess<Mutex<Option<T>>>;

impl Connections {
    /// The client whose requests run on the background thread.
    pub(super) fn background(&self) -> Result<Client, Error> {
        self.open(&self.background, || self.client(Drive::Task))
    }

    /// The client whose requests run in the calling thread, and the runtime that drives it there.
    pub(super) fn blocking(&self) -> Result<(Arc<Runtime>, Client), Error> {
        self.open(&self.blocking, || {
            let runtime = runtime::current_thread().map_err(|error| Error::Configuration(error.to_string()))?;
            Ok((Arc::new(runtime), self.client(Drive::Caller)?))
        })
    }

    fn client(&self, drive: Drive) -> Result<Client, Error> {
        Client::with_tokens(self.settings.clone(), self.credentials.clone(), &tokens(drive))
    }

    /// Whether a client that is open in this process has a token that closing should revoke.
    fn has_token_to_revoke(&self) -> bool {
        fn has<T>(slot: &Slot<T>, has_token: impl Fn(&T) -> bool) -> bool {
            let client = slot.get().map(|client| client.lock().unwrap_or_else(PoisonError::into_inner));
            client.is_some_and(|client| client.as_ref().is_some_and(has_token))
        }
        self.revokes_token
            && (has(&self.background, Client::has_token) || has(&self.blocking, |(_, client)| client.has_token()))
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
    #[pyo3(signature = (public_key, private_key, *, client_id, client_secret, access_token, profile, base_url, api_version, timeout, connect_timeout,
        max_retries, max_connections, ca_file, proxy, allow_insecure, revoke_token_on_close))]
    #[allow(clippy::too_many_arguments, reason = "the constructor's keywords, in Python's order")]
    fn new(
        py: Python<'_>,
        public_key: Argument<Option<String>>,
        private_key: Argument<Option<String>>,
        client_id: Argument<Option<String>>,
        client_secret: Argument<Option<String>>,
        access_token: Argument<Option<String>>,
        profile: Argument<Option<String>>,
        base_url: Argument<Option<String>>,
        api_version: Argument<Option<String>>,
        timeout: Argument<f64>,
        connect_timeout: Argument<f64>,
        max_retries: Argument<i64>,
        max_connections: Argument<i64>,
        ca_file: Argument<Option<PathBuf>>,
        proxy: Argument<Option<String>>,
        allow_insecure: Argument<bool>,
        revoke_token_on_close: Argument<bool>,
    ) -> PyResult<Self> {
        let public_key = public_key.named(py, "public_key")?;
        let private_key = private_key.named(py, "private_key")?;
        let client_id = client_id.named(py, "client_id")?;
        let client_secret = client_secret.named(py, "client_secret")?;
        let access_token = access_token.named(py, "access_token")?;
        let profile = profile.named(py, "profile")?;
        let base_url = base_url.named(py, "base_url")?;
        let api_version = api_version.named(py, "api_version")?;
        let timeout = timeout.named(py, "timeout")?;
        let connect_timeout = connect_timeout.named(py, "connect_timeout")?;
        let max_retries = max_retries.named(py, "max_retries")?;
        let max_connections = max_connections.named(py, "max_connections")?;
        let ca_file = ca_file.named(py, "ca_file")?;
        let proxy = proxy.named(py, "proxy")?;
        let allow_insecure = allow_insecure.named(py, "allow_insecure")?;
        let revokes_token = revoke_token_on_close.named(py, "revoke_token_on_close")?;
        // before anything is made that a forked child must not touch
        fork::watch()?;
        // the dataclasses: not with the package, which loads fast, nor with the first result, which would keep its event
        // loop waiting
        py.import("atlas_privatelink._outcomes")?;
        let make = || {
            let options = Options {
                api_version: api_version.as_deref().map(version).transpose()?,
                limits: Limits { timeout: seconds("timeout", timeout)?, max_retries: retries(max_retries)? },
            };
            let connect_timeout = seconds("connect_timeout", connect_timeout)?;
            let max_connections = connections(max_connections)?;
            let given = |url: &str| {
                BaseUrl::parse(url, allow_insecure).map_err(|message| Error::Invalid(Invalid::new("base_url", message)))
            };
            let argument = base_url.as_deref().map(given).transpose()?;
            let explicit = Explicit { public_key, private_key, client_id, client_secret, access_token, profile };
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
                    credentials: identity.credentials,
                    revokes_token,
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
    #[pyo3(signature = (*, timeout, max_retries, api_version))]
    fn with_options(
        &self,
        py: Python<'_>,
        timeout: Argument<Option<f64>>,
        max_retries: Argument<Option<i64>>,
        api_version: Argument<Option<String>>,
    ) -> PyResult<Self> {
        let timeout = timeout.named(py, "timeout")?;
        let max_retries = max_retries.named(py, "max_retries")?;
        let api_version = api_version.named(py, "api_version")?;
        let make = || {
            let mut options = self.options;
            if let Some(timeout) = timeout {
                options.limits.timeout = seconds("timeout", timeout)?;
            }
            if let Some(max_retries) = max_retries {
                options.limits.max_retries = retries(max_retries)?;
            }
            if let Some(name) = &api_version {
                options.api_version = Some(version(name)?);
            }
            Ok(Self { connections: self.connections.clone(), options, source: self.source.clone() })
        };
        make().map_err(|invalid: Invalid| outcome::exception(py, &invalid.into()))
    }

    /// "Create One Private Endpoint for One Serverless Instance".
    #[pyo3(signature = (group_id, instance_name, *, comment, if_exists, pretty, envelope))]
    #[allow(clippy::too_many_arguments, reason = "the operation's parameters")]
    fn create_endpoint(
        &self,
        py: Python<'_>,
        group_id: Argument<String>,
        instance_name: Argument<String>,
        comment: Argument<Option<String>>,
        if_exists: Argument<String>,
        pretty: Argument<bool>,
        envelope: Argument<bool>,
    ) -> PyResult<Call> {
        let (group_id, instance_name) = (group_id.named(py, "group_id")?, instance_name.named(py, "instance_name")?);
        let (comment, if_exists) = (comment.named(py, "comment")?, if_exists.named(py, "if_exists")?);
        let (options, query) = (self.options, query(py, pretty, envelope)?);
        let checked = || {
            let instance = Instance::new(&group_id, &instance_name)?;
            if let Some(comment) = &comment {
                validate::comment("comment", comment)?;
            }
            let if_exists = match (if_exists.as_str(), &comment) {
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
            Ok(CreateEndpoint { instance, comment, if_exists, query })
        };
        Ok(self.call(checked(), move |create, client| async move { client.create_endpoint(&create, &options).await }))
    }

    /// "Return All Private Endpoints for One Serverless Instance".
    #[pyo3(signature = (group_id, instance_name, *, pretty, envelope))]
    fn list_endpoints(
        &self,
        py: Python<'_>,
        group_id: Argument<String>,
        instance_name: Argument<String>,
        pretty: Argument<bool>,
        envelope: Argument<bool>,
    ) -> PyResult<Call> {
        let (group_id, instance_name) = (group_id.named(py, "group_id")?, instance_name.named(py, "instance_name")?);
        let (options, query) = (self.options, query(py, pretty, envelope)?);
        let instance = Instance::new(&group_id, &instance_name);
        Ok(self.call(instance, move |instance, client| async move {
            client.list_endpoints(&instance, query, &options).await
        }))
    }

    /// "Return One Private Endpoint for One Serverless Instance".
    #[pyo3(signature = (group_id, instance_name, endpoint_id, *, pretty, envelope))]
    #[allow(clippy::too_many_arguments, reason = "the operation's parameters")]
    fn get_endpoint(
        &self,
        py: Python<'_>,
        group_id: Argument<String>,
        instance_name: Argument<String>,
        endpoint_id: Argument<String>,
        pretty: Argument<bool>,
        envelope: Argument<bool>,
    ) -> PyResult<Call> {
        let (group_id, instance_name) = (group_id.named(py, "group_id")?, instance_name.named(py, "instance_name")?);
        let endpoint_id = endpoint_id.named(py, "endpoint_id")?;
        let (options, query) = (self.options, query(py, pretty, envelope)?);
        let checked = Instance::new(&group_id, &instance_name).and_then(|instance| {
            validate::object_id("endpoint_id", &endpoint_id)?;
            Ok((instance, endpoint_id))
        });
        Ok(self.call(checked, move |(instance, endpoint_id), client| async move {
            client.get_endpoint(&instance, &endpoint_id, query, &options).await
        }))
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

    /// A call that revokes the access token; `None` where there is none, or it is not to be revoked.
    fn revoke_token(&self) -> Option<Call> {
        let call = || self.call(Ok(()), |(), client| async move { client.revoke_token().await });
        self.connections.has_token_to_revoke().then(call)
    }

    /// What may be shown of the credentials, as a keyword argument.
    #[getter]
    fn shown_credentials(&self) -> String {
        match &self.connections.credentials {
            Credentials::ApiKey(key) => format!("public_key='{}'", key.public_key()),
            Credentials::ServiceAccount(account) => format!("client_id='{}'", account.client_id()),
            Credentials::AccessToken(_) => "access_token=…".to_owned(),
        }
    }

    /// Where the credentials were found.
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

fn query(py: Python<'_>, pretty: Argument<bool>, envelope: Argument<bool>) -> PyResult<CommonQuery> {
    Ok(CommonQuery { pretty: pretty.named(py, "pretty")?, envelope: envelope.named(py, "envelope")? })
}

fn version(name: &str) -> Result<ApiVersion, Invalid> {
    let rule = || format!("must be \"v1.0\" or \"v2\", got {}", validate::quoted(name));
    ApiVersion::from_name(name).ok_or_else(|| Invalid::new("api_version", rule()))
}

fn seconds(field: &'static str, value: f64) -> Result<Duration, Invalid> {
    let rule = || format!("must be seconds, more than 0 and at most {LONGEST_SECONDS}, got {value:?}");
    if !(value > 0.0 && value <= LONGEST_SECONDS) {
        return Err(Invalid::new(field, rule()));
    }
    Duration::try_from_secs_f64(value).map_err(|_| Invalid::new(field, rule()))
}

fn retries(value: i64) -> Result<u32, Invalid> {
    let rule = || Invalid::new("max_retries", format!("must be from 0 to 100, got {value}"));
    u32::try_from(value).ok().filter(|n| *n <= 100).ok_or_else(rule)
}

fn connections(value: i64) -> Result<usize, Invalid> {
    let rule = || Invalid::new("max_connections", format!("must be from 1 to 1024, got {value}"));
    usize::try_from(value).ok().filter(|n| (1..=1024).contains(n)).ok_or_else(rule)
}
