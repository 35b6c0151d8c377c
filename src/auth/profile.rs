//! The Atlas CLI's configuration file: `config.toml`, one table per profile.

use std::ffi::OsString;
use std::path::PathBuf;
use toml::{Table, Value};

/// Where the Atlas CLI keeps it on this system.
pub(super) fn path(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = if cfg!(windows) {
        PathBuf::from(variable("AppData")?)
    } else if let Some(folder) = variable("XDG_CONFIG_HOME") {
        PathBuf::from(folder)
    } else if cfg!(target_os = "macos") {
        PathBuf::from(variable("HOME")?).join("Library/Application Support")
    } else {
        PathBuf::from(variable("HOME")?).join(".config")
    };
    Some(folder.join("atlascli").join("config.toml"))
}

/// The names of the profiles in the file, sorted.
pub(super) fn names(text: &str) -> Vec<String> {
    let table: Table = text.parse().unwrap_or_default();
    let mut names: Vec<_> = table.into_iter().filter(|(_, value)| value.is_table()).map(|(name, _)| name).collect();
    names.sort();
    names
}

/// What one profile says.
pub(super) struct Profile {
    name: String,
    path: String,
    pub(super) public_api_key: Option<String>,
    pub(super) private_api_key: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<String>,
    auth_type: Option<String>,
    service: Option<String>,
    url: Option<String>,
}

impl Profile {
    /// `None` where the file has no table of that name.
    pub(super) fn parse(name: &str, path: &str, text: &str) -> Result<Option<Self>, String> {
        // the parser's own message quotes the line, and the line may hold a key
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            let at = line.map(|line| format!(" at line {line}")).unwrap_or_default();
            format!("the Atlas CLI's configuration {path} is not valid TOML{at}")
        })?;
        let Some(Value::Table(fields)) = table.get(name) else { return Ok(None) };
        let text = |key: &str| match fields.get(key) {
            Some(Value::String(value)) if !value.is_empty() => Ok(Some(value.clone())),
            Some(Value::String(_)) | None => Ok(None),
            Some(_) => Err(format!("{key} of profile '{name}' in {path} must be a string")),
        };
        Ok(Some(Self {
            name: name.to_owned(),
            path: path.to_owned(),
            public_api_key: text("public_api_key")?,
            private_api_key: text("private_api_key")?,
            client_id: text("client_id")?,
            client_secret: text("client_secret")?,
            auth_type: text("auth_type")?,
            service: text("service")?,
            url: text("base_url")?.or(text("ops_manager_url")?),
        }))
    }

    /// For people.
    pub(super) fn source(&self) -> String {
        format!("profile '{}' of {}", self.name, self.path)
    }

    /// Whether it is a service account's: by its word for it, else by what it holds. A whole pair is preferred to half of
    /// one, and an account to a key, as in the environment.
    pub(super) fn names_service_account(&self) -> bool {
        match self.auth_type.as_deref() {
            Some("service_account") => true,
            Some("api_keys") => false,
            _ => {
                let has_account = self.client_id.is_some() && self.client_secret.is_some();
                let has_key = self.public_api_key.is_some() && self.private_api_key.is_some();
                has_account || (!has_key && (self.client_id.is_some() || self.client_secret.is_some()))
            }
        }
    }

    /// Whether `atlas auth login` made it: its tokens belong to a browser.
    pub(super) fn is_of_a_person(&self) -> bool {
        self.auth_type.as_deref() == Some("user_account")
    }

    /// The host that the profile means, if it says so.
    pub(super) fn base_url(&self) -> Result<Option<String>, String> {
        match (&self.url, self.service.as_deref()) {
            (Some(url), _) => Ok(Some(url.clone())),
            (None, None | Some("cloud")) => Ok(None),
            (None, Some("cloudgov")) => Ok(Some("https://cloud.mongodbgov.com".to_owned())),
            (None, Some(other)) => {
                Err(format!("{} has service {other:?} and no base_url: which host is meant?", self.source()))
            }
        }
    }
}
