use std::collections::BTreeSet;

use super::*;

/// The names that `catalogue-check/check.py` read out of the packages when it was last run.
const FROZEN: &str = include_str!("../../catalogue-check/frozen.txt");

fn names(provider: Provider) -> BTreeSet<&'static str> {
    let all = Catalogue::built_in().regions().iter();
    all.filter(|region| region.provider == provider).map(|region| &*region.name).collect()
}

#[test]
fn every_region_that_the_packages_name_is_there() {
    let mut seen = 0;
    for line in FROZEN.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (provider, name) = line.split_once(' ').unwrap();
        assert!(find(provider.parse().unwrap(), name).is_some(), "{line}");
        seen += 1;
    }
    assert!(seen > 150, "the frozen list has only {seen} names");
}

#[test]
fn the_number_of_regions_is_known() {
    let counts = Provider::ALL.map(|provider| (provider.as_str(), names(provider).len()));
    assert_eq!(counts, [("AWS", 41), ("Azure", 72), ("GCP", 43), ("DigitalOcean", 16)]);
    let listed: usize = counts.iter().map(|(_, count)| count).sum();
    assert_eq!(listed, Catalogue::built_in().regions().len(), "a name stands twice");
}

#[test]
fn country_jurisdiction_and_steering_of_every_region_agree() {
    for region in Catalogue::built_in().regions() {
        assert_eq!(region.jurisdiction, jurisdiction_of(&region.country), "{}", region.name);
        assert_eq!(region.steering.len(), 1, "{}", region.name);
        assert!(country_position(&region.country).is_some(), "{}", region.name);
        let china = region.partition == Partition::China;
        assert_eq!(china, region.country == "CN", "{}", region.name);
    }
}

#[test]
fn places_are_where_the_country_is() {
    // Kolkata stands for India, 1,880 km from Jamnagar; only the four widest countries reach further.
    for region in Catalogue::built_in().regions() {
        let km = region.position.distance_km(country_position(&region.country).unwrap());
        let most = if matches!(&*region.country, "US" | "CA" | "AU" | "CN") { 4_300.0 } else { 2_000.0 };
        assert!(km < most, "{} is {km:.0} km from {}", region.name, region.country);
    }
}

#[test]
fn names_are_found_in_any_letter_case_and_missing_ones_have_a_hint() {
    assert_eq!(find("aWs".parse().unwrap(), "US-West-2").unwrap().name, "us-west-2");
    assert_eq!(find(Provider::Azure, "us-west-2"), None);
    let hints = Catalogue::built_in().nearest_names(Provider::Azure, "westeurop");
    assert_eq!(hints.first(), Some(&"westeurope"), "{hints:?}");
}

#[test]
fn regions_are_in_order() {
    let keys: Vec<_> = Catalogue::built_in().regions().iter().map(|region| (region.provider, &region.name)).collect();
    assert!(keys.is_sorted());
}
