//! Where finished requests wait for their event loop.

use crate::client;
use crate::python::outcome::IntoOutcome;
use crate::python::pump;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a request ended with: plain Rust values, made into Python objects by whoever takes them out.
pub(super) type Outcome = Result<Box<dyn IntoOutcome>, client::Error>;

/// How the event loop's thread learns that there is something to take out.
enum Wake {
    /// The loop watches a descriptor (`loop.add_reader`: every loop on Unix, uvloop too).
    #[cfg(unix)]
    Descriptor(descriptor::Descriptor),
    /// The loop cannot watch one (Windows' proactor): a thread of Python's own calls `call_soon_threadsafe`.
    Pump(pump::Id),
}

/// One event loop's finished requests.
pub(super) struct Mailbox {
    finished: Mutex<Vec<(u64, Outcome)>>,
    /// The loop has been woken and has not looked yet.
    woken: AtomicBool,
    wake: Wake,
}

impl Mailbox {
    #[cfg(unix)]
    pub(super) fn watched() -> io::Result<Self> {
        Ok(Self::new(Wake::Descriptor(descriptor::Descriptor::new()?)))
    }

    pub(super) fn pumped(id: pump::Id) -> Self {
        Self::new(Wake::Pump(id))
    }

    fn new(wake: Wake) -> Self {
        Self { finished: Mutex::default(), woken: AtomicBool::new(false), wake }
    }

    /// The descriptor that the loop is to watch.
    pub(super) fn descriptor(&self) -> Option<i32> {
        match &self.wake {
            #[cfg(unix)]
            Wake::Descriptor(descriptor) => Some(descriptor.number()),
            Wake::Pump(_) => None,
        }
    }

    fn finished(&self) -> MutexGuard<'_, Vec<(u64, Outcome)>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the background thread: touches no Python object.
    pub(super) fn post(&self, key: u64, outcome: Outcome) {
        self.finished().push((key, outcome));
        if !self.woken.swap(true, Ordering::AcqRel) {
            match &self.wake {
                #[cfg(unix)]
                Wake::Descriptor(descriptor) => descriptor.signal(),
                Wake::Pump(id) => pump::signal(*id),
            }
        }
    }

    /// Called by the loop's thread.
    pub(super) fn take(&self) -> Vec<(u64, Outcome)> {
        #[cfg(unix)]
        if let Wake::Descriptor(descriptor) = &self.wake {
            descriptor.clear();
        }
        // before looking, so that what is posted from here on wakes the loop again
        self.woken.store(false, Ordering::Release);
        std::mem::take(&mut *self.finished())
    }
}

#[cfg(unix)]
mod descriptor {
    //! An eventfd, or a pipe where there is none.

    use rustix::fd::{AsRawFd, OwnedFd};
    use std::io;

    pub(super) struct Descriptor {
        read: OwnedFd,
        /// The same as `read` for an eventfd.
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        write: OwnedFd,
    }

    impl Descriptor {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        pub(super) fn new() -> io::Result<Self> {
            use rustix::event::{EventfdFlags, eventfd};
            Ok(Self { read: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)? })
        }

        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        pub(super) fn new() -> io::Result<Self> {
            use rustix::fs::{OFlags, fcntl_setfl};
            use rustix::io::{FdFlags, fcntl_setfd};
            let (read, write) = rustix::pipe::pipe()?;
            for end in [&read, &write] {
                fcntl_setfl(end, OFlags::NONBLOCK)?;
                fcntl_setfd(end, FdFlags::CLOEXEC)?;
            }
            Ok(Self { read, write })
        }

        pub(super) fn number(&self) -> i32 {
            self.read.as_raw_fd()
        }

        pub(super) fn signal(&self) {
            #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
            let write = &self.read;
            #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
            let write = &self.write;
            // full means that the loop has been woken already
            let _ = rustix::io::write(write, &1u64.to_ne_bytes());
        }

        pub(super) fn clear(&self) {
            let _ = rustix::io::read(&self.read, &mut [0u8; 8]);
        }
    }
}
