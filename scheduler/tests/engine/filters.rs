//! The states in the filters of the statements are those of the pure lifecycle.

use std::collections::BTreeSet;

use scheduler::store::mission;
use scheduler_core::lifecycle::{CommandKind, MissionState};

/// The states that the UPDATE of a statement allows in its WHERE.
fn allowed(name: &str) -> BTreeSet<MissionState> {
    let statement = mission::STATEMENTS.iter().find(|statement| statement.name == name).unwrap();
    let update = &statement.text[statement.text.find("UPDATE missions").unwrap()..];
    let filter = &update[update.find("WHERE").unwrap()..update.find("RETURNING").unwrap()];
    let states = &filter[filter.find("m.state ").unwrap() + "m.state ".len()..];
    let states = match states.strip_prefix("IN (") {
        Some(list) => &list[..list.find(')').unwrap()],
        None => states.trim_start_matches("|| '' ").strip_prefix("= ").unwrap().split_whitespace().next().unwrap(),
    };
    states.split(',').map(|state| state.trim().trim_matches('\'').parse().unwrap()).collect()
}

#[test]
fn the_filters_agree_with_the_lifecycle() {
    let statements = [
        ("mission_claim_1", CommandKind::Grant),
        ("mission_claim_4", CommandKind::Grant),
        ("mission_claim_16", CommandKind::Grant),
        ("mission_claim_128", CommandKind::Grant),
        ("mission_claim_512", CommandKind::Grant),
        ("mission_claim_alone", CommandKind::Grant),
        ("mission_complete", CommandKind::Complete),
        ("mission_fail", CommandKind::Fail),
        ("mission_release", CommandKind::Release),
        ("mission_release", CommandKind::Unnamed),
        ("mission_cancel", CommandKind::Cancel),
        ("mission_retry", CommandKind::Retry),
    ];
    for (name, command) in statements {
        let wanted: BTreeSet<MissionState> = command.valid_from().iter().copied().collect();
        assert_eq!(allowed(name), wanted, "{name}");
    }
}

#[test]
fn every_statement_has_a_name_of_its_own() {
    let names: Vec<&str> = mission::STATEMENTS.iter().map(|statement| statement.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn the_limits_of_the_claims_are_those_that_are_told() {
    for limit in mission::CLAIM_LIMITS {
        let name = format!("mission_claim_{limit}");
        let statement = mission::STATEMENTS.iter().find(|statement| statement.name == name).unwrap();
        assert!(statement.text.contains(&format!("LIMIT {limit}\n")), "{name}");
    }
}
