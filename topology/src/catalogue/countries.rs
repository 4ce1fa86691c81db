//! Countries: one place for each, and the body of law that holds there.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::geo::Position;

/// The states of the European Union, and of the European Economic Area where the GDPR holds by decision of the EEA
/// Joint Committee 154/2018 (IS, LI, NO). Switzerland and the United Kingdom have laws of their own.
const GDPR_STATES: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

static PLACES: LazyLock<BTreeMap<&'static str, Position>> = LazyLock::new(|| {
    let rows = include_str!("../../data/countries.csv").lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| place(row).expect("the shipped data file is read by a test")).collect()
});

fn place(row: &'static str) -> Option<(&'static str, Position)> {
    let mut fields = row.split(',');
    let country = fields.next()?;
    let lat = fields.next()?.parse().ok()?;
    let lng = fields.next()?.parse().ok()?;
    Some((country, Position::new(lat, lng).ok()?))
}

/// A place that stands for a country where nothing nearer is known: the town of its most populous time zone.
/// `country` is an ISO 3166-1 alpha-2 code in any letter case; none where there is no such country.
#[must_use]
pub fn country_position(country: &str) -> Option<Position> {
    PLACES.get(country.to_ascii_uppercase().as_str()).copied()
}

/// The body of law of a country (ISO 3166-1 alpha-2, any letter case): `eu` where the GDPR holds, else the country in
/// lower case.
#[must_use]
pub fn jurisdiction_of(country: &str) -> String {
    if GDPR_STATES.iter().any(|state| state.eq_ignore_ascii_case(country)) {
        "eu".to_owned()
    } else {
        country.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_a_place() {
        assert_eq!(PLACES.len(), 247);
        let japan = country_position("jp").unwrap();
        assert!(japan.distance_km(Position::new(35.68, 139.69).unwrap()) < 20.0);
        assert!(GDPR_STATES.iter().all(|state| country_position(state).is_some()));
        assert_eq!(country_position("XX"), None);
    }

    #[test]
    fn the_gdpr_holds_in_the_economic_area_and_not_beyond() {
        for (country, wanted) in [("DE", "eu"), ("no", "eu"), ("CH", "ch"), ("GB", "gb"), ("US", "us")] {
            assert_eq!(jurisdiction_of(country), wanted);
        }
    }
}
