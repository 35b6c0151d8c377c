//! The part of the URL before `/api/atlas/…`.

use crate::api::validate::quoted;
use std::fmt;
use url::{Host, Url};

/// The domains of Atlas: the commercial one, and Atlas for Government.
const ATLAS_DOMAINS: [&str; 2] = ["mongodb.com", "mongodbgov.com"];

/// A checked base URL: http(s), a host, perhaps a path prefix, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
}

impl BaseUrl {
    /// Atlas itself.
    pub const ATLAS: &str = "https://cloud.mongodb.com";

    /// Reads a base URL. Plain http is for loopback only, unless the caller says otherwise.
    ///
    /// # Errors
    /// What is wrong, as the continuation of "base_url …".
    pub fn parse(text: &str, allow_insecure: bool) -> Result<Self, String> {
        // an URL may hold a password: errors quote it only where it cannot
        let shown = if text.contains('@') { String::new() } else { format!(", got {}", quoted(text)) };
        let url = Url::parse(text.trim_end_matches('/')).map_err(|error| format!("is not a URL ({error}){shown}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("must begin with https://{shown}"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("must not have a query or a fragment{shown}"));
        }
        if url.path().contains("/api/atlas") || url.path().contains("/api/public") {
            return Err(format!("must be the part before /api/atlas/{shown}"));
        }
        let base = Self { url };
        if base.url.scheme() == "http" && !base.is_loopback() && !allow_insecure {
            return Err(format!(
                "must begin with https:// (plain http only reaches this machine, unless allow_insecure=True){shown}"
            ));
        }
        Ok(base)
    }

    /// The URL of a target that begins with a slash.
    pub(super) fn join(&self, target: &str) -> Url {
        let mut url = self.url.clone();
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        url.set_query(query);
        url
    }

    /// Whether it names this machine.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether it is one of Atlas's own hosts, with encryption: `cloud.mongodb.com`, or another one of MongoDB's.
    pub fn is_atlas(&self) -> bool {
        let is_mongodbs = |name: &str| {
            ATLAS_DOMAINS
                .iter()
                .any(|domain| name == *domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
        };
        self.is_https() && self.url.port().is_none() && self.url.domain().is_some_and(is_mongodbs)
    }

    /// Whether both lead to the same scheme, host and port.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    /// Whether connections are encrypted.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atlas_is_mongodbs_own_hosts_with_encryption() {
        for (text, expected) in [
            ("https://cloud.mongodb.com", true),
            ("https://cloud.mongodbgov.com", true),
            ("https://CLOUD.MongoDB.com:443", true),
            ("https://cloud-dev.mongodb.com", true),
            ("https://cloud.mongodb.com:8443", false),
            ("https://notmongodb.com", false),
            ("https://cloud.mongodb.com.example", false),
            ("https://example.com/cloud.mongodb.com", false),
            ("http://cloud.mongodb.com", false),
            ("https://127.0.0.1", false),
        ] {
            assert_eq!(BaseUrl::parse(text, true).unwrap().is_atlas(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_taken_and_what_is_not() {
        for (text, shown) in [
            ("https://cloud.mongodb.com/", "https://cloud.mongodb.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:1", "http://[::1]:1"),
            ("https://gate.example/atlas/", "https://gate.example/atlas"),
        ] {
            assert_eq!(BaseUrl::parse(text, false).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "cloud.mongodb.com",
            "ftp://x",
            "https://",
            "https://u:p@x",
            "https://x?y",
            "https://x/#y",
            "https://cloud.mongodb.com/api/atlas/v1.0",
            "http://cloud.mongodb.com",
        ] {
            assert!(BaseUrl::parse(text, false).is_err(), "{text}");
        }
        assert!(!BaseUrl::parse("https://u:hush@x", false).unwrap_err().contains("hush"));
        assert!(BaseUrl::parse("http://cloud.mongodb.com", true).is_ok());
    }

    #[test]
    fn a_prefix_is_kept() {
        let base = BaseUrl::parse("https://gate.example/atlas/", false).unwrap();
        assert_eq!(
            base.join("/api/atlas/v2/x?pretty=true").as_str(),
            "https://gate.example/atlas/api/atlas/v2/x?pretty=true"
        );
    }
}
