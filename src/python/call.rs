//! One call: awaited, or run to its end in this thread.

use crate::client::{Client, Error};
use crate::python::bridge::Bridge;
use crate::python::core::Connections;
use crate::python::mailbox::Outcome;
use crate::python::outcome::{self, IntoOutcome};
use crate::python::runtime;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a blocking call looks for signals.
pub(super) const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// The work of a call, once it knows its client.
pub(super) type Work = Box<dyn FnOnce(Client) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send>;

/// The work of doing `act`.
pub(super) fn work<T, F>(act: impl FnOnce(Client) -> F + Send + 'static) -> Work
where
    T: IntoOutcome + 'static,
    F: Future<Output = Result<T, Error>> + Send,
{
    Box::new(move |client| {
        Box::pin(async move {
            let value: Box<dyn IntoOutcome> = Box::new(act(client).await?);
            Ok(value)
        })
    })
}

enum State {
    /// An `Err` was known before anything was sent.
    Ready(Result<Work, Error>),
    Awaited {
        bridge: Py<Bridge>,
        key: u64,
    },
    Over,
}

/// A call that was checked and not sent yet: `await` it, or `run` it.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Call {
    /// Whether it may take minutes.
    #[pyo3(get)]
    is_long: bool,
    connections: Arc<Connections>,
    state: Mutex<State>,
}

impl Call {
    pub(super) fn new(connections: Arc<Connections>, work: Result<Work, Error>) -> Self {
        Self { is_long: false, connections, state: Mutex::new(State::Ready(work)) }
    }

    pub(super) fn long(self) -> Self {
        Self { is_long: true, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }

    pub(super) fn take_work(&self) -> PyResult<Result<Work, Error>> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Over) {
            State::Ready(work) => Ok(work),
            other => {
                *state = other;
                Err(PyRuntimeError::new_err("a call can be awaited or run only once"))
            }
        }
    }
}

#[pymethods]
impl Call {
    fn __await__<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static AWAIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        // a generator function: calling it runs none of its code yet
        AWAIT.import(slf.py(), "atlas_privatelink._bridge", "await_call")?.call1((slf,))
    }

    /// Sends the request from the background thread. `bridge` will hand out `future` with its outcome.
    fn start(&self, bridge: &Bound<'_, Bridge>, future: Py<PyAny>) -> PyResult<()> {
        let work = self.take_work()?;
        let Some((promise, key)) = bridge.get().expect() else {
            return Err(PyRuntimeError::new_err("this event loop belongs to the process that forked this one"));
        };
        let request = match work.and_then(|work| Ok((work, runtime::background()?, self.connections.background()?))) {
            Ok((work, background, client)) => {
                let request = background.spawn(async move { promise.keep(work(client).await) });
                Some(request.abort_handle())
            }
            Err(error) => {
                promise.keep(Err(error));
                None
            }
        };
        // after it was sent, yet in time: only this thread takes outcomes out
        bridge.get().wait(key, future, request);
        *self.state() = State::Awaited { bridge: bridge.clone().unbind(), key };
        Ok(())
    }

    /// Raises what is known to be wrong before anything is sent.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        match &*self.state() {
            State::Ready(Err(error)) => Err(outcome::exception(py, error)),
            _ => Ok(()),
        }
    }

    /// Runs the call in this thread, detached from the interpreter, and looks for signals all the while. Its outcome is
    /// for `open_outcome`.
    fn run<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let ready = self.take_work()?.and_then(|work| Ok((work, self.connections.blocking()?)));
        let (work, (runtime, client)) = match ready {
            Ok(ready) => ready,
            Err(error) => return outcome::to_python(py, Err(error)),
        };
        let mut running = Box::pin(async move {
            // nobody drove the connections since the last call: let them notice what their servers closed
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            work(client).await
        });
        loop {
            let tick = async { tokio::time::timeout(SIGNAL_INTERVAL, running.as_mut()).await };
            match py.detach(|| runtime.block_on(tick)) {
                Ok(finished) => return outcome::to_python(py, finished),
                Err(_) => py.check_signals()?,
            }
        }
    }

    /// Drops the request if it is still in flight. Does no harm otherwise.
    fn cancel(&self, py: Python<'_>) {
        let state = std::mem::replace(&mut *self.state(), State::Over);
        if let State::Awaited { bridge, key } = state {
            bridge.bind(py).get().abort(key);
        }
    }
}

/// What a closed client answers.
pub(super) fn closed() -> Error {
    Error::Configuration("the client is closed".to_owned())
}
