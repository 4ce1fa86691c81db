//! Plans between two topologies, as people and programs see them.

use topology::config;
use topology::plan::{Change, PoolVerb, plan, removed_specializations};
use topology::{PoolId, Topology};

const FOUR: &str = include_str!("data/four-regions.yaml");

fn read(text: &str) -> Topology {
    config::parse(text, "topology.yaml").unwrap_or_else(|findings| panic!("{}", findings.render(false))).topology
}

/// The file with some lines replaced. Each must be there.
fn edited(edits: &[(&str, &str)]) -> Topology {
    let mut text = FOUR.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from} is not in the file");
        text = text.replacen(from, to, 1);
    }
    read(&text)
}

#[test]
fn nothing_changes_between_a_topology_and_itself() {
    let plan = plan(&read(FOUR), &read(FOUR));
    assert!(plan.is_empty());
    assert!(plan.render().ends_with("Plan: no changes.\n"), "{}", plan.render());
    assert_eq!(plan.residency[0].change, Change::Kept);
}

#[test]
fn every_kind_of_change_is_told() {
    let new = edited(&[
        ("engineer-master (primary: 5 replicas)", "engineer-master (primary: 8 replicas)"),
        (
            "cloud-architect, role: primary, replicas: 2, slots: 2",
            "cloud-architect, role: primary, replicas: 1, slots: 2",
        ),
        ("      - investigate-champion (primary: 2 replicas)\n", ""),
        ("investigate-champion (replica: 2)", "investigate-champion (primary: 2)"),
        ("      - coordinate-wizard (primary: 2 replicas)\n", ""),
        (
            "      - coach-master (primary: 2 replicas)\n",
            "      - coach-master (primary: 2 replicas)\n      - coordinate-wizard (primary: 4)\n",
        ),
        ("      - document-ninja (replica: 2)\n", "      - bridge-master (primary: 1)\n"),
        ("region: westeurope\n", "region: westeurope\n    state: canary\n"),
        ("  eu: [europe-west]\n", "  eu: [europe-west]\n  americas: [us-west, us-east]\n"),
        ("heartbeat: 1s, ", "heartbeat: 1500ms, "),
    ]);
    let plan = plan(&read(FOUR), &new);
    assert!(plan.residency_changed);
    insta::assert_snapshot!(plan.render());
    insta::assert_json_snapshot!(plan.pools);
}

#[test]
fn a_region_that_goes_takes_its_pools_and_its_database_region_along() {
    let start = FOUR.find("  - name: asia-east").unwrap();
    let end = FOUR.find("# A region that serves").unwrap();
    let text = format!("{}{}", &FOUR[..start], &FOUR[end..])
        .replace(", asia-east: ap-northeast-1", "")
        .replace("    - { region: \"Asia\", pool: asia-east-pool }\n", "")
        .replace("[asia-east, europe-west]", "[europe-west]")
        .replace("      - secure-specialist (replica: 2)\n", "");
    let (old, new) = (read(FOUR), read(&text));
    let plan = plan(&old, &new);
    assert_eq!(plan.removed_regions().iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["asia-east"]);
    let vanishing: Vec<String> = plan.vanishing_pools().iter().map(PoolId::to_string).collect();
    assert!(vanishing.contains(&"asia-east/accelerate-master".to_owned()), "{vanishing:?}");
    let gone: Vec<String> = removed_specializations(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(gone, ["accelerate-master", "coach-master", "construct-specialist"]);
    insta::assert_snapshot!(plan.render());
}

#[test]
fn a_pool_that_changes_places_moves_and_leaves_its_old_place() {
    let new = edited(&[
        ("      - organize-guru (primary: 3 replicas)\n", ""),
        (
            "      - coach-master (primary: 2 replicas)\n",
            "      - coach-master (primary: 2 replicas)\n      - organize-guru (primary: 3)\n",
        ),
    ]);
    let plan = plan(&read(FOUR), &new);
    assert_eq!(plan.pools.len(), 1);
    assert_eq!(plan.pools[0].verb, PoolVerb::Moves);
    assert_eq!(plan.vanishing_pools(), ["europe-west/organize-guru".parse::<PoolId>().unwrap()]);
    assert!(!plan.residency_changed);
}

#[test]
fn another_home_of_a_ruled_region_raises_the_residency_version() {
    let new = edited(&[("europe-west: eu-west-1", "europe-west: eu-central-1")]);
    let there = plan(&read(FOUR), &new);
    assert!(there.residency_changed);
    assert_eq!(there.residency[0].rows_in[0].as_str(), "eu-central-1");
    let new = edited(&[("asia-east: ap-northeast-1", "asia-east: ap-northeast-3")]);
    assert!(plan(&read(FOUR), &new).residency_changed, "replicas of eu may now lie elsewhere");
}

#[test]
fn going_back_undoes_what_going_there_does() {
    let new = edited(&[
        ("engineer-master (primary: 5 replicas)", "engineer-master (primary: 8 replicas)"),
        ("      - document-ninja (replica: 2)\n", "      - bridge-master (primary: 1)\n"),
    ]);
    let (there, back) = (plan(&read(FOUR), &new), plan(&new, &read(FOUR)));
    for change in &there.pools {
        let undone = back.pools.iter().find(|other| other.pool == change.pool).unwrap();
        assert_eq!((&undone.old, &undone.new), (&change.new, &change.old));
    }
}
