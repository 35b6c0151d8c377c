//! One event loop's side of the bridge: the futures that wait, and what has finished for them.
//!
//! Nothing here runs Python code. When an interpreter ends, it ends its daemon threads wherever they run Python code,
//! by an unwinding that no Rust frame may be in the way of. So futures are made and completed by Python
//! (`atlas_privatelink/_bridge.py`), and only plain values are handed across.

use crate::python::mailbox::{Mailbox, Outcome};
use crate::python::outcome;
use crate::python::per_process::Owned;
use crate::python::pump;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// What one event loop waits for. It holds no reference to the loop.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Bridge(Owned<Inner>);

struct Inner {
    mailbox: Arc<Mailbox>,
    waiting: Mutex<HashMap<u64, Waiting>>,
}

struct Waiting {
    future: Py<PyAny>,
    /// None where the outcome was known at once.
    request: Option<AbortHandle>,
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bridge {
    fn new(mailbox: Mailbox) -> Self {
        Self(Owned::new(Inner { mailbox: Arc::new(mailbox), waiting: Mutex::default() }))
    }

    /// A place for one request's outcome, and its key. A key is never used again, as an address would be.
    pub(super) fn expect(&self) -> Option<(Promise, u64)> {
        static NEXT_KEY: AtomicU64 = AtomicU64::new(0);
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        let mailbox = self.0.get()?.mailbox.clone();
        Some((Promise { mailbox, key, kept: false }, key))
    }

    /// Has `future` wait for the request of this key.
    pub(super) fn wait(&self, key: u64, future: Py<PyAny>, request: Option<AbortHandle>) {
        if let Some(inner) = self.0.get() {
            inner.waiting().insert(key, Waiting { future, request });
        }
    }

    /// Nobody waits any more: drops the request, which closes its connection.
    pub(super) fn abort(&self, key: u64) {
        // the lock must not be held while the future goes
        let gone = self.0.get().and_then(|inner| inner.waiting().remove(&key));
        if let Some(Waiting { request: Some(request), .. }) = gone {
            request.abort();
        }
    }
}

#[pymethods]
impl Bridge {
    /// For a loop that can watch descriptors; `None` where this system has none.
    #[staticmethod]
    fn watched() -> PyResult<Option<Self>> {
        #[cfg(unix)]
        return Ok(Some(Self::new(Mailbox::watched()?)));
        #[cfg(not(unix))]
        return Ok(None);
    }

    /// For a loop that cannot: the pump's thread wakes it, by this bridge's id.
    #[staticmethod]
    fn pumped() -> (Self, u64) {
        let id = pump::new_id();
        (Self::new(Mailbox::pumped(id)), id)
    }

    /// The descriptor to watch.
    fn fileno(&self) -> PyResult<i32> {
        let descriptor = self.0.get().and_then(|inner| inner.mailbox.descriptor());
        descriptor.ok_or_else(|| PyOSError::new_err("this bridge has no descriptor"))
    }

    /// Whether it belongs to the process that forked this one.
    fn is_inherited(&self) -> bool {
        self.0.get().is_none()
    }

    /// What has finished: pairs of a future and its outcome, for `open_outcome`.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Py<PyAny>, Bound<'py, PyAny>)>> {
        let mut finished = Vec::new();
        let Some(inner) = self.0.get() else { return Ok(finished) };
        for (key, outcome) in inner.mailbox.take() {
            let waiting = inner.waiting().remove(&key);
            if let Some(waiting) = waiting {
                finished.push((waiting.future, outcome::to_python(py, outcome)?));
            }
        }
        Ok(finished)
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
            self.mailbox.post(self.key, Err(outcome::died()));
        }
    }
}
