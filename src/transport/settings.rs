//! What a transport is made with.

use crate::api::Invalid;
use crate::clock::Clock;
use crate::transport::BaseUrl;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// What a transport is made with; it does not change while connections are open.
#[derive(Clone)]
pub struct Settings {
    /// Where the API is.
    pub base_url: BaseUrl,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// Requests in flight at most. Connections can be a few more for a moment.
    pub max_connections: usize,
    /// PEM certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// A proxy for every request, instead of the environment's.
    pub proxy: Option<String>,
    /// What pauses go by.
    pub clock: Clock,
}

impl Settings {
    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    /// The argument, and its rule.
    pub fn check(&self) -> Result<(), Invalid> {
        if let Some(proxy) = &self.proxy {
            // never quoted: it may hold a password
            let url = Url::parse(proxy).map_err(|error| Invalid::new("proxy", format!("is not a URL ({error})")))?;
            if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
                return Err(Invalid::new("proxy", "must begin with http:// or https:// and name a host"));
            }
        }
        if let Some(path) = &self.ca_file
            && !path.is_file()
        {
            return Err(Invalid::new("ca_file", format!("must be a PEM file of certificates; {path:?} is none")));
        }
        Ok(())
    }
}

/// What may change from call to call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// One call in all: waiting for a connection and retries included.
    pub timeout: Duration,
    /// How often a request is repeated at most.
    pub max_retries: u32,
}
