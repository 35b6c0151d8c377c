//! API keys, and the places where users already keep them.

use crate::auth::profile::{self, Profile};
use std::fmt;

/// A programmatic API key. Its `Debug` never shows the private half.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    public_key: String,
    private_key: String,
}

impl ApiKey {
    /// Checks that both halves can travel in a header.
    ///
    /// # Errors
    /// A sentence that names the half, and never holds the private one.
    pub fn new(public_key: &str, private_key: &str) -> Result<Self, String> {
        let sound = |name: &str, key: &str, colon_allowed: bool| {
            if key.is_empty() {
                return Err(format!("{name} must not be empty"));
            }
            if key.trim() != key {
                return Err(format!("{name} must not have white space around it"));
            }
            if !key.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(format!("{name} must be printable ASCII without spaces"));
            }
            if !colon_allowed && key.contains([':', '"', '\\']) {
                return Err(format!("{name} must not contain a colon, a quote or a backslash"));
            }
            Ok(key.to_owned())
        };
        Ok(Self {
            public_key: sound("public_key", public_key, false)?,
            private_key: sound("private_key", private_key, true)?,
        })
    }

    /// The user name of HTTP Digest.
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    pub(crate) fn private_key(&self) -> &str {
        &self.private_key
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

/// What the caller said; the rest is looked up.
#[derive(Default, Clone)]
pub struct Explicit {
    /// `public_key=`
    pub public_key: Option<String>,
    /// `private_key=`
    pub private_key: Option<String>,
    /// `profile=`: a table of the Atlas CLI's configuration file.
    pub profile: Option<String>,
}

/// Who calls, and whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The key.
    pub key: ApiKey,
    /// The base URL from the environment or the profile, if they name one.
    pub base_url: Option<Found>,
    /// Where the key was found, for people: "the arguments", "the environment", "profile 'x' of …".
    pub source: String,
}

/// A value, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The URL.
    pub url: String,
    /// For people: a variable's name, "base_url of profile 'x' of …".
    pub source: String,
}

/// Variable names in the order in which they are tried; the last prefix is the Atlas CLI's old one.
const PREFIXES: [&str; 2] = ["MONGODB_ATLAS_", "MCLI_"];
const PUBLIC_KEY: [&str; 2] = ["PUBLIC_API_KEY", "PUBLIC_KEY"];
const PRIVATE_KEY: [&str; 2] = ["PRIVATE_API_KEY", "PRIVATE_KEY"];
const BASE_URL: [&str; 2] = ["BASE_URL", "OPS_MANAGER_URL"];
const SERVICE_ACCOUNT: [&str; 3] = ["CLIENT_ID", "CLIENT_SECRET", "ACCESS_TOKEN"];

/// The process's surroundings, as far as credentials depend on them.
pub trait Surroundings {
    /// A variable; an empty one counts as unset.
    fn variable(&self, name: &str) -> Option<String>;
    /// The Atlas CLI's configuration file: its path, and its text if it exists.
    fn configuration(&self) -> Option<(String, std::io::Result<String>)>;
}

/// The real ones.
pub struct Process;

impl Surroundings for Process {
    fn variable(&self, name: &str) -> Option<String> {
        // not UTF-8 is not unset: what is made of it will break its rule
        std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| value.to_string_lossy().into_owned())
    }

    fn configuration(&self) -> Option<(String, std::io::Result<String>)> {
        let path = profile::path(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))?;
        Some((path.display().to_string(), std::fs::read_to_string(&path)))
    }
}

/// The first of `names`, with any known prefix, that is set: its full name and its value.
fn first_set(around: &dyn Surroundings, names: &[&str]) -> Option<(String, String)> {
    PREFIXES.iter().flat_map(|prefix| names.iter().map(move |name| format!("{prefix}{name}"))).find_map(|name| {
        let value = around.variable(&name)?;
        Some((name, value))
    })
}

/// Finds the key: arguments, a profile that was asked for by name, the environment, the default profile. Halves of a
/// key are never taken from two places.
///
/// # Errors
/// One sentence that says what was looked at and what is missing.
pub fn resolve(explicit: &Explicit, around: &dyn Surroundings) -> Result<Identity, String> {
    let environment_base_url = first_set(around, &BASE_URL).map(|(source, url)| Found { url, source });
    let identity = |key, base_url, source: &str| Identity { key, base_url, source: source.to_owned() };

    match (&explicit.public_key, &explicit.private_key) {
        (Some(public_key), Some(private_key)) => {
            if explicit.profile.is_some() {
                return Err("give either public_key and private_key or profile, not both".to_owned());
            }
            return Ok(identity(ApiKey::new(public_key, private_key)?, environment_base_url, "the arguments"));
        }
        (Some(_), None) => return Err("private_key is missing: public_key was given without it".to_owned()),
        (None, Some(_)) => return Err("public_key is missing: private_key was given without it".to_owned()),
        (None, None) => {}
    }

    if let Some(name) = &explicit.profile {
        let found = read_profile(name, around)?.ok_or_else(|| no_configuration(name, around))?;
        return profile_identity(&found)
            .map(|(key, url)| identity(key, url.or(environment_base_url.clone()), &found.source()));
    }

    match (first_set(around, &PUBLIC_KEY), first_set(around, &PRIVATE_KEY)) {
        (Some((_, public_key)), Some((_, private_key))) => {
            let key = ApiKey::new(&public_key, &private_key).map_err(|e| format!("in the environment, {e}"))?;
            return Ok(identity(key, environment_base_url, "the environment"));
        }
        (Some((name, _)), None) => {
            return Err(format!("the environment has {name} but not MONGODB_ATLAS_PRIVATE_API_KEY"));
        }
        (None, Some((name, _))) => {
            return Err(format!("the environment has {name} but not MONGODB_ATLAS_PUBLIC_API_KEY"));
        }
        (None, None) => {}
    }

    if let Some(found) = read_profile("default", around)? {
        return profile_identity(&found)
            .map(|(key, url)| identity(key, environment_base_url.clone().or(url), &found.source()));
    }

    let other = match first_set(around, &SERVICE_ACCOUNT) {
        Some((name, _)) => format!(" {name} is set, but service accounts are not supported yet.", name = name),
        None => String::new(),
    };
    let file = match around.configuration() {
        Some((path, _)) => format!("the Atlas CLI's profile 'default' ({path} does not exist or has no such profile)"),
        None => "the Atlas CLI's profile 'default' (no home directory)".to_owned(),
    };
    Err(format!(
        "no API key found. Looked at the arguments public_key and private_key (not given), the environment variables \
         MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY (not set), and {file}.{other}"
    ))
}

/// `None` where the file, or a table of that name, does not exist.
fn read_profile(name: &str, around: &dyn Surroundings) -> Result<Option<Profile>, String> {
    match around.configuration() {
        None => Ok(None),
        Some((_, Err(error))) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Some((path, Err(error))) => Err(format!("the Atlas CLI's configuration {path} cannot be read: {error}")),
        Some((path, Ok(text))) => Profile::parse(name, &path, &text),
    }
}

fn no_configuration(name: &str, around: &dyn Surroundings) -> String {
    match around.configuration() {
        None => format!("profile {name:?} cannot be looked up: there is no home directory"),
        Some((path, Err(_))) => format!("profile {name:?} cannot be looked up: {path} does not exist"),
        Some((path, Ok(text))) => {
            let known = profile::names(&text);
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            format!("profile {name:?} is not in {path} (profiles there: {known})")
        }
    }
}

fn profile_identity(profile: &Profile) -> Result<(ApiKey, Option<Found>), String> {
    let source = profile.source();
    match (&profile.public_api_key, &profile.private_api_key) {
        (Some(public_key), Some(private_key)) => {
            let key = ApiKey::new(public_key, private_key).map_err(|e| format!("in {source}, {e}"))?;
            let base_url = profile.base_url()?;
            Ok((key, base_url.map(|url| Found { url, source: format!("base_url of {source}") })))
        }
        (Some(_), None) => Err(format!(
            "{source} has a public_api_key but no private_api_key: newer Atlas CLIs keep secrets in the operating \
             system's keyring, which is not read here. Set MONGODB_ATLAS_PUBLIC_API_KEY and \
             MONGODB_ATLAS_PRIVATE_API_KEY instead"
        )),
        (None, Some(_)) => Err(format!("{source} has a private_api_key but no public_api_key")),
        (None, None) if profile.client_id.is_some() => {
            Err(format!("{source} holds a service account, which is not supported yet: an API key is needed"))
        }
        (None, None) => Err(format!(
            "{source} has no public_api_key and private_api_key: newer Atlas CLIs keep secrets in the operating \
             system's keyring, which is not read here. Set MONGODB_ATLAS_PUBLIC_API_KEY and \
             MONGODB_ATLAS_PRIVATE_API_KEY instead"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Fake {
        variables: Vec<(&'static str, &'static str)>,
        file: Option<&'static str>,
    }

    impl Surroundings for Fake {
        fn variable(&self, name: &str) -> Option<String> {
            self.variables.iter().find(|v| v.0 == name).map(|v| v.1.to_owned())
        }
        fn configuration(&self) -> Option<(String, std::io::Result<String>)> {
            let text = self.file.map(str::to_owned).ok_or_else(|| std::io::ErrorKind::NotFound.into());
            Some(("config.toml".to_owned(), text))
        }
    }

    const KEYS: [(&str, &str); 2] = [("MONGODB_ATLAS_PUBLIC_KEY", "envpub"), ("MCLI_PRIVATE_API_KEY", "envpriv")];
    const FILE: &str = "version = 2\n[default]\npublic_api_key = 'dpub'\nprivate_api_key = 'dpriv'\n\
                        [prod]\npublic_api_key = 'ppub'\nprivate_api_key = 'ppriv'\nservice = 'cloudgov'\n\
                        [keyring]\norg_id = 'x'\n[half]\npublic_api_key = 'x'\n";

    fn named(profile: &str) -> Explicit {
        Explicit { profile: Some(profile.to_owned()), ..Default::default() }
    }

    #[test]
    fn the_order_of_the_sources() {
        let around = Fake { variables: KEYS.to_vec(), file: Some(FILE) };
        let given = Explicit { public_key: Some("a".into()), private_key: Some("b".into()), ..Default::default() };
        assert_eq!(resolve(&given, &around).unwrap().source, "the arguments");
        let by_name = resolve(&named("prod"), &around).unwrap();
        assert_eq!(by_name.key.public_key(), "ppub");
        assert_eq!(by_name.base_url.unwrap().url, "https://cloud.mongodbgov.com");
        assert_eq!(resolve(&Explicit::default(), &around).unwrap().key.public_key(), "envpub");
        let file_only = Fake { file: Some(FILE), ..Default::default() };
        assert_eq!(resolve(&Explicit::default(), &file_only).unwrap().key.public_key(), "dpub");
    }

    #[test]
    fn halves_are_never_mixed() {
        let around = Fake { variables: KEYS.to_vec(), file: Some(FILE) };
        let half = Explicit { public_key: Some("a".into()), ..Default::default() };
        assert!(resolve(&half, &around).unwrap_err().starts_with("private_key is missing"));
        let half_environment = Fake { variables: KEYS[..1].to_vec(), file: Some(FILE) };
        let error = resolve(&Explicit::default(), &half_environment).unwrap_err();
        assert!(error.contains("MONGODB_ATLAS_PUBLIC_KEY but not MONGODB_ATLAS_PRIVATE_API_KEY"), "{error}");
    }

    #[test]
    fn what_is_missing_is_said() {
        let none = resolve(&Explicit::default(), &Fake::default()).unwrap_err();
        for source in ["arguments", "MONGODB_ATLAS_PUBLIC_API_KEY", "config.toml"] {
            assert!(none.contains(source), "{none}");
        }
        let around = Fake { file: Some(FILE), ..Default::default() };
        assert!(resolve(&named("keyring"), &around).unwrap_err().contains("keyring"));
        assert!(resolve(&named("half"), &around).unwrap_err().contains("no private_api_key"));
        assert!(resolve(&named("typo"), &around).unwrap_err().contains("default, half, keyring, prod"));
    }

    #[test]
    fn the_private_half_is_never_shown() {
        let key = ApiKey::new("pub", "hush").unwrap();
        assert!(!format!("{key:?}").contains("hush"));
        assert!(!ApiKey::new("pub", "hush hush").unwrap_err().contains("hush"));
    }
}
