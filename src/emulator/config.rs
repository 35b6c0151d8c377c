//! What an emulator is started with.

use super::clusters::Cluster;
use super::fields::Fields;
use crate::api::Invalid;
use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// How the emulator challenges, and how strict it is about a nonce's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestMode {
    /// Like Atlas: MD5, each count once, in any order.
    Jetty,
    /// Each count must be greater than all before it.
    Rising,
    /// Each count must be the next one: 1, 2, 3, …
    Exact,
    /// A nonce is good for one request; the answer brings the next in `Authentication-Info`.
    OneTime,
    /// The challenge says `op="auth"` where `qop="auth"` should be, as the original page prints it.
    Misprint,
    /// One header with two challenges, Basic first.
    TwoChallenges,
    /// The same Digest challenge in two headers.
    HeaderTwice,
    /// Only SHA-256 is offered.
    Sha256,
    /// SHA-256 and MD5 are offered, in two headers and in this order.
    Sha256AndMd5,
    /// RFC 2069: no `qop`, so neither count nor client nonce.
    NoQop,
    /// No authentication.
    Open,
}

impl DigestMode {
    /// The modes by the names that users write.
    pub const NAMES: [(&'static str, DigestMode); 11] = [
        ("jetty", DigestMode::Jetty),
        ("rising", DigestMode::Rising),
        ("exact", DigestMode::Exact),
        ("one-time", DigestMode::OneTime),
        ("misprint", DigestMode::Misprint),
        ("two-challenges", DigestMode::TwoChallenges),
        ("header-twice", DigestMode::HeaderTwice),
        ("sha-256", DigestMode::Sha256),
        ("sha-256-and-md5", DigestMode::Sha256AndMd5),
        ("no-qop", DigestMode::NoQop),
        ("open", DigestMode::Open),
    ];
}

/// The cloud that the emulated instances live in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon Web Services, the only one of the original page.
    Aws,
    /// Microsoft Azure.
    Azure,
}

impl Provider {
    /// Atlas's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Aws => "AWS",
            Provider::Azure => "AZURE",
        }
    }
}

/// Whether a cloud has a private endpoint of that id, where its endpoints are listed.
pub(crate) fn is_in_cloud(listed: Option<&[String]>, id: &str) -> bool {
    listed.is_none_or(|ids| ids.iter().any(|known| known.eq_ignore_ascii_case(id)))
}

/// A project that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Project {
    pub(crate) fn unnamed(id: &str) -> Self {
        Self { id: id.to_owned(), name: format!("project-{id}") }
    }

    /// Reads a list of ids and of mappings with an id and a name.
    fn list_from_json(value: &Value) -> Result<Vec<Self>, Invalid> {
        let rule = || Invalid::new("groups", format!("must be a list of ids and mappings, got {value}"));
        let items = value.as_array().ok_or_else(rule)?;
        let read = items.iter().map(|item| match item {
            Value::String(id) => Ok(Self::unnamed(id)),
            Value::Object(fields) => {
                let mut fields = Fields::new(fields.clone());
                let id = fields.text("id")?.ok_or_else(rule)?;
                let name = fields.text("name")?;
                fields.finish("a project")?;
                Ok(name.map_or_else(|| Self::unnamed(&id), |name| Self { id: id.clone(), name }))
            }
            _ => Err(rule()),
        });
        read.collect()
    }
}

/// The options of an emulator, with Atlas's own values as defaults.
#[derive(Clone)]
pub struct Config {
    /// The loopback address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Public half of the project owner's key.
    pub public_key: String,
    /// Private half of the project owner's key.
    pub private_key: String,
    /// The kind of challenge.
    pub digest: DigestMode,
    /// Whether the clock stands still until it is advanced.
    pub driven_clock: bool,
    /// Seconds of the emulator per second of real time.
    pub speed: f64,
    /// From `RESERVATION_REQUESTED` to `RESERVED`.
    pub reservation: Duration,
    /// From `INITIATING` to `AVAILABLE`.
    pub connection: Duration,
    /// From `DELETING` to gone.
    pub deletion: Duration,
    /// From the creation of an endpoint service to `AVAILABLE`; `None` for what has been recorded of each cloud.
    pub service: Option<Duration>,
    /// From an endpoint's `AVAILABLE` to its connection string.
    pub connection_string: Duration,
    /// How long a reservation waits to be connected.
    pub reservation_expiry: Duration,
    /// Whether successes have the documented status codes, where others have been recorded.
    pub documented_status_codes: bool,
    /// Whether ids of private endpoints in Azure come back in small letters.
    pub azure_ids_in_lower_case: bool,
    /// Whether the deletion of a service's last endpoint deletes the service.
    pub last_endpoint_deletes_service: bool,
    /// Whether clusters and other endpoints decide if an endpoint can be made: one in each region or several in one,
    /// none beside paused clusters, and regional mode for sharded clusters alone. `None`: in projects whose clusters
    /// are described.
    pub rules: Option<bool>,
    /// The only clusters that exist; `None` accepts any name.
    pub clusters: Option<Vec<Cluster>>,
    /// The id of the service account.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// How long an access token is good.
    pub token_life: Duration,
    /// Access tokens that can be asked for in 60 seconds.
    pub token_requests: u32,
    /// Whether answers tell the rate limit.
    pub rate_limit_headers: bool,
    /// Requests that a project's token bucket holds.
    pub capacity: u32,
    /// Requests that flow into it in 60 seconds.
    pub refill: u32,
    /// Requests that a nonce is good for.
    pub max_nonce_count: u32,
    /// How long a nonce is good.
    pub nonce_life: Duration,
    /// The only instances that exist; `None` accepts any name.
    pub instances: Option<Vec<String>>,
    /// The only projects that exist; `None` accepts any id.
    pub groups: Option<Vec<Project>>,
    /// The cloud of the instances.
    pub provider: Provider,
    /// Whether requests and counts are kept for inspection.
    pub record: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            public_key: "abcdefgh".to_owned(),
            private_key: "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
            digest: DigestMode::Jetty,
            driven_clock: false,
            speed: 1.0,
            reservation: Duration::from_secs(90),
            connection: Duration::from_secs(90),
            deletion: Duration::from_secs(30),
            service: None,
            connection_string: Duration::from_secs(60),
            reservation_expiry: Duration::from_secs(86_400),
            documented_status_codes: false,
            azure_ids_in_lower_case: false,
            last_endpoint_deletes_service: true,
            rules: None,
            clusters: None,
            client_id: "mdb_sa_id_0123456789abcdef01234567".to_owned(),
            client_secret: "mdb_sa_sk_0123456789abcdef0123456789abcdef".to_owned(),
            token_life: Duration::from_secs(3600),
            token_requests: 10,
            rate_limit_headers: true,
            capacity: 4000,
            refill: 2000,
            max_nonce_count: 1024,
            nonce_life: Duration::from_secs(60),
            instances: None,
            groups: None,
            provider: Provider::Aws,
            record: true,
        }
    }
}

impl Config {
    /// Reads options by their names in Python; what is absent has its default.
    ///
    /// # Errors
    /// The option that is unknown or breaks its rule.
    pub fn from_json(options: Map<String, Value>) -> Result<Self, Invalid> {
        let default = Self::default();
        let mut fields = Fields::new(options);
        let config = Self {
            host: match fields.text("host")? {
                Some(host) => loopback(&host)?,
                None => default.host,
            },
            port: fields.integer("port", 0, 65_535)?.and_then(|n| u16::try_from(n).ok()).unwrap_or(default.port),
            public_key: secret(&mut fields, "public_key")?.unwrap_or(default.public_key),
            private_key: secret(&mut fields, "private_key")?.unwrap_or(default.private_key),
            digest: fields.choice("digest", &DigestMode::NAMES)?.unwrap_or(default.digest),
            driven_clock: fields.choice("clock", &[("real", false), ("driven", true)])?.unwrap_or(default.driven_clock),
            speed: fields.number("speed", 0.001, 1e6)?.unwrap_or(default.speed),
            reservation: fields.seconds("reservation_seconds")?.unwrap_or(default.reservation),
            connection: fields.seconds("connection_seconds")?.unwrap_or(default.connection),
            deletion: fields.seconds("deletion_seconds")?.unwrap_or(default.deletion),
            service: fields.seconds("service_seconds")?.or(default.service),
            connection_string: fields.seconds("connection_string_seconds")?.unwrap_or(default.connection_string),
            reservation_expiry: fields.seconds("reservation_expiry_seconds")?.unwrap_or(default.reservation_expiry),
            documented_status_codes: fields
                .choice("status_codes", &[("recorded", false), ("documented", true)])?
                .unwrap_or(default.documented_status_codes),
            azure_ids_in_lower_case: fields
                .choice("azure_id_case", &[("as_given", false), ("lower", true)])?
                .unwrap_or(default.azure_ids_in_lower_case),
            last_endpoint_deletes_service: fields
                .flag("last_endpoint_deletes_service")?
                .unwrap_or(default.last_endpoint_deletes_service),
            rules: fields.flag("rules")?,
            clusters: fields.take("clusters").map(|given| Cluster::list_from_json(&given)).transpose()?,
            client_id: secret(&mut fields, "client_id")?.unwrap_or(default.client_id),
            client_secret: secret(&mut fields, "client_secret")?.unwrap_or(default.client_secret),
            token_life: fields.seconds("token_seconds")?.unwrap_or(default.token_life),
            token_requests: fields.integer("token_requests_per_minute", 0, u32::MAX)?.unwrap_or(default.token_requests),
            rate_limit_headers: fields.flag("rate_limit_headers")?.unwrap_or(default.rate_limit_headers),
            capacity: fields.integer("capacity", 0, u32::MAX)?.unwrap_or(default.capacity),
            refill: fields.integer("refill", 0, u32::MAX)?.unwrap_or(default.refill),
            max_nonce_count: fields.integer("max_nonce_count", 1, 1 << 20)?.unwrap_or(default.max_nonce_count),
            nonce_life: fields.seconds("nonce_seconds")?.unwrap_or(default.nonce_life),
            instances: fields.texts("instances")?,
            groups: fields.take("groups").map(|given| Project::list_from_json(&given)).transpose()?,
            provider: fields
                .choice("provider", &[("AWS", Provider::Aws), ("AZURE", Provider::Azure)])?
                .unwrap_or(default.provider),
            record: fields.flag("record")?.unwrap_or(default.record),
        };
        fields.finish("the emulator")?;
        if config.driven_clock && config.speed != 1.0 {
            return Err(Invalid::new(
                "speed",
                "must be left out with clock=\"driven\", where only advance() moves time",
            ));
        }
        Ok(config)
    }
}

fn loopback(host: &str) -> Result<IpAddr, Invalid> {
    let address = match host {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        "[::1]" => Some(Ipv6Addr::LOCALHOST.into()),
        _ => host.parse::<IpAddr>().ok(),
    };
    address
        .filter(IpAddr::is_loopback)
        .ok_or_else(|| Invalid::new("host", format!("must be a loopback address such as 127.0.0.1, got {host:?}")))
}

/// Half of a key, whatever it is.
fn secret(fields: &mut Fields, name: &'static str) -> Result<Option<String>, Invalid> {
    match fields.take(name) {
        None => Ok(None),
        // A value that is no string breaks the same rule.
        Some(value) => key(name, value.as_str().unwrap_or_default()).map(Some),
    }
}

/// Checks half of a key. The value is not repeated in the error: it may be a secret.
pub(crate) fn key(field: &'static str, value: &str) -> Result<String, Invalid> {
    let allowed = |b: u8| b.is_ascii_graphic() && b != b':' && b != b'"' && b != b'\\';
    if value.is_empty() || !value.bytes().all(allowed) {
        return Err(Invalid::new(field, "must be printable ASCII without spaces, colons, quotes and backslashes"));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(options: Value) -> Result<Config, String> {
        Config::from_json(options.as_object().unwrap().clone()).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn every_refusal_names_the_option_and_its_rule() {
        for (options, message) in [
            (json!({"port": 70000}), "port must be an integer from 0 to 65535, got 70000"),
            (json!({"host": "0.0.0.0"}), "host must be a loopback address such as 127.0.0.1, got \"0.0.0.0\""),
            (json!({"speed": "nan"}), "speed must be a number from 0.001 to 1000000, got \"nan\""),
            (json!({"clock": "driven", "speed": 2}), "speed must be left out with clock=\"driven\""),
            (json!({"private_key": "a secret"}), "private_key must be printable ASCII without spaces"),
            (json!({"instances": "a"}), "instances must be a list of strings, got \"a\""),
            (json!({"record": 1}), "record must be True or False, got 1"),
            (json!({"colour": 1}), "the emulator takes no \"colour\"; there are \"host\", \"port\""),
            (json!({"digest": "basic"}), "digest must be one of \"jetty\", \"rising\""),
        ] {
            let error = read(options).err().unwrap();
            assert!(error.starts_with(message), "{error}");
            assert!(!error.contains("a secret"));
        }
    }

    #[test]
    fn absent_and_null_are_the_default() {
        let config = read(json!({"port": null, "nonce_seconds": 1.5})).unwrap();
        assert_eq!((config.port, config.nonce_life), (0, Duration::from_millis(1500)));
    }
}
