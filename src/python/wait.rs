//! One wait: looks until its target is reached, step by step.

use crate::api::Invalid;
use crate::api::operation::Watch;
use crate::client::{Error, Progress, Waiting};
use crate::python::call::{Call, work};
use crate::python::core::Connections;
use crate::transport::Limits;
use crate::wait::Target;
use pyo3::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

type Checked = Result<(Watch, Target, Duration), Invalid>;

/// A wait that was checked and not begun yet.
#[pyclass(frozen, module = "atlas_privatelink._core")]
pub(super) struct Wait {
    connections: Arc<Connections>,
    checked: Checked,
    limits: Limits,
    reports: bool,
    /// Made with the first step, which knows its client.
    waiting: Arc<Mutex<Option<Waiting>>>,
}

impl Wait {
    pub(super) fn new(connections: Arc<Connections>, checked: Checked, limits: Limits, reports: bool) -> Self {
        Self { connections, checked, limits, reports, waiting: Arc::default() }
    }
}

#[pymethods]
impl Wait {
    /// A call that ends with the next look, where each is reported, or else when the target is reached.
    fn step(&self) -> Call {
        let (waiting, limits, reports) = (self.waiting.clone(), self.limits, self.reports);
        let work = self.checked.clone().map_err(Error::from).map(|(watch, target, timeout)| {
            work(move |client| async move {
                let mut waiting = waiting.lock().await;
                let waiting = waiting.get_or_insert_with(|| client.wait(watch, target, timeout, limits));
                if reports {
                    return waiting.look().await;
                }
                waiting.finish().await.map(|reply| Progress::Reached(Box::new(reply)))
            })
        });
        Call::new(self.connections.clone(), work).long()
    }
}
