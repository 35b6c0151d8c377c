//! The cloud providers.

use crate::api::{Invalid, validate};
use std::borrow::Cow;
use std::fmt;

/// A cloud provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloudProvider {
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    Gcp,
}

impl CloudProvider {
    /// Atlas's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Azure => "AZURE",
            Self::Gcp => "GCP",
        }
    }

    /// Reads Atlas's word, where only `allowed` ones are.
    ///
    /// # Errors
    /// Another word.
    pub fn from_name(field: &'static str, name: &str, allowed: &[Self]) -> Result<Self, Invalid> {
        allowed.iter().copied().find(|provider| provider.name() == name).ok_or_else(|| {
            let names: Vec<_> = allowed.iter().map(|provider| format!("{:?}", provider.name())).collect();
            Invalid::new(field, format!("must be {}, got {}", names.join(" or "), validate::quoted(name)))
        })
    }
}

impl CloudProvider {
    /// The cloud that a private endpoint's id is of: `vpce-…` is AWS's, `/subscriptions/…` Azure's.
    pub fn of_endpoint(id: &str) -> Option<Self> {
        if id.starts_with("vpce-") {
            Some(Self::Aws)
        } else if id.starts_with('/') {
            Some(Self::Azure)
        } else {
            None
        }
    }

    /// The cloud that was named, if the `implied` one is no other.
    ///
    /// # Errors
    /// It is another.
    pub fn agreeing(field: &'static str, named: Option<Self>, implied: Self) -> Result<Self, Invalid> {
        match named {
            Some(named) if named != implied => {
                let rule = format!("must be {:?} for this id, got {:?}", implied.name(), named.name());
                Err(Invalid::new(field, rule))
            }
            _ => Ok(implied),
        }
    }

    /// Refuses what was given and only another cloud has.
    ///
    /// # Errors
    /// It was given.
    pub fn alone_has(self, field: &'static str, given: bool, provider: Self) -> Result<(), Invalid> {
        if given && provider != self {
            return Err(Invalid::new(field, format!("must be left out: only {self} has it")));
        }
        Ok(())
    }
}

impl fmt::Display for CloudProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An id as it can be compared: the clouds' ids are compared as they are, but Azure's resource ids in any case.
pub fn comparable_id(id: &str) -> Cow<'_, str> {
    const PREFIX: &str = "/subscriptions/";
    match id.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => Cow::Owned(id.to_ascii_lowercase()),
        _ => Cow::Borrowed(id),
    }
}

#[cfg(test)]
mod tests {
    use super::comparable_id;

    #[test]
    fn only_azure_s_ids_are_the_same_in_any_case() {
        let id = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/privateEndpoints/P";
        assert_eq!(comparable_id(id), comparable_id(&id.to_uppercase()));
        assert_ne!(comparable_id("vpce-0A"), comparable_id("vpce-0a"));
        assert_ne!(comparable_id("/Comment"), comparable_id("/comment"));
    }
}
