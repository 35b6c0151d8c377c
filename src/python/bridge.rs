//! One event loop's side of the bridge: the futures that wait, and what the loop calls when something has finished.

use crate::python::errors;
use crate::python::fork::generation;
use crate::python::mailbox::{Mailbox, Outcome};
use crate::python::pump;
use pyo3::exceptions::PyNotImplementedError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// What the loop calls. It holds no reference to the loop.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Bridge {
    mailbox: Arc<Mailbox>,
    waiting: Mutex<HashMap<u64, (Py<PyAny>, AbortHandle)>>,
}

impl Bridge {
    fn new(mailbox: Mailbox) -> Self {
        Self { mailbox: Arc::new(mailbox), waiting: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, (Py<PyAny>, AbortHandle)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one request's outcome, and its key.
    pub(super) fn expect(&self) -> (Promise, u64) {
        static NEXT_KEY: AtomicU64 = AtomicU64::new(0);
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        (Promise { mailbox: self.mailbox.clone(), key, kept: false }, key)
    }

    /// Has `future` wait for the request of this key.
    pub(super) fn wait(&self, key: u64, future: Py<PyAny>, request: AbortHandle) {
        self.waiting().insert(key, (future, request));
    }

    /// Nobody waits any more: drops the request, which closes its connection.
    pub(super) fn abort(&self, key: u64) {
        let gone = self.waiting().remove(&key);
        if let Some((_future, request)) = gone {
            request.abort();
        }
    }
}

#[pymethods]
impl Bridge {
    fn __call__(&self, py: Python<'_>) {
        for (key, outcome) in self.mailbox.take() {
            // the lock must not be held while Python runs
            let waiting = self.waiting().remove(&key);
            let Some((future, _)) = waiting else { continue };
            let result = match outcome {
                Ok(value) => value.into_model(py),
                Err(error) => Err(errors::to_python(py, error)),
            };
            let told = match result {
                Ok(value) => future.call_method1(py, intern!(py, "set_result"), (value,)),
                Err(error) => future.call_method1(py, intern!(py, "set_exception"), (error.into_value(py),)),
            };
            // fails only where the future was cancelled a moment ago, and nobody waits
            drop(told);
        }
    }
}

/// Posts exactly one outcome, even where the request's task dies.
pub(super) struct Promise {
    mailbox: Arc<Mailbox>,
    key: u64,
    kept: bool,
}

impl Promise {
    pub(super) fn keep(mut self, outcome: Outcome) {
        self.kept = true;
        self.mailbox.post(self.key, outcome);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept {
            self.mailbox.post(self.key, Err(errors::died()));
        }
    }
}

struct Known {
    generation: u64,
    event_loop: Py<PyWeakrefReference>,
    bridge: Py<Bridge>,
}

thread_local! {
    /// The loops that this thread has run: nearly always one.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    GET.import(py, "asyncio", "get_running_loop")?.call0()
}

/// The bridge of a loop that runs in this thread.
pub(super) fn of_loop<'py>(py: Python<'py>, event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Bridge>> {
    let now = generation();
    let known = KNOWN.with_borrow(|known| {
        let mine =
            |k: &&Known| k.generation == now && k.event_loop.bind(py).upgrade().is_some_and(|l| l.is(event_loop));
        known.iter().find(mine).map(|k| k.bridge.clone_ref(py))
    });
    if let Some(bridge) = known {
        return Ok(bridge.into_bound(py));
    }
    let bridge = attach(py, event_loop)?;
    let event_loop = PyWeakrefReference::new(event_loop)?.unbind();
    let entry = Known { generation: now, event_loop, bridge: bridge.clone().unbind() };
    let gone = KNOWN.with_borrow_mut(|known| {
        let is_of_use = |k: &mut Known| k.generation == now && is_open(py, k);
        let gone: Vec<Known> = known.extract_if(.., |k| !is_of_use(k)).collect();
        known.push(entry);
        gone
    });
    // outside of the borrow, since dropping a bridge may run Python code
    for known in gone {
        if known.generation != now {
            // the parent's: its descriptors and tasks are not this process's to touch
            std::mem::forget(known);
        }
    }
    Ok(bridge)
}

fn is_open(py: Python<'_>, known: &Known) -> bool {
    known.event_loop.bind(py).upgrade().is_some_and(|event_loop| {
        let closed = event_loop.call_method0(intern!(py, "is_closed")).and_then(|closed| closed.is_truthy());
        matches!(closed, Ok(false))
    })
}

#[cfg(unix)]
fn attach<'py>(py: Python<'py>, event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Bridge>> {
    let bridge = Bound::new(py, Bridge::new(Mailbox::watched()?))?;
    let descriptor = bridge.get().mailbox.descriptor();
    match event_loop.call_method1(intern!(py, "add_reader"), (descriptor, &bridge)) {
        Ok(_) => Ok(bridge),
        Err(error) if error.is_instance_of::<PyNotImplementedError>(py) => attach_pump(py, event_loop),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn attach<'py>(py: Python<'py>, event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Bridge>> {
    attach_pump(py, event_loop)
}

fn attach_pump<'py>(py: Python<'py>, event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Bridge>> {
    let id = pump::new_id();
    let bridge = Bound::new(py, Bridge::new(Mailbox::pumped(id)))?;
    py.import("atlas_privatelink._pump")?.call_method1("register", (id, event_loop, &bridge))?;
    Ok(bridge)
}
