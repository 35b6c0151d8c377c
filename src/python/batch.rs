//! Many calls at a time for a blocking caller: they run on the background thread, and their outcomes are taken out as
//! they come.

use crate::client::Error;
use crate::python::call::{Call, SIGNAL_INTERVAL};
use crate::python::mailbox::Outcome;
use crate::python::{outcome, runtime};
use pyo3::prelude::*;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// Calls in flight, by a number.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Batch {
    finished: Mutex<Receiver<(u64, Outcome)>>,
    finish: Mutex<Sender<(u64, Outcome)>>,
    running: Mutex<HashMap<u64, AbortHandle>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl Batch {
    #[new]
    fn new() -> Self {
        let (finish, finished) = channel();
        Self { finished: Mutex::new(finished), finish: Mutex::new(finish), running: Mutex::default() }
    }

    /// Sends a call from the background thread; its outcome will bear the number.
    fn start(&self, number: u64, call: &Bound<'_, Call>) -> PyResult<()> {
        let call = call.get();
        let ready = call
            .take_work()?
            .and_then(|work| Ok::<_, Error>((work, runtime::background()?, call.connections().background()?)));
        let finish = locked(&self.finish).clone();
        match ready {
            Err(error) => {
                // the receiver lives as long as this
                let _ = finish.send((number, Err(error)));
            }
            Ok((work, background, client)) => {
                let request = background.spawn(work(client));
                locked(&self.running).insert(number, request.abort_handle());
                background.spawn(async move {
                    let outcome = request.await.unwrap_or_else(|_| Err(outcome::died()));
                    // nobody takes outcomes out any more once this is gone
                    let _ = finish.send((number, outcome));
                });
            }
        }
        Ok(())
    }

    /// Waits for the next outcome, detached from the interpreter, and looks for signals all the while: its number, and
    /// what `open_outcome` opens.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<(u64, Bound<'py, PyAny>)> {
        loop {
            match py.detach(|| locked(&self.finished).recv_timeout(SIGNAL_INTERVAL)) {
                Ok((number, finished)) => {
                    locked(&self.running).remove(&number);
                    return Ok((number, outcome::to_python(py, finished)?));
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => py.check_signals()?,
            }
        }
    }

    /// Drops the requests that are still in flight.
    fn cancel(&self) {
        for (_, request) in locked(&self.running).drain() {
            request.abort();
        }
    }
}
