// The figures are wanted in the output of the tests.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::*;
use crate::catalogue;
use crate::model::Provider;

#[derive(Deserialize)]
struct Published {
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    source: Option<String>,
    date: Option<String>,
    network: String,
    places: BTreeMap<String, (f64, f64)>,
    pairs: Vec<(String, String, u64)>,
}

/// Distance in kilometres and measured microseconds.
type Pair = (f64, u64);

fn place(table: &Table, name: &str) -> Position {
    if let Some(&(lat, lng)) = table.places.get(name) {
        return Position::new(lat, lng).unwrap();
    }
    let provider: Provider = table.network.parse().unwrap();
    catalogue::find(provider, name).unwrap_or_else(|| panic!("{name} is not in the catalogue")).position
}

/// The pairs with a source and a date, split into two halves by a hash of their names.
fn halves() -> (Vec<Pair>, Vec<Pair>) {
    let published: Published = serde_json::from_str(include_str!("../../data/latency.json")).unwrap();
    let mut halves = (Vec::new(), Vec::new());
    for table in &published.tables {
        if table.source.is_none() || table.date.is_none() {
            continue;
        }
        for (a, b, measured) in &table.pairs {
            let network = &table.network;
            let digest = Sha256::digest(format!("{network}:{a}|{network}:{b}"));
            let pair = (place(table, a).distance_km(place(table, b)), *measured);
            if digest[0] % 2 == 0 { halves.0.push(pair) } else { halves.1.push(pair) }
        }
    }
    halves
}

fn relative_errors(pairs: &[Pair], fixed_us: f64, stretch: f64) -> Vec<f64> {
    let error =
        |&(km, measured): &Pair| with_parameters(km, fixed_us, stretch).abs_diff(measured) as f64 / measured as f64;
    let mut errors: Vec<f64> = pairs.iter().map(error).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

fn mean(errors: &[f64]) -> f64 {
    errors.iter().sum::<f64>() / errors.len() as f64
}

#[test]
fn the_estimate_is_near_on_the_half_that_did_not_calibrate_it() {
    let (calibration, held_out) = halves();
    assert!(calibration.len() > 400 && held_out.len() > 400, "{} and {}", calibration.len(), held_out.len());
    let errors = relative_errors(&held_out, FIXED_US, PATH_STRETCH);
    let (median, worst) = (errors[errors.len() / 2], errors[errors.len() - 1]);
    let p90 = errors[errors.len() * 9 / 10];
    println!("{} pairs held out: median error {median:.3}, p90 {p90:.3}, worst {worst:.3}", errors.len());
    assert!(median < 0.13, "median {median}");
    assert!(p90 < 0.35, "p90 {p90}");
    assert!(worst < 0.70, "worst {worst}");
}

#[test]
fn the_parameters_are_the_best_on_the_calibration_half() {
    let (calibration, _) = halves();
    let mut best = (f64::INFINITY, 0.0, 0.0);
    for fixed in (0..=48).map(|step| f64::from(step) * 250.0) {
        for stretch in (100..200).map(|step| f64::from(step) / 100.0) {
            let error = mean(&relative_errors(&calibration, fixed, stretch));
            if error < best.0 {
                best = (error, fixed, stretch);
            }
        }
    }
    println!(
        "{} pairs calibrate: {:.0} us fixed, stretch {}, mean error {:.3}",
        calibration.len(),
        best.1,
        best.2,
        best.0
    );
    assert_eq!((best.1, best.2), (FIXED_US, PATH_STRETCH));
}

#[test]
fn a_measured_pair_overrides_the_estimate_in_both_directions() {
    let [west, east, asia] =
        [region("us-west", 45.84, -119.7), region("us-east", 39.04, -77.49), region("asia", 35.68, 139.69)];
    let mut table = LatencyTable::default();
    table.insert(east.name.clone(), west.name.clone(), 61_000);
    assert_eq!(table.between_us(&west, &east), 61_000);
    assert_eq!(table.between_us(&east, &west), 61_000);
    assert_eq!(table.between_us(&west, &asia), rtt_us(west.position, asia.position));
}

fn region(name: &str, lat: f64, lng: f64) -> Region {
    Region {
        name: name.parse().unwrap(),
        provider: Provider::Aws,
        cloud_region: name.to_owned(),
        position: Position::new(lat, lng).unwrap(),
        country: "US".to_owned(),
        jurisdiction: "us".to_owned(),
        steering: Vec::new(),
        state: crate::model::RegionState::Active,
        database_region: name.parse().unwrap(),
        cidr: None,
        spot: false,
    }
}

prop_compose! {
    fn any_place()(lat in -90.0..=90.0, lng in -180.0..=180.0) -> Position {
        Position::new(lat, lng).unwrap()
    }
}

proptest! {
    #[test]
    fn an_estimate_is_symmetric_and_never_faster_than_light_in_fibre(a in any_place(), b in any_place()) {
        prop_assert_eq!(rtt_us(a, b), rtt_us(b, a));
        prop_assert!(rtt_us(a, b) as f64 >= a.distance_km(b) * FIBRE_US_PER_KM);
        prop_assert!(rtt_us(a, b) <= 320_000);
    }
}
