//! tokio for Python: one background thread per process for coroutines, the calling thread itself for blocking calls.

use crate::client::Error;
use crate::python::per_process::PerProcess;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime that runs on whichever thread drives it.
pub(super) fn current_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}

/// The runtime of the process's one background thread.
struct Background {
    handle: Handle,
    not_started: Mutex<Option<Runtime>>,
    started: OnceLock<io::Result<()>>,
}

static BACKGROUND: PerProcess<Background> = PerProcess::new();

impl Background {
    fn new() -> io::Result<Self> {
        let runtime = current_thread()?;
        Ok(Self { handle: runtime.handle().clone(), not_started: Mutex::new(Some(runtime)), started: OnceLock::new() })
    }

    /// Apart from `new`, since of two that are made in a race only one may get a thread.
    fn start(&self) -> &io::Result<()> {
        self.started.get_or_init(|| {
            let runtime = self.not_started.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(runtime) = runtime else { return Ok(()) };
            let drive = move || runtime.block_on(std::future::pending::<()>());
            std::thread::Builder::new().name("atlas-privatelink".to_owned()).spawn(drive).map(drop)
        })
    }
}

/// Where coroutines' requests run; the thread is started by the first of them.
pub(super) fn background() -> Result<&'static Handle, Error> {
    let failed = |error: &io::Error| Error::Configuration(format!("the background thread cannot be started: {error}"));
    let background = BACKGROUND.get_or_try_init(Background::new).map_err(|error| failed(&error))?;
    let background = background.ok_or_else(|| failed(&io::ErrorKind::Interrupted.into()))?;
    background.start().as_ref().map(|()| &background.handle).map_err(failed)
}
