//! What a transport is made with.

use crate::api::Invalid;
use crate::clock::Clock;
use crate::transport::{BaseUrl, trust};
use hyper_util::client::proxy::matcher::Matcher;
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

    /// Where the certificates that are trusted come from, in words.
    ///
    /// # Errors
    /// Why there are none.
    pub fn trusted_certificates(&self) -> Result<String, String> {
        trust::source(self.ca_file.as_deref())
    }

    /// The proxy that requests go through, without its password: the one that was given, or the environment's.
    #[must_use]
    pub fn proxy_in_force(&self) -> Option<String> {
        let without_user = |url: &http::Uri| {
            let host = url.host()?;
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            Some(format!("{}://{host}{port}", url.scheme_str().unwrap_or("http")))
        };
        if let Some(proxy) = &self.proxy {
            return without_user(&proxy.parse().ok()?);
        }
        if self.base_url.is_loopback() {
            return None;
        }
        let api = self.base_url.to_string().parse().ok()?;
        without_user(Matcher::from_system().intercept(&api)?.uri())
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
