//! The extension module `atlas_privatelink._core`. Nothing else knows pyo3.
//!
//! No thread of ours ever touches Python: results wait in a [`mailbox`] until the event loop's own thread takes them
//! out and turns them into Python objects (see `docs/decisions/bridge.md`).

use pyo3::prelude::*;

mod arguments;
mod batch;
mod bridge;
mod call;
mod core;
#[cfg(feature = "emulator")]
mod emulator;
mod fork;
mod json;
mod mailbox;
mod operations;
mod outcome;
mod per_process;
mod pump;
mod regions;
mod runtime;
mod tokens;
mod wait;

#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::batch::Batch;
    #[pymodule_export]
    use super::bridge::Bridge;
    #[pymodule_export]
    use super::call::Call;
    #[pymodule_export]
    use super::core::Core;
    #[cfg(feature = "emulator")]
    #[pymodule_export]
    use super::emulator::Emulator;
    #[pymodule_export]
    use super::outcome::Exchange;
    #[pymodule_export]
    use super::pump::{next_bridge, stop_pump};
    #[pymodule_export]
    use super::regions::{atlas_region, cloud_region};
    #[pymodule_export]
    use super::wait::Wait;
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
