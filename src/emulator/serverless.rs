//! Serverless private endpoints: their verbs, and their lives by the clock.

use super::answer::Answer;
use super::config::{Config, Provider, is_in_cloud};
use super::deployment::Connected;
use super::random::Random;
use crate::api::serverless::status;
use crate::api::{ApiVersion, error_code};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

/// 12 bytes whose order is that of creation, as MongoDB makes them: seconds, the process, a counter.
pub(crate) type ObjectId = [u8; 12];

/// Where all instances are.
pub(crate) const REGION: &str = "US_EAST_1";

struct Endpoint {
    status: &'static str,
    /// When the present status ends by itself.
    until: Option<Duration>,
    comment: Option<String>,
    service_name: Option<String>,
    cloud_provider_endpoint_id: Option<String>,
    ip_address: Option<String>,
    error_message: Option<String>,
    available_since: Option<Duration>,
    /// What will go wrong in place of the next step.
    doom: Option<String>,
}

/// All endpoints of all projects.
pub(crate) struct Endpoints {
    groups: HashMap<String, HashMap<String, BTreeMap<ObjectId, Endpoint>>>,
    process: [u8; 5],
    counter: u32,
}

/// One request's view: which instance, in which version, and what time it is.
pub(crate) struct Call<'a> {
    pub(crate) version: ApiVersion,
    pub(crate) group: &'a str,
    pub(crate) instance: &'a str,
    pub(crate) now: Duration,
    pub(crate) config: &'a Config,
    /// The only private endpoints that the cloud has, if there is a list of them.
    pub(crate) cloud_endpoints: Option<&'a [String]>,
}

impl Endpoints {
    pub(crate) fn new(random: &mut Random) -> Self {
        let [a, b, c, d, e, ..] = random.next().to_be_bytes();
        // The counter starts low enough not to wrap, so that ids stay in the order of creation.
        let counter = (random.next() & 0x3f_ffff) as u32;
        Self { groups: HashMap::new(), process: [a, b, c, d, e], counter }
    }

    pub(crate) fn create(
        &mut self,
        call: &Call<'_>,
        body: &Map<String, Value>,
        doomed: &mut VecDeque<String>,
    ) -> Answer {
        if let Err(answer) = only(call.version, body, &["comment"]) {
            return answer;
        }
        let comment = match comment(call.version, body) {
            Ok(comment) => comment,
            Err(answer) => return answer,
        };
        let id = self.next_id(call.now);
        let endpoint = Endpoint {
            status: status::RESERVATION_REQUESTED,
            until: Some(call.now + call.config.reservation),
            comment,
            service_name: None,
            cloud_provider_endpoint_id: None,
            ip_address: None,
            error_message: None,
            available_since: None,
            doom: doomed.pop_front(),
        };
        let answer = Answer::new(StatusCode::CREATED, Some(endpoint.to_json(&id, call.version, call.config.provider)));
        let instances = self.groups.entry(call.group.to_owned()).or_default();
        instances.entry(call.instance.to_owned()).or_default().insert(id, endpoint);
        answer
    }

    pub(crate) fn list(&mut self, call: &Call<'_>, random: &mut Random) -> Answer {
        Answer::new(StatusCode::OK, Some(Value::Array(self.all(call, random))))
    }

    /// The endpoints of one instance, oldest first.
    fn all(&mut self, call: &Call<'_>, random: &mut Random) -> Vec<Value> {
        let Some(endpoints) = self.groups.get_mut(call.group).and_then(|group| group.get_mut(call.instance)) else {
            return Vec::new();
        };
        endpoints.retain(|id, endpoint| endpoint.settle(id, call.now, call.config, random));
        endpoints.iter().map(|(id, endpoint)| endpoint.to_json(id, call.version, call.config.provider)).collect()
    }

    pub(crate) fn get(&mut self, call: &Call<'_>, id: &str, random: &mut Random) -> Answer {
        match self.find(call, id, random) {
            Err(answer) => answer,
            Ok((id, endpoint)) => {
                Answer::new(StatusCode::OK, Some(endpoint.to_json(&id, call.version, call.config.provider)))
            }
        }
    }

    pub(crate) fn update(
        &mut self,
        call: &Call<'_>,
        id: &str,
        body: &Map<String, Value>,
        random: &mut Random,
    ) -> Answer {
        match self.try_update(call, id, body, random) {
            Ok(answer) | Err(answer) => answer,
        }
    }

    fn try_update(
        &mut self,
        call: &Call<'_>,
        id: &str,
        body: &Map<String, Value>,
        random: &mut Random,
    ) -> Result<Answer, Answer> {
        let Call { version, config, .. } = *call;
        only(version, body, &["providerName", "cloudProviderEndpointId", "privateEndpointIpAddress", "comment"])?;
        match text(version, body, "providerName")? {
            Some(name) if name == config.provider.name() => {}
            Some(_) => {
                let why = format!("The instance is in {}.", config.provider.name());
                return Err(Answer::invalid_attribute(version, "providerName", &why));
            }
            None => {
                return Err(Answer::error(
                    StatusCode::BAD_REQUEST,
                    "MISSING_ATTRIBUTE",
                    "The required attribute providerName was not specified.",
                    vec![json!("providerName")],
                ));
            }
        }
        let comment = comment(version, body)?;
        let cloud_id = text(version, body, "cloudProviderEndpointId")?;
        let ip_address = text(version, body, "privateEndpointIpAddress")?;
        if cloud_id.is_some_and(|id| !is_cloud_id(config.provider, id)) {
            let why = format!("It is no id of a private endpoint in {}.", config.provider.name());
            return Err(Answer::invalid_attribute(version, "cloudProviderEndpointId", &why));
        }
        if let Some(address) = ip_address {
            let valid = config.provider == Provider::Azure && address.parse::<std::net::IpAddr>().is_ok();
            if !valid {
                let why = "It must be an IP address, and is for Azure only.";
                return Err(Answer::invalid_attribute(version, "privateEndpointIpAddress", why));
            }
        }
        let (id, endpoint) = self.find(call, id, random)?;
        if cloud_id.is_some() || ip_address.is_some() {
            if endpoint.status != status::RESERVED {
                return Err(Answer::error(
                    StatusCode::BAD_REQUEST,
                    error_code::TENANT_PRIVATE_ENDPOINT_PROVIDER_UPDATE_INVALID,
                    "The cloud provider endpoint can only be set while the private endpoint is RESERVED.",
                    vec![],
                ));
            }
            if config.provider == Provider::Azure && (cloud_id.is_none() || ip_address.is_none()) {
                let why = "Azure needs cloudProviderEndpointId and privateEndpointIpAddress together.";
                return Err(Answer::invalid_attribute(version, "cloudProviderEndpointId", why));
            }
            let lower = config.provider == Provider::Azure && config.azure_ids_in_lower_case;
            endpoint.cloud_provider_endpoint_id =
                cloud_id.map(|id| if lower { id.to_ascii_lowercase() } else { id.to_owned() });
            let lost = cloud_id.filter(|id| !is_in_cloud(call.cloud_endpoints, id));
            endpoint.doom = lost.map(|id| format!("No private endpoint {id} leads to this endpoint service."));
            endpoint.ip_address = ip_address.map(str::to_owned);
            endpoint.status = status::INITIATING;
            endpoint.until = Some(call.now + config.connection);
        }
        if comment.is_some() {
            endpoint.comment = comment;
        }
        Ok(Answer::new(StatusCode::OK, Some(endpoint.to_json(&id, version, config.provider))))
    }

    pub(crate) fn delete(&mut self, call: &Call<'_>, id: &str, random: &mut Random) -> Answer {
        match self.find(call, id, random) {
            Err(answer) => answer,
            Ok((_, endpoint)) => {
                if endpoint.status != status::DELETING {
                    endpoint.status = status::DELETING;
                    endpoint.until = Some(call.now + call.config.deletion);
                }
                Answer::new(StatusCode::NO_CONTENT, None)
            }
        }
    }

    /// Endpoints as v2 sends them, of one project or instance or of all.
    pub(crate) fn export(
        &mut self,
        config: &Config,
        now: Duration,
        group: Option<&str>,
        instance: Option<&str>,
        random: &mut Random,
    ) -> Vec<Value> {
        let mut chosen: Vec<(String, String)> = Vec::new();
        for (group_id, instances) in &self.groups {
            if group.is_none_or(|wanted| wanted == group_id) {
                let names = instances.keys().filter(|name| instance.is_none_or(|wanted| wanted == *name));
                chosen.extend(names.map(|name| (group_id.clone(), name.clone())));
            }
        }
        chosen.sort();
        let mut all = Vec::new();
        for (group, instance) in &chosen {
            let call = Call { version: ApiVersion::V2, group, instance, now, config, cloud_endpoints: None };
            all.extend(self.all(&call, random));
        }
        all
    }

    fn find(&mut self, call: &Call<'_>, id: &str, random: &mut Random) -> Result<(ObjectId, &mut Endpoint), Answer> {
        let missing = || {
            let detail = format!("No private endpoint with ID {id} exists for instance {}.", call.instance);
            let code = error_code::TENANT_PRIVATE_ENDPOINT_NOT_FOUND;
            Answer::error(StatusCode::NOT_FOUND, code, &detail, vec![json!(id), json!(call.instance)])
        };
        let key = object_id(id).ok_or_else(missing)?;
        let endpoints = self.groups.get_mut(call.group).and_then(|group| group.get_mut(call.instance));
        let endpoints = endpoints.ok_or_else(missing)?;
        let alive = endpoints.get_mut(&key).is_some_and(|e| e.settle(&key, call.now, call.config, random));
        if !alive {
            endpoints.remove(&key);
        }
        Ok((key, endpoints.get_mut(&key).ok_or_else(missing)?))
    }

    /// Another id, in the order of creation, for whatever is made next.
    pub(crate) fn new_id(&mut self, now: Duration) -> String {
        hex(&self.next_id(now))
    }

    /// The connected endpoints of an instance.
    pub(crate) fn connected(&mut self, call: &Call<'_>, random: &mut Random) -> Vec<Connected> {
        self.all(call, random);
        let endpoints = self.groups.get(call.group).and_then(|group| group.get(call.instance));
        let connected = |endpoint: &Endpoint| {
            let since = endpoint.available_since.filter(|_| endpoint.status == status::AVAILABLE)?;
            let id = endpoint.cloud_provider_endpoint_id.clone()?;
            Some(Connected { id, cloud: call.config.provider.name().to_owned(), region: REGION.to_owned(), since })
        };
        endpoints.into_iter().flat_map(BTreeMap::values).filter_map(connected).collect()
    }

    fn next_id(&mut self, now: Duration) -> ObjectId {
        let [s0, s1, s2, s3] = (now.as_secs() as u32).to_be_bytes();
        let [_, c0, c1, c2] = self.counter.to_be_bytes();
        let [p0, p1, p2, p3, p4] = self.process;
        self.counter = self.counter.wrapping_add(1);
        [s0, s1, s2, s3, p0, p1, p2, p3, p4, c0, c1, c2]
    }
}

impl Endpoint {
    /// Catches up with the clock; false when nothing is left of it.
    fn settle(&mut self, id: &ObjectId, now: Duration, config: &Config, random: &mut Random) -> bool {
        while let Some(until) = self.until.filter(|until| *until <= now) {
            self.until = None;
            match self.status {
                // nobody connected it in time
                status::DELETING | status::RESERVED => return false,
                present => match self.doom.take() {
                    Some(message) => {
                        self.status = status::FAILED;
                        self.error_message = Some(message);
                    }
                    None if present == status::INITIATING => {
                        self.status = status::AVAILABLE;
                        self.available_since = Some(until);
                    }
                    None => {
                        self.status = status::RESERVED;
                        self.until = Some(until + config.reservation_expiry);
                        self.service_name = Some(match config.provider {
                            Provider::Aws => format!("com.amazonaws.vpce.us-east-1.vpce-svc-{}", random.hex(17)),
                            Provider::Azure => format!("pls_{}", hex(id)),
                        });
                    }
                },
            }
        }
        true
    }

    fn to_json(&self, id: &ObjectId, version: ApiVersion, provider: Provider) -> Value {
        let mut json = json!({
            "_id": hex(id),
            "cloudProviderEndpointId": self.cloud_provider_endpoint_id,
            "comment": self.comment,
            "endpointServiceName": self.service_name,
            "errorMessage": self.error_message,
            "status": self.status,
        });
        if let Value::Object(fields) = &mut json {
            if version == ApiVersion::V2 {
                fields.insert("providerName".to_owned(), json!(provider.name()));
            }
            if provider == Provider::Azure {
                let service = self.service_name.as_ref().map(|name| {
                    format!(
                        "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/emulator/providers/\
                         Microsoft.Network/privateLinkServices/{name}"
                    )
                });
                fields.insert("privateEndpointIpAddress".to_owned(), json!(self.ip_address));
                fields.insert("privateLinkServiceResourceId".to_owned(), json!(service));
            }
        }
        json
    }
}

pub(crate) fn is_cloud_id(provider: Provider, id: &str) -> bool {
    match provider {
        // The specification says 17 digits, and the original page's own example has 19.
        Provider::Aws => id
            .strip_prefix("vpce-")
            .is_some_and(|digits| digits.len() >= 8 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))),
        Provider::Azure => {
            let id = id.to_ascii_lowercase();
            id.starts_with("/subscriptions/") && id.contains("/microsoft.network/privateendpoints/")
        }
    }
}

fn only(version: ApiVersion, body: &Map<String, Value>, known: &[&str]) -> Result<(), Answer> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Answer::invalid_attribute(version, name, "")),
    }
}

fn text<'a>(version: ApiVersion, body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Answer> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Answer::invalid_attribute(version, name, "It must be a string.")),
    }
}

fn comment(version: ApiVersion, body: &Map<String, Value>) -> Result<Option<String>, Answer> {
    match text(version, body, "comment")? {
        Some(comment) if comment.chars().count() >= 80 => {
            Err(Answer::invalid_attribute(version, "comment", "It must be less than 80 characters."))
        }
        comment => Ok(comment.map(str::to_owned)),
    }
}

fn hex(id: &ObjectId) -> String {
    let mut text = String::with_capacity(24);
    for byte in id {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn object_id(text: &str) -> Option<ObjectId> {
    if text.len() != 24 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut id = [0; 12];
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_creation_and_say_when() {
        let mut endpoints = Endpoints::new(&mut Random::new());
        let ids: Vec<ObjectId> = (0..5).map(|s| endpoints.next_id(Duration::from_secs(0x5f7c_ac1a + s / 3))).collect();
        assert!(ids.is_sorted());
        assert!(hex(&ids[0]).starts_with("5f7cac1a"));
        assert_eq!(object_id(&hex(&ids[4])), Some(ids[4]));
        assert_eq!(ids[0][4..9], ids[4][4..9]);
        for bad in ["", "5F7CAC1ADF5D6C6306F4B283", "+f7cac1adf5d6c6306f4b283", "5f7cac1adf5d6c6306f4b28"] {
            assert_eq!(object_id(bad), None);
        }
    }

    #[test]
    fn a_life_follows_the_clock() {
        let config = Config::default();
        let mut random = Random::new();
        let mut endpoints = Endpoints::new(&mut random);
        let at = |seconds| Call {
            version: ApiVersion::V2,
            group: "g",
            instance: "i",
            now: Duration::from_secs(seconds),
            config: &config,
            cloud_endpoints: None,
        };
        let made = endpoints.create(&at(100), &Map::new(), &mut VecDeque::new());
        assert_eq!(made.status, 201);
        let id = made.content.unwrap()["_id"].as_str().unwrap().to_owned();
        let mut status = |seconds| endpoints.get(&at(seconds), &id, &mut random).content.unwrap();
        assert_eq!(status(189)["status"], "RESERVATION_REQUESTED");
        assert_eq!(status(189)["endpointServiceName"], Value::Null);
        assert_eq!(status(190)["status"], "RESERVED");
        let body = json!({"providerName": "AWS", "cloudProviderEndpointId": "vpce-fcac938279cd98dc894"});
        let patched = endpoints.update(&at(200), &id, body.as_object().unwrap(), &mut random);
        assert_eq!(patched.content.unwrap()["status"], "INITIATING");
        let again = endpoints.update(&at(201), &id, body.as_object().unwrap(), &mut random);
        assert_eq!(again.content.unwrap()["errorCode"], "TENANT_PRIVATE_ENDPOINT_PROVIDER_UPDATE_INVALID");
        assert_eq!(endpoints.get(&at(290), &id, &mut random).content.unwrap()["status"], "AVAILABLE");
        assert_eq!(endpoints.delete(&at(300), &id, &mut random).status, 204);
        assert_eq!(endpoints.delete(&at(310), &id, &mut random).status, 204);
        assert_eq!(endpoints.get(&at(329), &id, &mut random).content.unwrap()["status"], "DELETING");
        assert_eq!(endpoints.get(&at(330), &id, &mut random).status, 404);
        assert!(endpoints.export(&config, Duration::ZERO, None, None, &mut random).is_empty());
    }

    #[test]
    fn a_leap_of_the_clock_skips_no_step() {
        let config = Config::default();
        let mut random = Random::new();
        let mut endpoints = Endpoints::new(&mut random);
        let at = |seconds| Call {
            version: ApiVersion::V2,
            group: "g",
            instance: "i",
            now: Duration::from_secs(seconds),
            config: &config,
            cloud_endpoints: None,
        };
        endpoints.create(&at(0), &Map::new(), &mut VecDeque::new());
        // reserved at 90, and nobody connected it for a day
        let listed = endpoints.list(&at(90 + 86_400), &mut random).content.unwrap();
        assert_eq!(listed, json!([]));
    }
}
