//! Regions by Atlas's names and by the clouds' own, for any spelling in a request. The tables are the emulator's own:
//! the client has others, so that no mistake can hide in both.

/// Atlas's names that do not follow from Google's by rule.
const GOOGLE: [(&str, &str); 15] = [
    ("us-central1", "CENTRAL_US"),
    ("us-east1", "EASTERN_US"),
    ("us-west1", "WESTERN_US"),
    ("europe-west1", "WESTERN_EUROPE"),
    ("asia-east1", "EASTERN_ASIA_PACIFIC"),
    ("asia-northeast1", "NORTHEASTERN_ASIA_PACIFIC"),
    ("asia-southeast1", "SOUTHEASTERN_ASIA_PACIFIC"),
    ("northamerica-northeast1", "NORTH_AMERICA_NORTHEAST_1"),
    ("northamerica-northeast2", "NORTH_AMERICA_NORTHEAST_2"),
    ("northamerica-south1", "NORTH_AMERICA_SOUTH_1"),
    ("southamerica-east1", "SOUTH_AMERICA_EAST_1"),
    ("southamerica-west1", "SOUTH_AMERICA_WEST_1"),
    ("me-west1", "MIDDLE_EAST_WEST_1"),
    ("me-central1", "MIDDLE_EAST_CENTRAL_1"),
    ("me-central2", "MIDDLE_EAST_CENTRAL_2"),
];

/// Atlas's name for each of Azure's, whose words Azure writes together and in another order.
const AZURE: [(&str, &str); 40] = [
    ("centralus", "US_CENTRAL"),
    ("eastus", "US_EAST"),
    ("eastus2", "US_EAST_2"),
    ("northcentralus", "US_NORTH_CENTRAL"),
    ("southcentralus", "US_SOUTH_CENTRAL"),
    ("westcentralus", "US_WEST_CENTRAL"),
    ("westus", "US_WEST"),
    ("westus2", "US_WEST_2"),
    ("westus3", "US_WEST_3"),
    ("canadacentral", "CANADA_CENTRAL"),
    ("canadaeast", "CANADA_EAST"),
    ("brazilsouth", "BRAZIL_SOUTH"),
    ("northeurope", "EUROPE_NORTH"),
    ("westeurope", "EUROPE_WEST"),
    ("uksouth", "UK_SOUTH"),
    ("ukwest", "UK_WEST"),
    ("francecentral", "FRANCE_CENTRAL"),
    ("francesouth", "FRANCE_SOUTH"),
    ("germanywestcentral", "GERMANY_WEST_CENTRAL"),
    ("germanynorth", "GERMANY_NORTH"),
    ("switzerlandnorth", "SWITZERLAND_NORTH"),
    ("switzerlandwest", "SWITZERLAND_WEST"),
    ("norwayeast", "NORWAY_EAST"),
    ("norwaywest", "NORWAY_WEST"),
    ("swedencentral", "SWEDEN_CENTRAL"),
    ("italynorth", "ITALY_NORTH"),
    ("polandcentral", "POLAND_CENTRAL"),
    ("spaincentral", "SPAIN_CENTRAL"),
    ("eastasia", "ASIA_EAST"),
    ("southeastasia", "ASIA_SOUTH_EAST"),
    ("australiaeast", "AUSTRALIA_EAST"),
    ("australiasoutheast", "AUSTRALIA_SOUTH_EAST"),
    ("australiacentral", "AUSTRALIA_CENTRAL"),
    ("centralindia", "INDIA_CENTRAL"),
    ("southindia", "INDIA_SOUTH"),
    ("westindia", "INDIA_WEST"),
    ("japaneast", "JAPAN_EAST"),
    ("japanwest", "JAPAN_WEST"),
    ("koreacentral", "KOREA_CENTRAL"),
    ("uaenorth", "UAE_NORTH"),
];

fn table(cloud: &str) -> &'static [(&'static str, &'static str)] {
    match cloud {
        "AZURE" => &AZURE,
        "GCP" => &GOOGLE,
        _ => &[],
    }
}

/// Atlas's name of a region in that cloud, from any spelling: `US_EAST_1` for `us-east-1`, `CENTRAL_US` for
/// `us-central1`, `US_EAST_2` for `eastus2`.
pub(crate) fn atlas_name(cloud: &str, name: &str) -> String {
    if let Some((_, atlas)) = table(cloud).iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
        return (*atlas).to_owned();
    }
    let words = name.to_ascii_uppercase().replace('-', "_");
    let place = words.trim_end_matches(|c: char| c.is_ascii_digit());
    match words.get(place.len()..) {
        Some(number) if cloud == "GCP" && !number.is_empty() && !place.ends_with('_') => format!("{place}_{number}"),
        _ => words,
    }
}

/// The cloud's own name of a region, from Atlas's.
pub(crate) fn cloud_name(cloud: &str, atlas: &str) -> String {
    if let Some((own, _)) = table(cloud).iter().find(|(_, name)| *name == atlas) {
        return (*own).to_owned();
    }
    let words = atlas.to_ascii_lowercase();
    match cloud {
        "AZURE" => words.replace('_', ""),
        "GCP" => match words.rsplit_once('_') {
            Some((place, number)) if number.bytes().all(|b| b.is_ascii_digit()) => {
                format!("{}{number}", place.replace('_', "-"))
            }
            _ => words.replace('_', "-"),
        },
        _ => words.replace('_', "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_region_has_one_name() {
        for (cloud, own, atlas) in [
            ("AWS", "eu-central-1", "EU_CENTRAL_1"),
            ("AWS", "us-gov-east-1", "US_GOV_EAST_1"),
            ("AZURE", "eastus2", "US_EAST_2"),
            ("AZURE", "southeastasia", "ASIA_SOUTH_EAST"),
            ("GCP", "africa-south1", "AFRICA_SOUTH_1"),
            ("GCP", "asia-southeast2", "ASIA_SOUTHEAST_2"),
            ("GCP", "europe-southwest1", "EUROPE_SOUTHWEST_1"),
            ("GCP", "europe-west10", "EUROPE_WEST_10"),
            ("GCP", "us-east5", "US_EAST_5"),
            ("GCP", "us-south1", "US_SOUTH_1"),
            ("GCP", "us-west1", "WESTERN_US"),
            ("GCP", "me-central2", "MIDDLE_EAST_CENTRAL_2"),
        ] {
            let spellings = [own.to_owned(), own.to_ascii_uppercase(), own.replace('-', "_"), atlas.to_owned()];
            for spelling in spellings.iter().filter(|one| cloud != "GCP" || !one.contains('_') || *one == atlas) {
                assert_eq!(atlas_name(cloud, spelling), atlas, "{spelling}");
            }
            assert_eq!(cloud_name(cloud, atlas), own);
        }
    }
}
