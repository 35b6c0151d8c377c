//! The cloud providers, and their names for regions.

use crate::api::{Invalid, validate};
use std::fmt;

/// A cloud provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloudProvider {
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    Gcp,
}

impl CloudProvider {
    /// Atlas's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Azure => "AZURE",
            Self::Gcp => "GCP",
        }
    }

    /// Reads Atlas's word, where only `allowed` ones are.
    ///
    /// # Errors
    /// Another word.
    pub fn from_name(field: &'static str, name: &str, allowed: &[Self]) -> Result<Self, Invalid> {
        allowed.iter().copied().find(|provider| provider.name() == name).ok_or_else(|| {
            let names: Vec<_> = allowed.iter().map(|provider| format!("{:?}", provider.name())).collect();
            Invalid::new(field, format!("must be {}, got {}", names.join(" or "), validate::quoted(name)))
        })
    }
}

impl CloudProvider {
    /// The cloud that a private endpoint's id is of: `vpce-…` is AWS's, `/subscriptions/…` Azure's.
    pub fn of_endpoint(id: &str) -> Option<Self> {
        if id.starts_with("vpce-") {
            Some(Self::Aws)
        } else if id.starts_with('/') {
            Some(Self::Azure)
        } else {
            None
        }
    }

    /// The cloud that was named, if the `implied` one is no other.
    ///
    /// # Errors
    /// It is another.
    pub fn agreeing(field: &'static str, named: Option<Self>, implied: Self) -> Result<Self, Invalid> {
        match named {
            Some(named) if named != implied => {
                let rule = format!("must be {:?} for this id, got {:?}", implied.name(), named.name());
                Err(Invalid::new(field, rule))
            }
            _ => Ok(implied),
        }
    }

    /// Refuses what was given and only another cloud has.
    ///
    /// # Errors
    /// It was given.
    pub fn alone_has(self, field: &'static str, given: bool, provider: Self) -> Result<(), Invalid> {
        if given && provider != self {
            return Err(Invalid::new(field, format!("must be left out: only {self} has it")));
        }
        Ok(())
    }
}

impl fmt::Display for CloudProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Atlas's names that are not the cloud's own in capitals.
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
const GCP: [(&str, &str); 10] = [
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
];

impl CloudProvider {
    fn irregular(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Aws => &[],
            Self::Azure => &AZURE,
            Self::Gcp => &GCP,
        }
    }

    /// The cloud's own name of a region, from its own or Atlas's: `us-east-1` from `US_EAST_1`, `eastus2` from
    /// `US_EAST_2`, `us-central1` from `CENTRAL_US`.
    pub fn cloud_region(self, name: &str) -> String {
        if let Some((_, cloud)) = self.irregular().iter().find(|(atlas, _)| *atlas == name) {
            return (*cloud).to_owned();
        }
        if !name.contains('_') {
            return name.to_owned();
        }
        match self {
            Self::Aws => name.to_ascii_lowercase().replace('_', "-"),
            Self::Azure => name.to_ascii_lowercase().replace('_', ""),
            // the number is part of the last word: EUROPE_WEST_3 is europe-west3
            Self::Gcp => {
                let words = name.to_ascii_lowercase().replace('_', "-");
                match words.rsplit_once('-') {
                    Some((place, number)) if number.bytes().all(|b| b.is_ascii_digit()) => format!("{place}{number}"),
                    _ => words,
                }
            }
        }
    }

    /// Atlas's name of a region, from its own or the cloud's.
    pub fn atlas_region(self, name: &str) -> String {
        if let Some((atlas, _)) = self.irregular().iter().find(|(_, cloud)| cloud.eq_ignore_ascii_case(name)) {
            return (*atlas).to_owned();
        }
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
    use super::CloudProvider::{Aws, Azure, Gcp};

    #[test]
    fn regions_there_and_back() {
        for (provider, atlas, cloud) in [
            (Aws, "US_EAST_1", "us-east-1"),
            (Aws, "US_GOV_WEST_1", "us-gov-west-1"),
            (Aws, "AP_SOUTHEAST_2", "ap-southeast-2"),
            (Azure, "US_EAST_2", "eastus2"),
            (Azure, "EUROPE_NORTH", "northeurope"),
            (Azure, "ASIA_SOUTH_EAST", "southeastasia"),
            (Gcp, "CENTRAL_US", "us-central1"),
            (Gcp, "EUROPE_WEST_3", "europe-west3"),
            (Gcp, "EUROPE_WEST_10", "europe-west10"),
            (Gcp, "US_EAST_4", "us-east4"),
            (Gcp, "NORTH_AMERICA_NORTHEAST_1", "northamerica-northeast1"),
        ] {
            assert_eq!(provider.cloud_region(atlas), cloud);
            assert_eq!(provider.cloud_region(cloud), cloud);
            assert_eq!(provider.atlas_region(cloud), atlas);
            assert_eq!(provider.atlas_region(atlas), atlas);
        }
    }
}
