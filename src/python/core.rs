//! The configured client: checks arguments, and makes calls.

use crate::api::request::CommonQuery;
use crate::api::{ApiVersion, Invalid, validate};
use crate::auth::Credentials;
use crate::auth::credentials::{self, Explicit, Process};
use crate::auth::service_account::Drive;
use crate::client::{Client, Error, Options, destination};
use crate::clock::Clock;
use crate::python::arguments::Argument;
use crate::python::call::{Call, closed, work};
#[cfg(feature = "emulator")]
use crate::python::emulator::Emulator;
use crate::python::fork;
use crate::python::operations::{self, Arguments, Refusal};
use crate::python::outcome;
use crate::python::per_process::PerProcess;
use crate::python::runtime;
use crate::python::tokens::tokens;
use crate::python::wait::Wait;
use crate::transport::{BaseUrl, Limits, Settings};
use crate::wait::Target;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Longer limits are a slip of the unit: times are seconds.
const LONGEST_CALL_SECONDS: f64 = 86_400.0;
/// Schedulers let a task wait for days.
const LONGEST_WAIT_SECONDS: f64 = 365.0 * 86_400.0;

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
    fn new(settings: Settings, credentials: Credentials, revokes_token: bool) -> Self {
        let (background, blocking) = (PerProcess::new(), PerProcess::new());
        Self { settings, credentials, revokes_token, closed: AtomicBool::new(false), background, blocking }
    }

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
                query: CommonQuery::default(),
                limits: Limits {
                    timeout: seconds("timeout", timeout, LONGEST_CALL_SECONDS)?,
                    max_retries: retries(max_retries)?,
                },
            };
            let connect_timeout = seconds("connect_timeout", connect_timeout, LONGEST_CALL_SECONDS)?;
            let max_connections = connections(max_connections)?;
            let given = |url: &str| {
                BaseUrl::parse(url, allow_insecure).map_err(|message| Error::Invalid(Invalid::new("base_url", message)))
            };
            let argument = base_url.as_deref().map(given).transpose()?;
            let explicit = Explicit { public_key, private_key, client_id, client_secret, access_token, profile };
            let identity = credentials::resolve(&explicit, &Process).map_err(Error::Configuration)?;
            let base_url = destination(argument, &identity, allow_insecure)?;
            let clock = Clock::default();
            let settings = Settings { base_url, connect_timeout, max_connections, ca_file, proxy, clock };
            settings.check().map_err(Error::Invalid)?;
            let connections = Connections::new(settings, identity.credentials, revokes_token);
            Ok(Self { connections: Arc::new(connections), options, source: identity.source })
        };
        make().map_err(|error: Error| outcome::exception(py, &error))
    }

    /// Where the certificates that are trusted come from.
    fn trusted_certificates(&self, py: Python<'_>) -> PyResult<String> {
        let trusted = py.detach(|| self.connections.settings.trusted_certificates());
        trusted.map_err(|why| outcome::exception(py, &Error::Configuration(why)))
    }

    /// The proxy that requests go through, without its password; `None` without one.
    fn proxy_in_force(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.connections.settings.proxy_in_force())
    }

    /// The same client with other options: connections and nonces are shared.
    #[pyo3(signature = (*, timeout, max_retries, api_version, pretty, envelope))]
    fn with_options(
        &self,
        py: Python<'_>,
        timeout: Argument<Option<f64>>,
        max_retries: Argument<Option<i64>>,
        api_version: Argument<Option<String>>,
        pretty: Argument<Option<bool>>,
        envelope: Argument<Option<bool>>,
    ) -> PyResult<Self> {
        let (pretty, envelope) = (pretty.named(py, "pretty")?, envelope.named(py, "envelope")?);
        let timeout = timeout.named(py, "timeout")?;
        let max_retries = max_retries.named(py, "max_retries")?;
        let api_version = api_version.named(py, "api_version")?;
        let make = || {
            let mut options = self.options;
            if let Some(timeout) = timeout {
                options.limits.timeout = seconds("timeout", timeout, LONGEST_CALL_SECONDS)?;
            }
            if let Some(max_retries) = max_retries {
                options.limits.max_retries = retries(max_retries)?;
            }
            if let Some(name) = &api_version {
                options.api_version = Some(version(name)?);
            }
            options.query.pretty = pretty.unwrap_or(options.query.pretty);
            options.query.envelope = envelope.unwrap_or(options.query.envelope);
            Ok(Self { connections: self.connections.clone(), options, source: self.source.clone() })
        };
        make().map_err(|invalid: Invalid| outcome::exception(py, &invalid.into()))
    }

    /// A call of the operation of that name.
    fn call(&self, operation: &str, arguments: &Bound<'_, PyDict>) -> PyResult<Call> {
        let limits = self.options.limits;
        let work = match operations::operation(&Arguments::new(operation, arguments, &self.options)) {
            Ok(operation) => Ok(work(move |client| async move { client.run(&operation, &limits).await })),
            Err(Refusal::Invalid(invalid)) => Err(invalid.into()),
            Err(Refusal::Python(error)) => return Err(error),
        };
        Ok(Call::new(self.connections.clone(), work))
    }

    /// A wait of that name, which reports each look if asked to.
    #[pyo3(signature = (operation, arguments, *, until, timeout, reports))]
    fn wait(
        &self,
        py: Python<'_>,
        operation: &str,
        arguments: &Bound<'_, PyDict>,
        until: Argument<String>,
        timeout: Argument<f64>,
        reports: bool,
    ) -> PyResult<Wait> {
        let (until, timeout) = (until.named(py, "until")?, timeout.named(py, "timeout")?);
        let watch = match operations::watch(&Arguments::new(operation, arguments, &self.options)) {
            Err(Refusal::Python(error)) => return Err(error),
            Err(Refusal::Invalid(invalid)) => Err(invalid),
            Ok(watch) => Ok(watch),
        };
        let checked = watch.and_then(|watch| {
            let rule =
                || format!("must be \"RESERVED\", \"AVAILABLE\" or \"DELETED\", got {}", validate::quoted(&until));
            let target = Target::from_name(&until).ok_or_else(|| Invalid::new("until", rule()))?;
            Ok((watch, target, seconds("timeout", timeout, LONGEST_WAIT_SECONDS)?))
        });
        Ok(Wait::new(self.connections.clone(), checked, self.options.limits, reports))
    }

    /// The same client with connections of its own, whose pauses drive an emulator's clock instead of taking time.
    #[cfg(feature = "emulator")]
    fn driving(&self, emulator: &Bound<'_, Emulator>) -> Self {
        let emulator = emulator.get().core().clone();
        let clock = Clock::driven(move |by| emulator.advance(by));
        let connections = &self.connections;
        let settings = Settings { clock, ..connections.settings.clone() };
        let connections = Connections::new(settings, connections.credentials.clone(), connections.revokes_token);
        Self { connections: Arc::new(connections), options: self.options, source: self.source.clone() }
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
        let revocation = || Ok(work(|client: Client| async move { client.revoke_token().await }));
        let call = || Call::new(self.connections.clone(), revocation());
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

fn version(name: &str) -> Result<ApiVersion, Invalid> {
    let rule = || format!("must be \"v1.0\" or \"v2\", got {}", validate::quoted(name));
    ApiVersion::from_name(name).ok_or_else(|| Invalid::new("api_version", rule()))
}

fn seconds(field: &'static str, value: f64, longest: f64) -> Result<Duration, Invalid> {
    let rule = || format!("must be seconds, more than 0 and at most {longest}, got {value:?}");
    if !(value > 0.0 && value <= longest) {
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
