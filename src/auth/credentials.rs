//! API keys, service accounts and access tokens, and the places where users already keep them.

use crate::auth::profile::{self, Profile};
use std::fmt;

/// Checks that a half of a pair, or a token, can travel in a header.
fn sound(name: &str, value: &str, punctuation_allowed: bool) -> Result<String, String> {
    if value.is_empty() {
        return Err(format!("{name} must not be empty"));
    }
    if value.trim() != value {
        return Err(format!("{name} must not have white space around it"));
    }
    if !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("{name} must be printable ASCII without spaces"));
    }
    if !punctuation_allowed && value.contains([':', '"', '\\']) {
        return Err(format!("{name} must not contain a colon, a quote or a backslash"));
    }
    Ok(value.to_owned())
}

/// Who calls. No `Debug` of it, or of what is in it, shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// HTTP Digest.
    ApiKey(ApiKey),
    /// The OAuth 2.0 client credentials grant (RFC 6749 section 4.4).
    ServiceAccount(ServiceAccount),
    /// A bearer token (RFC 6750) that somebody else fetched, and renews.
    AccessToken(AccessToken),
}

impl From<ApiKey> for Credentials {
    fn from(key: ApiKey) -> Self {
        Self::ApiKey(key)
    }
}

impl From<ServiceAccount> for Credentials {
    fn from(account: ServiceAccount) -> Self {
        Self::ServiceAccount(account)
    }
}

impl From<AccessToken> for Credentials {
    fn from(token: AccessToken) -> Self {
        Self::AccessToken(token)
    }
}

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

/// A service account. Its `Debug` never shows the secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ServiceAccount {
    client_id: String,
    client_secret: String,
}

impl ServiceAccount {
    /// Checks that both halves can travel in a header.
    ///
    /// # Errors
    /// A sentence that names the half, and never holds the secret.
    pub fn new(client_id: &str, client_secret: &str) -> Result<Self, String> {
        Ok(Self {
            client_id: sound("client_id", client_id, false)?,
            client_secret: sound("client_secret", client_secret, true)?,
        })
    }

    /// The client identifier (RFC 6749 section 2.2).
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn client_secret(&self) -> &str {
        &self.client_secret
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// An access token. Its `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

impl AccessToken {
    /// Checks that it can travel in a header.
    ///
    /// # Errors
    /// A sentence that never holds the token.
    pub fn new(token: &str) -> Result<Self, String> {
        sound("access_token", token, true).map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").finish_non_exhaustive()
    }
}

/// What the caller said; the rest is looked up.
#[derive(Default, Clone)]
pub struct Explicit {
    /// `public_key=`
    pub public_key: Option<String>,
    /// `private_key=`
    pub private_key: Option<String>,
    /// `client_id=`
    pub client_id: Option<String>,
    /// `client_secret=`
    pub client_secret: Option<String>,
    /// `access_token=`
    pub access_token: Option<String>,
    /// `profile=`: a table of the Atlas CLI's configuration file.
    pub profile: Option<String>,
}

/// Who calls, and whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The key, account or token.
    pub credentials: Credentials,
    /// The base URL from the environment or the profile, if they name one.
    pub base_url: Option<Found>,
    /// Where they were found, for people: "the arguments", "the environment", "profile 'x' of …".
    pub source: String,
    /// Whether the caller gave the credentials, rather than the environment or a profile.
    pub is_given: bool,
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
const CLIENT_ID: [&str; 1] = ["CLIENT_ID"];
const CLIENT_SECRET: [&str; 1] = ["CLIENT_SECRET"];
const ACCESS_TOKEN: [&str; 1] = ["ACCESS_TOKEN"];

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

/// Finds the credentials: arguments, a profile that was asked for by name, the environment, the default profile. Halves
/// of a pair are never taken from two places.
///
/// # Errors
/// One sentence that says what was looked at and what is missing.
pub fn resolve(explicit: &Explicit, around: &dyn Surroundings) -> Result<Identity, String> {
    let environment_base_url = first_set(around, &BASE_URL).map(|(source, url)| Found { url, source });
    let identity = |credentials, base_url, source: &str| {
        let source = source.to_owned();
        Identity { credentials, base_url, source, is_given: false }
    };

    if let Some(credentials) = given(explicit)? {
        let identity = identity(credentials, environment_base_url, "the arguments");
        return Ok(Identity { is_given: true, ..identity });
    }

    if let Some(name) = &explicit.profile {
        let found = read_profile(name, around)?.ok_or_else(|| no_configuration(name, around))?;
        return profile_identity(&found)
            .map(|(found_there, url)| identity(found_there, url.or(environment_base_url.clone()), &found.source()));
    }

    if let Some(credentials) = environment(around)? {
        return Ok(identity(credentials, environment_base_url, "the environment"));
    }

    if let Some(found) = read_profile("default", around)? {
        return profile_identity(&found)
            .map(|(found_there, url)| identity(found_there, environment_base_url.clone().or(url), &found.source()));
    }

    let file = match around.configuration() {
        Some((path, _)) => format!("the Atlas CLI's profile 'default' ({path} does not exist or has no such profile)"),
        None => "the Atlas CLI's profile 'default' (no home directory)".to_owned(),
    };
    Err(format!(
        "no API key found, nor a service account or access token. Looked at the arguments public_key and private_key, \
         client_id and client_secret, access_token (not given), the environment variables \
         MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY, MONGODB_ATLAS_CLIENT_ID and \
         MONGODB_ATLAS_CLIENT_SECRET, MONGODB_ATLAS_ACCESS_TOKEN (not set), and {file}."
    ))
}

/// The credentials among the arguments: all of one kind, or none.
fn given(explicit: &Explicit) -> Result<Option<Credentials>, String> {
    let Explicit { public_key, private_key, client_id, client_secret, access_token, profile } = explicit;
    let key = public_key.is_some() || private_key.is_some();
    let account = client_id.is_some() || client_secret.is_some();
    let kinds = [
        (key, "public_key and private_key"),
        (account, "client_id and client_secret"),
        (access_token.is_some(), "access_token"),
    ];
    let mut kinds = kinds.into_iter().filter(|(is_given, _)| *is_given).map(|(_, name)| name);
    let kind = kinds.next();
    let not_both = |one, other| Err(format!("give either {one} or {other}, not both"));
    if let (Some(one), Some(other)) = (kind, kinds.next()) {
        return not_both(one, other);
    }
    let pair =
        |first: &Option<String>, first_name: &str, second: &Option<String>, second_name: &str| match (first, second) {
            (Some(first), Some(second)) => Ok(Some((first.clone(), second.clone()))),
            (Some(_), None) => Err(format!("{second_name} is missing: {first_name} was given without it")),
            (None, Some(_)) => Err(format!("{first_name} is missing: {second_name} was given without it")),
            (None, None) => Ok(None),
        };
    let key = pair(public_key, "public_key", private_key, "private_key")?;
    let account = pair(client_id, "client_id", client_secret, "client_secret")?;
    if let (Some(one), Some(_)) = (kind, profile) {
        return not_both(one, "profile");
    }
    if let Some((public_key, private_key)) = key {
        return ApiKey::new(&public_key, &private_key).map(|key| Some(key.into()));
    }
    if let Some((client_id, client_secret)) = account {
        return ServiceAccount::new(&client_id, &client_secret).map(|account| Some(account.into()));
    }
    access_token.as_deref().map(AccessToken::new).transpose().map(|token| token.map(Credentials::from))
}

/// The credentials in the environment, by Terraform's order of kinds: access token, service account, API key.
fn environment(around: &dyn Surroundings) -> Result<Option<Credentials>, String> {
    let unsound = |error: String| format!("in the environment, {error}");
    let pair = |first: &[&str], first_name: &str, second: &[&str], second_name: &str| match (
        first_set(around, first),
        first_set(around, second),
    ) {
        (Some((_, first)), Some((_, second))) => Ok(Some((first, second))),
        (Some((name, _)), None) => Err(format!("the environment has {name} but not MONGODB_ATLAS_{second_name}")),
        (None, Some((name, _))) => Err(format!("the environment has {name} but not MONGODB_ATLAS_{first_name}")),
        (None, None) => Ok(None),
    };
    if let Some((_, token)) = first_set(around, &ACCESS_TOKEN) {
        return AccessToken::new(&token).map(|token| Some(token.into())).map_err(unsound);
    }
    if let Some((client_id, client_secret)) = pair(&CLIENT_ID, "CLIENT_ID", &CLIENT_SECRET, "CLIENT_SECRET")? {
        return ServiceAccount::new(&client_id, &client_secret).map(|account| Some(account.into())).map_err(unsound);
    }
    let pair = pair(&PUBLIC_KEY, "PUBLIC_API_KEY", &PRIVATE_KEY, "PRIVATE_API_KEY")?;
    pair.map(|(public_key, private_key)| ApiKey::new(&public_key, &private_key).map(Credentials::from))
        .transpose()
        .map_err(unsound)
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

fn profile_identity(profile: &Profile) -> Result<(Credentials, Option<Found>), String> {
    let credentials = profile_credentials(profile)?;
    let base_url = profile.base_url()?;
    Ok((credentials, base_url.map(|url| Found { url, source: format!("base_url of {}", profile.source()) })))
}

fn profile_credentials(profile: &Profile) -> Result<Credentials, String> {
    let source = profile.source();
    let unsound = |error: String| format!("in {source}, {error}");
    let in_the_keyring = |what: &str, instead: &str| {
        format!(
            "{source} {what}: newer Atlas CLIs keep secrets in the operating system's keyring, which is not read here. \
             Set {instead} instead"
        )
    };
    let keys = "MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY";
    let account = "MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET";
    if profile.names_service_account() {
        return match (&profile.client_id, &profile.client_secret) {
            (Some(client_id), Some(client_secret)) => {
                ServiceAccount::new(client_id, client_secret).map(Credentials::from).map_err(unsound)
            }
            (Some(_), None) => Err(in_the_keyring("has a client_id but no client_secret", account)),
            (None, Some(_)) => Err(format!("{source} has a client_secret but no client_id")),
            (None, None) => Err(in_the_keyring("has no client_id and client_secret", account)),
        };
    }
    match (&profile.public_api_key, &profile.private_api_key) {
        (Some(public_key), Some(private_key)) => {
            ApiKey::new(public_key, private_key).map(Credentials::from).map_err(unsound)
        }
        (Some(_), None) => Err(in_the_keyring("has a public_api_key but no private_api_key", keys)),
        (None, Some(_)) => Err(format!("{source} has a private_api_key but no public_api_key")),
        (None, None) if profile.is_of_a_person() => Err(format!(
            "{source} is a person's login (auth_type \"user_account\"): an API key, a service account or an access \
             token is needed"
        )),
        (None, None) => Err(in_the_keyring("has no public_api_key and private_api_key", keys)),
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
    const ACCOUNT: [(&str, &str); 2] = [("MONGODB_ATLAS_CLIENT_ID", "envid"), ("MCLI_CLIENT_SECRET", "envsecret")];

    fn api_key(name: &str) -> Credentials {
        ApiKey::new(&format!("{name}pub"), &format!("{name}priv")).unwrap().into()
    }

    fn account(name: &str) -> Credentials {
        ServiceAccount::new(&format!("{name}id"), &format!("{name}secret")).unwrap().into()
    }

    fn named(profile: &str) -> Explicit {
        Explicit { profile: Some(profile.to_owned()), ..Default::default() }
    }

    #[test]
    fn the_order_of_the_sources() {
        let around = Fake { variables: KEYS.to_vec(), file: Some(FILE) };
        let given = Explicit { public_key: Some("a".into()), private_key: Some("b".into()), ..Default::default() };
        assert_eq!(resolve(&given, &around).unwrap().source, "the arguments");
        let by_name = resolve(&named("prod"), &around).unwrap();
        assert_eq!(by_name.credentials, api_key("p"));
        assert_eq!(by_name.base_url.unwrap().url, "https://cloud.mongodbgov.com");
        assert_eq!(resolve(&Explicit::default(), &around).unwrap().credentials, api_key("env"));
        let file_only = Fake { file: Some(FILE), ..Default::default() };
        assert_eq!(resolve(&Explicit::default(), &file_only).unwrap().credentials, api_key("d"));
    }

    #[test]
    fn the_order_of_the_kinds() {
        let found = |variables: Vec<_>| {
            let around = Fake { variables, file: Some(FILE) };
            resolve(&Explicit::default(), &around).map(|identity| identity.credentials)
        };
        let token = ("MCLI_ACCESS_TOKEN", "envtoken");
        assert_eq!(found([&KEYS[..], &ACCOUNT[..]].concat()), Ok(account("env")));
        let all = found([&KEYS[..], &ACCOUNT[..], &[token]].concat());
        assert_eq!(all, Ok(AccessToken::new("envtoken").unwrap().into()));
        assert_eq!(
            found([&KEYS[..], &ACCOUNT[1..]].concat()).unwrap_err(),
            "the environment has MCLI_CLIENT_SECRET but not MONGODB_ATLAS_CLIENT_ID"
        );
        assert!(found(vec![("MONGODB_ATLAS_ACCESS_TOKEN", "a b")]).unwrap_err().contains("access_token must"));
    }

    #[test]
    fn one_kind_of_arguments() {
        let some = |text: &str| Some(text.to_owned());
        let refused = |explicit: &Explicit| resolve(explicit, &Fake::default()).unwrap_err();
        let account_given = Explicit { client_id: some("gid"), client_secret: some("gsecret"), ..Default::default() };
        let identity = resolve(&account_given, &Fake { variables: KEYS.to_vec(), file: None }).unwrap();
        assert_eq!((identity.credentials, identity.source.as_str()), (account("g"), "the arguments"));
        for (explicit, rule) in [
            (
                Explicit { client_secret: None, ..account_given.clone() },
                "client_secret is missing: client_id was given",
            ),
            (Explicit { client_id: None, ..account_given.clone() }, "client_id is missing: client_secret was given"),
            (
                Explicit { access_token: some("t"), ..account_given.clone() },
                "give either client_id and client_secret or access_token, not both",
            ),
            (
                Explicit { public_key: some("p"), ..account_given.clone() },
                "give either public_key and private_key or client_id and client_secret, not both",
            ),
            (
                Explicit { profile: some("prod"), access_token: some("t"), ..Default::default() },
                "give either access_token or profile, not both",
            ),
            (Explicit { client_id: some("a:b"), ..account_given.clone() }, "client_id must not contain a colon"),
            (Explicit { client_secret: some("a\r\nb"), ..account_given.clone() }, "client_secret must be printable"),
            (Explicit { access_token: some(""), ..Default::default() }, "access_token must not be empty"),
        ] {
            assert!(refused(&explicit).starts_with(rule), "{}", refused(&explicit));
        }
    }

    #[test]
    fn accounts_in_profiles() {
        let found = |text: &'static str| {
            resolve(&named("p"), &Fake { file: Some(text), ..Default::default() }).map(|found| found.credentials)
        };
        let both = "public_api_key = 'ppub'\nprivate_api_key = 'ppriv'\nclient_id = 'pid'\nclient_secret = 'psecret'\n";
        let with = |kind: &str| format!("[p]\nauth_type = '{kind}'\n{both}").leak() as &'static str;
        assert_eq!(found("[p]\nclient_id = 'pid'\nclient_secret = 'psecret'\n"), Ok(account("p")));
        assert_eq!(found(with("service_account")), Ok(account("p")));
        assert_eq!(found(with("api_keys")), Ok(api_key("p")));
        assert_eq!(found(with("")), Ok(account("p")));
        assert_eq!(
            found("[p]\nclient_id = 'pid'\npublic_api_key = 'ppub'\nprivate_api_key = 'ppriv'\n"),
            Ok(api_key("p"))
        );
        let error = found("[p]\nauth_type = 'service_account'\nclient_id = 'pid'\n").unwrap_err();
        assert!(error.contains("no client_secret: newer Atlas CLIs") && error.contains("MONGODB_ATLAS_CLIENT_SECRET"));
        assert!(
            found("[p]\nauth_type = 'service_account'\n").unwrap_err().contains("has no client_id and client_secret")
        );
        assert!(found("[p]\nclient_secret = 'hush'\n").unwrap_err().contains("a client_secret but no client_id"));
        assert!(found("[p]\nauth_type = 'user_account'\n").unwrap_err().contains("a person's login"));
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
        let account = ServiceAccount::new("id", "hush").unwrap();
        let token = AccessToken::new("hush").unwrap();
        assert!(!format!("{account:?} {token:?} {:?}", Credentials::from(account.clone())).contains("hush"));
        assert!(!ServiceAccount::new("id", "hush hush").unwrap_err().contains("hush"));
        assert!(!AccessToken::new("hush hush").unwrap_err().contains("hush"));
    }
}
