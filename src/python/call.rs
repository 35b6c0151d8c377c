//! One call: awaited, or run to its end in this thread.

use crate::client::{Client, Error};
use crate::python::bridge::{self, Bridge};
use crate::python::core::Connections;
use crate::python::errors;
use crate::python::mailbox::Outcome;
use crate::python::runtime;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a blocking call looks for signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// The work of a call, once it knows its client.
type Work = Box<dyn FnOnce(Client) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send>;

enum State {
    Ready(Work),
    Awaited { bridge: Py<Bridge>, key: u64 },
    Over,
}

/// A call that was checked and not sent yet: `await` it, or `run` it.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Call {
    connections: Arc<Connections>,
    state: Mutex<State>,
}

impl Call {
    pub(super) fn new(connections: Arc<Connections>, work: Work) -> Self {
        Self { connections, state: Mutex::new(State::Ready(work)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_work(&self) -> PyResult<Work> {
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
    /// Sends the request from the background thread; the running loop's future of its outcome.
    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let event_loop = bridge::running_loop(py)?;
        let bridge = bridge::of_loop(py, &event_loop)?;
        let background = runtime::background()?;
        let client = {
            // reqwest asks for the runtime that it will be used on
            let _inside = background.enter();
            self.connections.background().map_err(|error| errors::to_python(py, error))?
        };
        let work = self.take_work()?;
        let future = event_loop.call_method0(intern!(py, "create_future"))?;
        let (promise, key) = bridge.get().expect();
        // entered before it is spawned: the loop's thread, this one, is the only that takes it out
        let request = background.spawn(async move { promise.keep(work(client).await) });
        bridge.get().wait(key, future.clone().unbind(), request.abort_handle());
        *self.state() = State::Awaited { bridge: bridge.unbind(), key };
        future.call_method0(intern!(py, "__await__"))
    }

    /// Runs the call in this thread, detached from the interpreter, and looks for signals all the while.
    fn run<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (runtime, client) = self.connections.blocking().map_err(|error| errors::to_python(py, error))?;
        let work = self.take_work()?;
        let mut outcome = py.detach(|| {
            Box::pin(async move {
                // nobody drove the connections since the last call: let them notice what their servers closed
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                work(client).await
            })
        });
        loop {
            let tick =
                py.detach(|| runtime.block_on(async { tokio::time::timeout(SIGNAL_INTERVAL, outcome.as_mut()).await }));
            match tick {
                Ok(Ok(value)) => return value.into_model(py),
                Ok(Err(error)) => return Err(errors::to_python(py, error)),
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
