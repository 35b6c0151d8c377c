//! Waking event loops that cannot watch a descriptor. The thread that does it is one of Python's own
//! (`atlas_privatelink/_pump.py`), so that the interpreter knows it and may end it inside any call.

use crate::python::per_process::PerProcess;
use pyo3::prelude::*;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Names a bridge to the pump's thread.
pub(super) type Id = u64;

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: Vec<Id>,
    stopped: bool,
}

static QUEUE: PerProcess<Queue> = PerProcess::new();
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

pub(super) fn new_id() -> Id {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

fn queue() -> Option<&'static Queue> {
    QUEUE.get_or_try_init(|| Ok::<_, Infallible>(Queue::default())).unwrap_or_else(|never| match never {})
}

fn change(edit: impl FnOnce(&mut State)) {
    if let Some(queue) = queue() {
        edit(&mut queue.state.lock().unwrap_or_else(PoisonError::into_inner));
        queue.changed.notify_all();
    }
}

/// Called by the background thread.
pub(super) fn signal(id: Id) {
    change(|state| state.ready.push(id));
}

/// Waits for a bridge with finished requests; `None` once the pump is stopped.
#[pyfunction]
pub(super) fn next_bridge(py: Python<'_>) -> Option<Id> {
    py.detach(|| {
        let queue = queue()?;
        let mut state = queue.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped {
                return None;
            }
            if let Some(id) = state.ready.pop() {
                return Some(id);
            }
            state = queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    })
}

/// Ends the pump's thread, so that it can be joined.
#[pyfunction]
pub(super) fn stop_pump() {
    change(|state| state.stopped = true);
}
