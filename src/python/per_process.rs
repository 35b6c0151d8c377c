//! Values that belong to one process: a forked child makes its own.

use crate::python::fork::generation;
use once_cell::race::OnceBox;

/// A value per process. Never blocks, and so cannot be caught locked by a fork.
pub(super) struct PerProcess<T> {
    first: OnceBox<Generation<T>>,
}

struct Generation<T> {
    value: Owned<T>,
    /// What a child of this generation made.
    next: OnceBox<Generation<T>>,
}

/// Dropped only by the process that made it: its threads and locks exist nowhere else, and what it would close is
/// still the parent's.
pub(super) struct Owned<T> {
    generation: u64,
    value: Option<T>,
}

impl<T> Owned<T> {
    pub(super) fn new(value: T) -> Self {
        Self { generation: generation(), value: Some(value) }
    }

    /// `None` in a process that inherited it.
    pub(super) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.generation == generation())
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.generation != generation() {
            std::mem::forget(self.value.take());
        }
    }
}

impl<T> PerProcess<T> {
    pub(super) const fn new() -> Self {
        Self { first: OnceBox::new() }
    }

    /// This process's value, if it has one.
    pub(super) fn get(&self) -> Option<&T> {
        self.find().ok().and_then(|generation| generation.value.get())
    }

    /// This process's value, made now if it has none. Two threads may both make one; the later is dropped.
    pub(super) fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Option<&T>, E> {
        if let Err(slot) = self.find() {
            let value = Owned::new(make()?);
            // a lost race leaves the slot filled all the same
            let _ = slot.set(Box::new(Generation { value, next: OnceBox::new() }));
        }
        Ok(self.get())
    }

    /// This process's generation, or the empty slot where it belongs.
    fn find(&self) -> Result<&Generation<T>, &OnceBox<Generation<T>>> {
        let now = generation();
        let mut slot = &self.first;
        loop {
            match slot.get() {
                None => return Err(slot),
                Some(found) if found.value.generation == now => return Ok(found),
                Some(older) => slot = &older.next,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PerProcess;

    #[test]
    fn made_once_and_kept() {
        let slot: PerProcess<String> = PerProcess::new();
        assert!(slot.get().is_none());
        assert!(slot.get_or_try_init(|| Err::<String, _>("no")).is_err());
        let made = slot.get_or_try_init(|| Ok::<_, ()>("one".to_owned())).unwrap().unwrap();
        let again = slot.get_or_try_init(|| Ok::<_, ()>("two".to_owned())).unwrap().unwrap();
        assert!(std::ptr::eq(made, again) && made == "one");
    }
}
