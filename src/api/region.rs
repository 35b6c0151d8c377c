//! The clouds' regions: one table for each cloud, and the one conversion between the two names of a region.
//!
//! A region has the cloud's own name (`us-east-1`, `eastus2`, `europe-west3`) and Atlas's (`US_EAST_1`, `US_EAST_2`,
//! `EUROPE_WEST_3`). Callers may write either, in any case and with either separator.

use crate::api::{CloudProvider, Invalid, validate};

/// Amazon's own names, and Atlas's word for all of them; Atlas's names follow by rule.
const AWS: [&str; 39] = [
    "global",
    "us-gov-west-1",
    "us-gov-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "ca-west-1",
    "mx-central-1",
    "sa-east-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ap-south-1",
    "ap-south-2",
    "cn-north-1",
    "cn-northwest-1",
    "me-south-1",
    "me-central-1",
    "il-central-1",
    "af-south-1",
];
/// Atlas's names and Azure's, which follow no rule.
const AZURE: [(&str, &str); 56] = [
    ("US_CENTRAL", "centralus"),
    ("US_EAST", "eastus"),
    ("US_EAST_2", "eastus2"),
    ("US_NORTH_CENTRAL", "northcentralus"),
    ("US_WEST", "westus"),
    ("US_SOUTH_CENTRAL", "southcentralus"),
    ("EUROPE_NORTH", "northeurope"),
    ("EUROPE_WEST", "westeurope"),
    ("US_WEST_CENTRAL", "westcentralus"),
    ("US_WEST_2", "westus2"),
    ("US_WEST_3", "westus3"),
    ("CANADA_EAST", "canadaeast"),
    ("CANADA_CENTRAL", "canadacentral"),
    ("BRAZIL_SOUTH", "brazilsouth"),
    ("BRAZIL_SOUTHEAST", "brazilsoutheast"),
    ("AUSTRALIA_CENTRAL", "australiacentral"),
    ("AUSTRALIA_CENTRAL_2", "australiacentral2"),
    ("AUSTRALIA_EAST", "australiaeast"),
    ("AUSTRALIA_SOUTH_EAST", "australiasoutheast"),
    ("GERMANY_WEST_CENTRAL", "germanywestcentral"),
    ("GERMANY_NORTH", "germanynorth"),
    ("SWEDEN_CENTRAL", "swedencentral"),
    ("SWEDEN_SOUTH", "swedensouth"),
    ("SWITZERLAND_NORTH", "switzerlandnorth"),
    ("SWITZERLAND_WEST", "switzerlandwest"),
    ("UK_SOUTH", "uksouth"),
    ("UK_WEST", "ukwest"),
    ("NORWAY_EAST", "norwayeast"),
    ("NORWAY_WEST", "norwaywest"),
    ("INDIA_CENTRAL", "centralindia"),
    ("INDIA_SOUTH", "southindia"),
    ("INDIA_WEST", "westindia"),
    ("CHINA_EAST", "chinaeast"),
    ("CHINA_NORTH", "chinanorth"),
    ("ASIA_EAST", "eastasia"),
    ("JAPAN_EAST", "japaneast"),
    ("JAPAN_WEST", "japanwest"),
    ("ASIA_SOUTH_EAST", "southeastasia"),
    ("KOREA_CENTRAL", "koreacentral"),
    ("KOREA_SOUTH", "koreasouth"),
    ("FRANCE_CENTRAL", "francecentral"),
    ("FRANCE_SOUTH", "francesouth"),
    ("SOUTH_AFRICA_NORTH", "southafricanorth"),
    ("SOUTH_AFRICA_WEST", "southafricawest"),
    ("UAE_CENTRAL", "uaecentral"),
    ("UAE_NORTH", "uaenorth"),
    ("QATAR_CENTRAL", "qatarcentral"),
    ("POLAND_CENTRAL", "polandcentral"),
    ("ISRAEL_CENTRAL", "israelcentral"),
    ("ITALY_NORTH", "italynorth"),
    ("SPAIN_CENTRAL", "spaincentral"),
    ("MEXICO_CENTRAL", "mexicocentral"),
    ("NEW_ZEALAND_NORTH", "newzealandnorth"),
    ("US_GOV_VIRGINIA", "usgovvirginia"),
    ("US_GOV_ARIZONA", "usgovarizona"),
    ("US_GOV_TEXAS", "usgovtexas"),
];

/// Google's own names, where Atlas's follow by rule.
const GCP: [&str; 26] = [
    "africa-south1",
    "asia-east2",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast2",
    "australia-southeast1",
    "australia-southeast2",
    "europe-central2",
    "europe-north1",
    "europe-southwest1",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "europe-west10",
    "europe-west12",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west2",
    "us-west3",
    "us-west4",
];
/// Atlas's names and Google's, where they follow no rule.
const GCP_IRREGULAR: [(&str, &str); 15] = [
    ("EASTERN_US", "us-east1"),
    ("CENTRAL_US", "us-central1"),
    ("WESTERN_US", "us-west1"),
    ("WESTERN_EUROPE", "europe-west1"),
    ("EASTERN_ASIA_PACIFIC", "asia-east1"),
    ("NORTHEASTERN_ASIA_PACIFIC", "asia-northeast1"),
    ("SOUTHEASTERN_ASIA_PACIFIC", "asia-southeast1"),
    ("NORTH_AMERICA_NORTHEAST_1", "northamerica-northeast1"),
    ("NORTH_AMERICA_NORTHEAST_2", "northamerica-northeast2"),
    ("NORTH_AMERICA_SOUTH_1", "northamerica-south1"),
    ("SOUTH_AMERICA_EAST_1", "southamerica-east1"),
    ("SOUTH_AMERICA_WEST_1", "southamerica-west1"),
    ("MIDDLE_EAST_WEST_1", "me-west1"),
    ("MIDDLE_EAST_CENTRAL_1", "me-central1"),
    ("MIDDLE_EAST_CENTRAL_2", "me-central2"),
];
/// What Atlas appends to Google's regions for Assured Workloads.
const ASSURED_WORKLOADS: &str = "_AW";

/// A region by both of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The cloud's own name.
    pub cloud: String,
    /// Atlas's name.
    pub atlas: String,
    /// Whether it is in the table. Otherwise the names follow by rule, and may be wrong.
    pub is_known: bool,
}

impl CloudProvider {
    /// The names of the region that is called so, by the cloud or by Atlas, in any case and with either separator.
    pub fn region(self, name: &str) -> Region {
        if let Some((atlas, cloud)) = self.known_region(name) {
            return Region { cloud, atlas, is_known: true };
        }
        if self == Self::Gcp
            && let Some(place) = without_assured_workloads(name)
        {
            let Region { cloud, atlas, is_known } = self.region(place);
            return Region { cloud, atlas: atlas + ASSURED_WORKLOADS, is_known };
        }
        Region { cloud: self.cloud_region_by_rule(name), atlas: self.atlas_region_by_rule(name), is_known: false }
    }

    /// The cloud's own name of a region, from either name: `us-east-1` from `US_EAST_1`, `us-central1` from `CENTRAL_US`.
    pub fn cloud_region(self, name: &str) -> String {
        self.region(name).cloud
    }

    /// Atlas's name of a region, from either name.
    pub fn atlas_region(self, name: &str) -> String {
        self.region(name).atlas
    }

    /// The regions of the table, as Atlas's name and the cloud's.
    pub fn known_regions(self) -> impl Iterator<Item = (String, &'static str)> {
        let (regular, irregular): (&[&'static str], &[(&str, &'static str)]) = match self {
            Self::Aws => (&AWS, &[]),
            Self::Azure => (&[], &AZURE),
            Self::Gcp => (&GCP, &GCP_IRREGULAR),
        };
        let by_rule = regular.iter().map(move |cloud| (self.atlas_region_by_rule(cloud), *cloud));
        by_rule.chain(irregular.iter().map(|(atlas, cloud)| ((*atlas).to_owned(), *cloud)))
    }

    fn known_region(self, name: &str) -> Option<(String, String)> {
        let wanted = squashed(name);
        let (atlas, cloud) =
            self.known_regions().find(|(atlas, cloud)| squashed(cloud) == wanted || squashed(atlas) == wanted)?;
        Some((atlas, cloud.to_owned()))
    }

    fn cloud_region_by_rule(self, name: &str) -> String {
        let words = name.to_ascii_lowercase().replace('_', "-");
        match self {
            Self::Aws => words,
            Self::Azure => words.replace('-', ""),
            // the number is part of the last word: EUROPE_WEST_3 is europe-west3
            Self::Gcp => match words.rsplit_once('-') {
                Some((place, number)) if number.bytes().all(|b| b.is_ascii_digit()) => format!("{place}{number}"),
                _ => words,
            },
        }
    }

    fn atlas_region_by_rule(self, name: &str) -> String {
        let words = name.to_ascii_uppercase().replace('-', "_");
        match (self, words.find(|c: char| c.is_ascii_digit())) {
            (Self::Gcp, Some(at)) if words.get(..at).is_some_and(|place| !place.ends_with('_')) => {
                let (place, number) = words.split_at(at);
                format!("{place}_{number}")
            }
            _ => words,
        }
    }
}

/// A name without what spellings differ in.
fn squashed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn without_assured_workloads(name: &str) -> Option<&str> {
    let (place, suffix) = name.split_at_checked(name.len().checked_sub(ASSURED_WORKLOADS.len())?)?;
    (!place.is_empty() && suffix.replace('-', "_").eq_ignore_ascii_case(ASSURED_WORKLOADS)).then_some(place)
}

/// A region's name, the cloud's own or Atlas's.
///
/// # Errors
/// What no region is called.
pub fn check_region(field: &'static str, name: &str) -> Result<(), Invalid> {
    let sound = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if sound && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) {
        return Ok(());
    }
    let rule =
        format!("must be a region's name such as \"us-east-1\" or \"US_EAST_1\", got {}", validate::quoted(name));
    Err(Invalid::new(field, rule))
}

#[cfg(test)]
mod tests {
    use super::{CloudProvider, Region};
    use CloudProvider::{Aws, Azure, Gcp};
    use std::collections::HashSet;

    fn spellings(name: &str) -> [String; 6] {
        let (dashes, underscores) = (name.replace('_', "-"), name.replace('-', "_"));
        [
            dashes.to_lowercase(),
            dashes.to_uppercase(),
            underscores.to_lowercase(),
            underscores.to_uppercase(),
            name.to_owned(),
            name.to_lowercase(),
        ]
    }

    #[test]
    fn every_region_in_every_spelling_there_and_back() {
        for provider in [Aws, Azure, Gcp] {
            for (atlas, cloud) in provider.known_regions() {
                let region = Region { cloud: cloud.to_owned(), atlas: atlas.clone(), is_known: true };
                for spelling in spellings(&atlas).into_iter().chain(spellings(cloud)) {
                    assert_eq!(provider.region(&spelling), region, "{provider} {spelling}");
                }
            }
        }
    }

    #[test]
    fn no_name_means_two_regions() {
        for (provider, count) in [(Aws, 39), (Azure, 56), (Gcp, 41)] {
            let all: Vec<_> = provider.known_regions().collect();
            let clouds: HashSet<_> = all.iter().map(|(_, cloud)| *cloud).collect();
            let atlases: HashSet<_> = all.iter().map(|(atlas, _)| atlas.as_str()).collect();
            assert_eq!((clouds.len(), atlases.len(), all.len()), (count, count, count), "{provider}");
        }
    }

    #[test]
    fn names_that_people_write() {
        for (provider, written, cloud, atlas) in [
            (Aws, "us_east_1", "us-east-1", "US_EAST_1"),
            (Azure, "EastUS2", "eastus2", "US_EAST_2"),
            (Azure, "US_EAST_2", "eastus2", "US_EAST_2"),
            (Azure, "us-east-2", "eastus2", "US_EAST_2"),
            (Gcp, "SOUTH_AMERICA_EAST_1", "southamerica-east1", "SOUTH_AMERICA_EAST_1"),
            (Gcp, "southamerica-east1", "southamerica-east1", "SOUTH_AMERICA_EAST_1"),
            (Gcp, "SOUTHAMERICA_EAST_1", "southamerica-east1", "SOUTH_AMERICA_EAST_1"),
            (Gcp, "US_EAST_1", "us-east1", "EASTERN_US"),
            (Gcp, "EASTERN_US_AW", "us-east1", "EASTERN_US_AW"),
            (Gcp, "us_east_4-aw", "us-east4", "US_EAST_4_AW"),
        ] {
            let region = Region { cloud: cloud.to_owned(), atlas: atlas.to_owned(), is_known: true };
            assert_eq!(provider.region(written), region);
        }
    }

    #[test]
    fn a_region_of_no_table_follows_the_rule_and_says_so() {
        for (provider, written, cloud, atlas) in [
            (Aws, "moon-west-1", "moon-west-1", "MOON_WEST_1"),
            (Aws, "MOON_WEST_1", "moon-west-1", "MOON_WEST_1"),
            (Azure, "MOON_WEST", "moonwest", "MOON_WEST"),
            (Gcp, "moon-west12", "moon-west12", "MOON_WEST_12"),
            (Gcp, "MOON_WEST_12", "moon-west12", "MOON_WEST_12"),
            (Gcp, "MOON_WEST_12_AW", "moon-west12", "MOON_WEST_12_AW"),
            (Gcp, "_AW", "-aw", "_AW"),
            (Gcp, "", "", ""),
        ] {
            let region = Region { cloud: cloud.to_owned(), atlas: atlas.to_owned(), is_known: false };
            assert_eq!(provider.region(written), region);
        }
    }
}
