//! What a project's clusters and other endpoints allow: on where clusters are described, unless switched.

use super::super::answer::Answer;
use super::super::clusters::Description;
use super::super::resource::Resource;
use super::dedicated::{cloud_of, is_port_mapped, region_of};
use super::{Context, Families, conflict};
use http::StatusCode;
use serde_json::json;
use std::collections::BTreeMap;

impl Context<'_> {
    fn has_rules(&self) -> bool {
        self.config.rules.unwrap_or_else(|| self.clusters.described(self.group).next().is_some())
    }

    /// Before an endpoint is made, every paused cluster with a node in its region has to be resumed.
    fn refuse_paused_clusters(&self, cloud: &str, region: &str) -> Result<(), Answer> {
        let stands_there = |one: &Description| one.paused && one.is_in_region(cloud, region);
        let paused: Vec<&str> =
            self.clusters.described(self.group).filter(|(_, one)| stands_there(one)).map(|(name, _)| name).collect();
        if paused.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "Cannot create a private endpoint in {region} while clusters with nodes there are paused: {}.",
            paused.join(", ")
        );
        let parameters = std::iter::once(region).chain(paused).map(|text| json!(text)).collect();
        Err(Answer::error(StatusCode::CONFLICT, "PRIVATE_ENDPOINT_CLUSTER_PAUSED", &detail, parameters))
    }
}

impl Families {
    /// Refuses an endpoint on `service` that the project's clusters or its other endpoints do not allow.
    pub(super) fn refuse_by_rules(&mut self, context: &Context<'_>, service: &str) -> Result<(), Answer> {
        if !context.has_rules() {
            return Ok(());
        }
        let regional = self.is_regional(context.group);
        let of_group = self.resources.of(context.group, context.now, context.config);
        let Some(service) = of_group.iter().find(|one| one.id == service) else { return Ok(()) };
        context.refuse_paused_clusters(cloud_of(service), region_of(service))?;
        if regional || fits(of_group, Some(service)) { Ok(()) } else { Err(too_many()) }
    }

    /// Refuses a change of regional mode that the project's clusters or endpoints do not allow.
    pub(super) fn refuse_mode_by_rules(&mut self, context: &Context<'_>, enabled: bool) -> Result<(), Answer> {
        if !context.has_rules() {
            return Ok(());
        }
        if enabled {
            let replica_sets = context.clusters.described(context.group).filter(|(_, one)| !one.is_sharded());
            let names: Vec<_> = replica_sets.map(|(name, _)| json!(name)).collect();
            if names.is_empty() {
                return Ok(());
            }
            let detail = "Regionalized private endpoints can only be enabled where all clusters are sharded.";
            let code = "CANNOT_ENABLE_REGIONAL_MODE_WITH_REPLICA_SETS";
            return Err(Answer::error(StatusCode::CONFLICT, code, detail, names));
        }
        if fits(self.resources.of(context.group, context.now, context.config), None) { Ok(()) } else { Err(too_many()) }
    }
}

/// Without regional mode, over all clouds: one endpoint in each of any number of regions, or several in a single region.
/// A legacy and a port-mapped endpoint of GCP side by side count as one, or nobody could move from one to the other.
fn fits(of_group: &[Resource], one_more_on: Option<&Resource>) -> bool {
    let place = |service: &Resource| (cloud_of(service).to_owned(), region_of(service).to_owned());
    let mut counts: BTreeMap<(String, String), [usize; 2]> = BTreeMap::new();
    let mut count = |service: &Resource| {
        let [legacy, port_mapped] = counts.entry(place(service)).or_default();
        *(if is_port_mapped(service) { port_mapped } else { legacy }) += 1;
    };
    for endpoint in of_group.iter().filter(|one| one.parent.is_some() && !one.is_deleted()) {
        if let Some(service) = of_group.iter().find(|one| Some(&one.id) == endpoint.parent.as_ref()) {
            count(service);
        }
    }
    one_more_on.into_iter().for_each(count);
    counts.len() <= 1 || counts.values().flatten().all(|count| *count <= 1)
}

fn too_many() -> Answer {
    let detail = "Without regionalized private endpoints, a project can have one private endpoint in each region, or \
                  several in a single region.";
    conflict("PRIVATE_ENDPOINT_REGIONAL_LIMIT_EXCEEDED", detail)
}
