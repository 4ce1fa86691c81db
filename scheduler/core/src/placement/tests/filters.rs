//! What is passed over, and why.

use super::*;

#[test]
fn an_unlawful_region_is_never_chosen_however_good() {
    let mut snapshot = idle(&coaches());
    let request = Request { residency: Some(name("eu")), ..ask("coach", from(BOSTON.0, BOSTON.1)) };
    assert_eq!(chosen(&request, &snapshot), "europe-west");
    snapshot.set_region(&name("europe-west"), RegionStanding { verb: Verb::Draining, ..UP });
    assert_eq!(chosen(&request, &snapshot), "no_serving_pool");
    snapshot.set_region(&name("europe-west"), RegionStanding { health: RegionHealth::Down, ..UP });
    assert_eq!(chosen(&request, &snapshot), "no_healthy_pool");
}

#[test]
fn what_cannot_be_placed_says_why() {
    let mut topology = coaches();
    add_residency(&mut topology, "de", &["europe-central"]);
    let snapshot = idle(&topology);
    let origin = from(BERLIN.0, BERLIN.1);
    assert_eq!(chosen(&ask("nobody", origin.clone()), &snapshot), "unknown_specialization");
    let unknown = Request { residency: Some(name("mars")), ..ask("coach", origin.clone()) };
    assert_eq!(chosen(&unknown, &snapshot), "unknown_residency");
    let nowhere = Request { residency: Some(name("de")), ..ask("coach", origin) };
    assert_eq!(chosen(&nowhere, &snapshot), "no_lawful_pool");
}

#[test]
fn suspect_regions_take_new_work_only_while_observers_hold() {
    let mut snapshot = idle(&coaches());
    for region in coaches().regions {
        snapshot.set_region(&region.name, RegionStanding { health: RegionHealth::Suspect, ..UP });
    }
    let request = ask("coach", from(BERLIN.0, BERLIN.1));
    assert_eq!(chosen(&request, &snapshot), "no_healthy_pool");
    snapshot.set_hold(true);
    assert_eq!(chosen(&request, &snapshot), "europe-west");
}

#[test]
fn dark_regions_take_drills_only_and_canaries_a_tenth() {
    let mut topology = coaches();
    topology.regions[2].state = RegionState::Dark;
    let request = ask("coach", from(BERLIN.0, BERLIN.1));
    assert_eq!(chosen(&request, &idle(&topology)), "asia-east");
    assert_eq!(chosen(&Request { dark: true, ..request.clone() }, &idle(&topology)), "europe-west");
    topology.regions[2].state = RegionState::Canary;
    let slots = place(&request, &idle(&topology)).chosen.unwrap().slots;
    assert_eq!(slots, 1, "a tenth of ten");
}

#[test]
fn a_pool_at_zero_that_would_have_won_is_unmet_demand() {
    let mut snapshot = idle(&coaches());
    let request = ask("coach", from(BERLIN.0, BERLIN.1));
    assert_eq!(place(&request, &snapshot).unmet, None);
    snapshot.set_load(&pool("us-west/coach"), PoolLoad::default());
    assert_eq!(place(&request, &snapshot).unmet, None, "the replica at home is better than it");
    snapshot.set_load(&pool("europe-west/coach"), PoolLoad::default());
    let placement = place(&request, &snapshot);
    assert_eq!(placement.chosen.unwrap().pool, pool("asia-east/coach"));
    assert_eq!(placement.unmet, Some(pool("europe-west/coach")));
}
