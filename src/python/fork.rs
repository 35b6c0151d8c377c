//! `fork(2)`: a child must not touch what belongs to its parent's threads.

use std::sync::atomic::{AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Counts the forks between the process that loaded this module and this one.
pub(super) fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// Has every child counted, whoever forks: `os.fork`, multiprocessing, a pre-forking server, C code.
#[cfg(unix)]
#[allow(unsafe_code, reason = "the one exception: no safe wrapper of pthread_atfork exists")]
pub(super) fn watch() -> std::io::Result<()> {
    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::AcqRel);
    }
    static REGISTERED: std::sync::OnceLock<i32> = std::sync::OnceLock::new();
    // SAFETY: the handler is async-signal-safe (one atomic addition), lives as long as the process since Python never
    // unloads extension modules, and is registered once.
    match REGISTERED.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(in_child)) }) {
        0 => Ok(()),
        code => Err(std::io::Error::from_raw_os_error(*code)),
    }
}

/// There is no fork here.
#[cfg(not(unix))]
pub(super) fn watch() -> std::io::Result<()> {
    Ok(())
}
