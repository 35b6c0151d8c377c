//! Reading options that came as JSON: each refusal names the option, its rule, and what was given.

use crate::api::Invalid;
use serde_json::{Map, Value};
use std::time::Duration;

/// Options not read yet, and the names that were asked for.
pub(crate) struct Fields {
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    pub(crate) fn new(options: Map<String, Value>) -> Self {
        Self { left: options, known: Vec::new() }
    }

    /// `null` is an absent option, as `None` is in Python.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.left.remove(name).filter(|value| !value.is_null())
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        rule: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match read(&value) {
                Some(read) => Ok(Some(read)),
                None => Err(Invalid::new(name, format!("must be {rule}, got {value}"))),
            },
        }
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, Invalid> {
        self.read(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Invalid> {
        self.read(name, "True or False", Value::as_bool)
    }

    pub(crate) fn integer(&mut self, name: &'static str, min: u32, max: u32) -> Result<Option<u32>, Invalid> {
        self.read(name, &format!("an integer from {min} to {max}"), |value| {
            value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (min..=max).contains(n))
        })
    }

    pub(crate) fn number(&mut self, name: &'static str, min: f64, max: f64) -> Result<Option<f64>, Invalid> {
        self.read(name, &format!("a number from {min} to {max}"), |value| {
            value.as_f64().filter(|n| (min..=max).contains(n))
        })
    }

    /// A time, at most a hundred years: sums of such times stay far from any overflow.
    pub(crate) fn seconds(&mut self, name: &'static str) -> Result<Option<Duration>, Invalid> {
        Ok(self.number(name, 0.0, 3_155_760_000.0)?.map(Duration::from_secs_f64))
    }

    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, Invalid> {
        self.read(name, "a list of strings", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&'static str, T)],
    ) -> Result<Option<T>, Invalid> {
        let rule = format!("one of {}", list(choices.iter().map(|(word, _)| *word)));
        self.read(name, &rule, |value| {
            let given = value.as_str()?;
            choices.iter().find(|(word, _)| *word == given).map(|(_, choice)| *choice)
        })
    }

    /// Refuses what nobody asked for.
    pub(crate) fn finish(self, what: &'static str) -> Result<(), Invalid> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) if self.known.is_empty() => Err(Invalid::new(what, format!("takes no {name:?}; it has none"))),
            Some(name) => Err(Invalid::new(what, format!("takes no {name:?}; there are {}", list(self.known)))),
        }
    }
}

pub(crate) fn list(words: impl IntoIterator<Item = &'static str>) -> String {
    words.into_iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}
