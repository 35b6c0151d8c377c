//! The clusters of all projects: those that are described, and those of which only a name is known.

use super::fields::Fields;
use super::regions;
use crate::api::Invalid;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A cluster that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The project that it is in; `None` for every project.
    pub group: Option<String>,
    /// What is known of it beyond its name.
    pub description: Option<Description>,
}

/// A cluster as Atlas describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its regions by Atlas's names, each with its cloud, in the order of their priority.
    pub regions: Vec<(String, String)>,
    /// `M10`, or `M0` for a free cluster, or `FLEX`.
    pub instance_size: String,
    /// `REPLICASET`, `SHARDED` or `GEOSHARDED`.
    pub cluster_type: &'static str,
    /// Whether it is paused.
    pub paused: bool,
    /// `IDLE`, or what is being done to it.
    pub state: String,
}

const PROVIDERS: [(&str, &str); 4] = [("AWS", "AWS"), ("AZURE", "AZURE"), ("GCP", "GCP"), ("TENANT", "TENANT")];
const CLOUDS: [(&str, &str); 3] = [("AWS", "AWS"), ("AZURE", "AZURE"), ("GCP", "GCP")];
const TYPES: [(&str, &str); 3] = [("REPLICASET", "REPLICASET"), ("SHARDED", "SHARDED"), ("GEOSHARDED", "GEOSHARDED")];

impl Cluster {
    /// Reads a list of names and descriptions.
    ///
    /// # Errors
    /// What is neither.
    pub(crate) fn list_from_json(value: &Value) -> Result<Vec<Self>, Invalid> {
        let rule =
            |value: &Value| Invalid::new("clusters", format!("must be a list of names and mappings, got {value}"));
        let items = value.as_array().ok_or_else(|| rule(value))?;
        let read = items.iter().map(|item| match item {
            Value::String(name) => Ok(Self { name: name.clone(), group: None, description: None }),
            Value::Object(fields) => Self::from_json(fields.clone())
                .map_err(|invalid| Invalid::new("clusters", format!("must hold clusters, and in {item} {invalid}"))),
            _ => Err(rule(value)),
        });
        read.collect()
    }

    fn from_json(fields: Map<String, Value>) -> Result<Self, Invalid> {
        let mut fields = Fields::new(fields);
        let name = fields.text("name")?.ok_or_else(|| Invalid::new("name", "is missing"))?;
        let group = fields.text("group")?;
        let provider = fields.choice("provider", &PROVIDERS)?.unwrap_or("AWS");
        let backing = fields.choice("backing_provider", &CLOUDS)?;
        if backing.is_some() && provider != "TENANT" {
            return Err(Invalid::new("backing_provider", "must be left out: only \"TENANT\" has it"));
        }
        let cloud = if provider == "TENANT" { backing.unwrap_or("AWS") } else { provider };
        let regions = match fields.take("regions") {
            Some(Value::Array(regions)) if !regions.is_empty() => regions,
            other => {
                let given = other.unwrap_or_default();
                return Err(Invalid::new("regions", format!("must be a list of one region or more, got {given}")));
            }
        };
        let regions: Result<Vec<_>, Invalid> = regions.iter().map(|region| region_from_json(cloud, region)).collect();
        let usual = if provider == "TENANT" { "M0" } else { "M10" };
        let instance_size = fields.text("instance_size")?.unwrap_or_else(|| usual.to_owned());
        let description = Description {
            regions: regions?,
            instance_size,
            cluster_type: fields.choice("cluster_type", &TYPES)?.unwrap_or("REPLICASET"),
            paused: fields.flag("paused")?.unwrap_or(false),
            state: fields.text("state")?.unwrap_or_else(|| "IDLE".to_owned()),
        };
        fields.finish("a cluster")?;
        if provider == "TENANT" && !description.is_tenant() {
            return Err(Invalid::new("provider", "must be the cloud itself: only M0, M2, M5 and FLEX are \"TENANT\""));
        }
        Ok(Self { name, group, description: Some(description) })
    }

    fn is_in(&self, group: &str) -> bool {
        self.group.as_deref().is_none_or(|own| own == group)
    }
}

/// A region in the cluster's cloud, or in another one: `{"provider": "AZURE", "region": "eastus2"}`.
fn region_from_json(cloud: &str, region: &Value) -> Result<(String, String), Invalid> {
    match region {
        Value::String(name) => Ok((cloud.to_owned(), regions::atlas_name(cloud, name))),
        Value::Object(fields) => {
            let mut fields = Fields::new(fields.clone());
            let cloud = fields.choice("provider", &CLOUDS)?.unwrap_or("AWS");
            let name = fields.text("region")?.ok_or_else(|| Invalid::new("region", "is missing"))?;
            fields.finish("a region")?;
            Ok((cloud.to_owned(), regions::atlas_name(cloud, &name)))
        }
        other => Err(Invalid::new("regions", format!("must hold names of regions, got {other}"))),
    }
}

impl Description {
    pub(crate) fn is_flex(&self) -> bool {
        self.instance_size == "FLEX"
    }

    /// Whether it shares its machines with other clusters, and so has no private endpoints.
    pub(crate) fn is_tenant(&self) -> bool {
        matches!(self.instance_size.as_str(), "M0" | "M2" | "M5" | "FLEX")
    }

    pub(crate) fn is_sharded(&self) -> bool {
        self.cluster_type != "REPLICASET"
    }

    pub(crate) fn is_in_region(&self, cloud: &str, region: &str) -> bool {
        self.regions.iter().any(|(own, name)| own == cloud && name == region)
    }

    /// What Atlas says about it beside its strings; `legacy` in the shape of v1.0 and of v2's first version.
    pub(crate) fn to_json(&self, id: &str, legacy: bool) -> Map<String, Value> {
        let mut json = Map::new();
        let mut set = |name: &str, value: Value| json.insert(name.to_owned(), value);
        set("id", json!(id));
        set("clusterType", json!(self.cluster_type));
        set("paused", json!(self.paused));
        set("stateName", json!(self.state));
        set("mongoDBMajorVersion", json!("8.0"));
        set("mongoDBVersion", json!("8.0.13"));
        let all: Vec<usize> = (0..self.regions.len()).collect();
        // one set of nodes for each shard, or for each zone
        let zones: Vec<Vec<usize>> = match self.cluster_type {
            "GEOSHARDED" => all.iter().map(|one| vec![*one]).collect(),
            "SHARDED" => vec![all.clone(), all],
            _ => vec![all],
        };
        if legacy {
            set("providerSettings", self.provider_settings());
        }
        let specs = zones.iter().enumerate().map(|(number, regions)| {
            let zone = if self.cluster_type == "GEOSHARDED" { number + 1 } else { 1 };
            let (name, configs) = self.region_configs(regions, legacy);
            json!({"id": id_of(&format!("{id}/{number}")), "zoneName": format!("Zone {zone}"), name: configs})
        });
        set("replicationSpecs", specs.collect());
        json
    }

    fn provider_settings(&self) -> Value {
        let (cloud, region) = self.regions.first().cloned().unwrap_or_default();
        let mut settings = json!({"instanceSizeName": self.instance_size, "regionName": region, "providerName": cloud});
        if let (true, Value::Object(fields)) = (self.is_tenant(), &mut settings) {
            fields.insert("providerName".to_owned(), json!("TENANT"));
            fields.insert("backingProviderName".to_owned(), json!(cloud));
        }
        settings
    }

    fn region_configs(&self, regions: &[usize], legacy: bool) -> (&'static str, Value) {
        let chosen = regions.iter().filter_map(|at| self.regions.get(*at));
        // an odd number of nodes elects
        let first = if regions.len() == 1 { 3 } else { 2 - regions.len() % 2 };
        let places = chosen.enumerate().map(|(number, (cloud, region))| {
            (cloud, region, 7_usize.saturating_sub(number), if number == 0 { first } else { 1 })
        });
        if legacy {
            let configs = places.map(|(_, region, priority, nodes)| {
                let config =
                    json!({"electableNodes": nodes, "priority": priority, "readOnlyNodes": 0, "analyticsNodes": 0});
                (region.clone(), config)
            });
            return ("regionsConfig", Value::Object(configs.collect()));
        }
        let configs = places.map(|(cloud, region, priority, nodes)| {
            let mut config = json!({
                "providerName": if self.is_tenant() { "TENANT" } else { cloud },
                "regionName": region,
                "priority": priority,
                "electableSpecs": {"instanceSize": self.instance_size},
            });
            if let Value::Object(fields) = &mut config {
                if self.is_tenant() {
                    fields.insert("backingProviderName".to_owned(), json!(cloud));
                } else if let Some(Value::Object(specs)) = fields.get_mut("electableSpecs") {
                    specs.insert("nodeCount".to_owned(), json!(nodes));
                }
            }
            config
        });
        ("regionConfigs", configs.collect())
    }
}

/// The same 24 hexadecimal digits whenever the same thing is asked for.
pub(crate) fn id_of(what: &str) -> String {
    // FNV-1a, twice: it has to be stable, not secret
    let hash =
        |seed: u64| what.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut id = format!("{:016x}{:016x}", hash(0xcbf2_9ce4_8422_2325), hash(0x8422_2325_cbf2_9ce4));
    id.truncate(24);
    id
}

/// The clusters there are.
#[derive(Default)]
pub(crate) struct Clusters {
    /// `None`: any name is a cluster's.
    known: Option<Vec<Cluster>>,
    /// The names that were asked for and taken, by project.
    asked: BTreeMap<String, BTreeSet<String>>,
}

/// What a name stands for.
pub(crate) enum Found<'a> {
    Described(&'a Description),
    Undescribed,
    Missing,
}

impl Clusters {
    pub(crate) fn new(known: Option<Vec<Cluster>>) -> Self {
        Self { known, asked: BTreeMap::new() }
    }

    /// Puts others in their place.
    pub(crate) fn set(&mut self, known: Option<Vec<Cluster>>) {
        self.known = known;
    }

    fn of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Cluster> {
        self.known.iter().flatten().filter(move |one| one.is_in(group))
    }

    /// What that name is, in that project. A name that is only taken because any is, is remembered.
    pub(crate) fn ask(&mut self, group: &str, name: &str) -> Found<'_> {
        if self.known.is_none() {
            self.asked.entry(group.to_owned()).or_default().insert(name.to_owned());
            return Found::Undescribed;
        }
        match self.known.iter().flatten().find(|one| one.is_in(group) && one.name == name) {
            Some(Cluster { description: Some(description), .. }) => Found::Described(description),
            Some(_) => Found::Undescribed,
            None => Found::Missing,
        }
    }

    /// The clusters that a list of that project shows: Flex clusters are in a list of their own.
    pub(crate) fn listed(&self, group: &str) -> Vec<(String, Option<Description>)> {
        let asked = if self.known.is_none() { self.asked.get(group) } else { None };
        let asked = asked.into_iter().flatten().map(|name| (name.clone(), None));
        let known = self.of(group).filter(|one| !one.description.as_ref().is_some_and(Description::is_flex));
        known.map(|one| (one.name.clone(), one.description.clone())).chain(asked).collect()
    }

    /// The clusters of a project that can have private endpoints, as far as they are described.
    pub(crate) fn described<'a>(&'a self, group: &'a str) -> impl Iterator<Item = (&'a str, &'a Description)> {
        let all = self.of(group).filter_map(|one| Some((one.name.as_str(), one.description.as_ref()?)));
        all.filter(|(_, description)| !description.is_tenant())
    }

    /// The projects that descriptions name.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.known.iter().flatten().filter_map(|one| one.group.as_deref())
    }
}
