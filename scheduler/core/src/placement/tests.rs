//! The properties of README.md, by letter.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use topology::latency::LatencyTable;
use topology::{PoolId, Position, RegionState, Role, Topology};

use super::*;
use crate::health::{RAMP_FULL, RegionHealth, Verb};
use crate::testing::{add_pool, add_residency, bare, full, name, specialization};

const UP: RegionStanding = RegionStanding { verb: Verb::None, health: RegionHealth::Up, ramp_permille: RAMP_FULL };
const IDLE: PoolLoad = PoolLoad { sessions: 5, slots: 10, leased: 0, queued: 0, service_us: 1_000_000, live: true };

/// A snapshot in which every region is up and every pool idle.
fn idle(topology: &Topology) -> Snapshot {
    let mut snapshot = Snapshot::new(Arc::new(World::new(topology, &LatencyTable::default())));
    for region in &topology.regions {
        snapshot.set_region(&region.name, UP);
    }
    for pool in &topology.pools {
        snapshot.set_load(&pool.id, IDLE);
    }
    snapshot
}

fn from(lat: f64, lng: f64) -> ResolvedOrigin {
    ResolvedOrigin::at(Position::new(lat, lng).unwrap())
}

fn ask(kind: &str, origin: ResolvedOrigin) -> Request {
    Request { specialization: name(kind), residency: None, origin, nonce: 7, dark: false }
}

fn chosen(request: &Request, snapshot: &Snapshot) -> String {
    match place(request, snapshot) {
        Placement { chosen: Some(choice), .. } => choice.pool.region.to_string(),
        Placement { unplaceable, .. } => unplaceable.unwrap().as_str().to_owned(),
    }
}

/// us-west primary, us-east and europe-west replicas of `coach`; declared fallback of europe-central: asia-east first.
fn coaches() -> Topology {
    let mut topology = bare(5);
    add_pool(&mut topology, "us-west", "coach", Role::Primary);
    add_pool(&mut topology, "us-east", "coach", Role::Replica);
    add_pool(&mut topology, "europe-west", "coach", Role::Replica);
    add_pool(&mut topology, "asia-east", "coach", Role::Primary);
    topology.fallbacks.insert(name("europe-central"), vec![vec![name("asia-east")], vec![name("us-east")]]);
    add_residency(&mut topology, "eu", &["europe-west", "europe-central"]);
    topology
}

const BERLIN: (f64, f64) = (52.5, 13.4);
const BOSTON: (f64, f64) = (42.4, -71.1);

fn pool(text: &str) -> PoolId {
    text.parse().unwrap()
}

#[test]
fn the_home_jurisdiction_comes_first_then_the_declared_groups_then_the_rest() {
    let snapshot = idle(&coaches());
    let request = ask("coach", from(BERLIN.0, BERLIN.1));
    let mut snapshots = vec![snapshot.clone()];
    for gone in ["europe-west", "asia-east", "us-east", "us-west"] {
        let mut next = snapshots.last().unwrap().clone();
        next.set_region(&name(gone), RegionStanding { health: RegionHealth::Down, ..UP });
        snapshots.push(next);
    }
    let order: Vec<String> = snapshots.iter().map(|snapshot| chosen(&request, snapshot)).collect();
    assert_eq!(order, ["europe-west", "asia-east", "us-east", "us-west", "no_healthy_pool"]);
}

#[test]
fn a_replica_waits_until_the_primary_of_its_group_is_saturated() {
    let mut snapshot = idle(&coaches());
    let request = ask("coach", from(BOSTON.0, BOSTON.1));
    assert_eq!(chosen(&request, &snapshot), "us-west", "the replica is nearer, the primary has slots");
    snapshot.set_load(&pool("us-west/coach"), PoolLoad { leased: 10, queued: 18, ..IDLE });
    assert_eq!(chosen(&request, &snapshot), "us-west", "1.9 s of waiting is not over spill_after");
    snapshot.set_load(&pool("us-west/coach"), PoolLoad { leased: 10, queued: 21, ..IDLE });
    assert_eq!(chosen(&request, &snapshot), "us-east", "2.2 s of waiting is");
}

#[test]
fn a_full_world_shares_its_backlog_by_expected_wait() {
    let mut snapshot = idle(&coaches());
    let request = ask("coach", from(BOSTON.0, BOSTON.1));
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..4_000 {
        let pool = choose(&request, &snapshot).unwrap();
        snapshot.bump(pool, 1);
        *taken.entry(snapshot.world().pool(pool).region.to_string()).or_default() += 1;
    }
    // 100 s of backlog each, less the steps of 2 s that a later group and a replica cost.
    assert_eq!(taken.len(), 4, "{taken:?}");
    assert!(taken.values().all(|missions| (960..1_040).contains(missions)), "{taken:?}");
}

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

#[test]
fn regions_use_measured_round_trips_and_rows_of_another_world_are_worked_out_anew() {
    let topology = coaches();
    let mut measured = LatencyTable::default();
    measured.insert(name("europe-west"), name("europe-central"), 123_456);
    let world = World::new(&topology, &measured);
    let row = world.row(&ResolvedOrigin::Region(name("europe-central")));
    assert_eq!(row.us[2], 123_456);
    let berlin = from(BERLIN.0, BERLIN.1);
    let ResolvedOrigin::Points(points) = berlin.clone() else { unreachable!("a place is a point") };
    let small = World::new(&bare(3), &measured);
    let foreign = ResolvedOrigin::Row(points, small.row(&berlin));
    assert_eq!(world.row(&foreign), world.row(&berlin));
}

#[test]
fn weighted_points_weigh_their_round_trips() {
    let world = World::new(&bare(4), &LatencyTable::default());
    let of = |origin: &ResolvedOrigin| world.row(origin).us.to_vec();
    let place = |(lat, lng): (f64, f64)| Position::new(lat, lng).unwrap();
    let (berlin, boston) = (of(&from(BERLIN.0, BERLIN.1)), of(&from(BOSTON.0, BOSTON.1)));
    let both = of(&ResolvedOrigin::weighted([(place(BERLIN), 3.0), (place(BOSTON), 1.0)]).unwrap());
    for ((berlin, boston), both) in berlin.iter().zip(&boston).zip(&both) {
        let wanted = (*berlin as f64 * 3.0 + *boston as f64) / 4.0;
        assert!((*both as f64 - wanted).abs() <= 2.0, "{both} {wanted}");
    }
    assert_eq!(ResolvedOrigin::weighted([(place(BERLIN), f64::NAN), (place(BOSTON), -1.0)]), None);
}

#[test]
fn a_changed_ramp_changes_the_capacity_at_once() {
    let mut snapshot = idle(&coaches());
    let request = ask("coach", from(BERLIN.0, BERLIN.1));
    snapshot.set_region(&name("europe-west"), RegionStanding { ramp_permille: 250, ..UP });
    assert_eq!(place(&request, &snapshot).chosen.unwrap().slots, 2);
}

#[test]
fn a_bump_leaves_the_snapshot_it_was_cloned_from_alone() {
    let before = idle(&coaches());
    let mut after = before.clone();
    let pool = before.world().pool_ix(&pool("us-west/coach")).unwrap();
    after.bump(pool, 3);
    after.bump(pool, -1);
    assert_eq!((before.load(pool).queued, after.load(pool).queued), (0, 2));
    after.bump(pool, -9);
    assert_eq!(after.load(pool).queued, 0);
}

/// Eight schedulers whose loads are a second old, each of which sees only its own placements at once: two near-equal
/// pools fill evenly. Choosing the best each time would send every second's missions to one of them.
#[test]
fn schedulers_with_stale_loads_do_not_herd() {
    let mut topology = bare(2);
    topology.regions[1].position = Position::new(45.8, -119.0).unwrap();
    for region in ["us-west", "us-east"] {
        add_pool(&mut topology, region, "coach", Role::Primary);
    }
    let mut truth = idle(&topology);
    for pool in &topology.pools {
        truth.set_load(&pool.id, PoolLoad { slots: 2_000, ..IDLE });
    }
    let mut nonce = 0;
    for second in 1..=5 {
        let mut schedulers = vec![truth.clone(); 8];
        for _ in 0..50 {
            for scheduler in &mut schedulers {
                nonce += 1;
                let pool = choose(&Request { nonce, ..ask("coach", from(45.8, -119.7)) }, scheduler).unwrap();
                scheduler.bump(pool, 1);
                truth.bump(pool, 1);
            }
        }
        let [west, east] = [0, 1].map(|at| truth.load(PoolIx(at)).queued);
        assert_eq!(west + east, second * 400);
        assert!((west - east).abs() < 100, "after {second} s: {west} and {east}");
    }
}

/// More regions than a decision keeps on its stack: the same answers.
#[test]
fn a_world_of_two_hundred_regions_is_decided_alike() {
    let mut topology = bare(1);
    let pattern = topology.regions[0].clone();
    topology.regions = (0..200)
        .map(|at| {
            let place = Position::new(f64::from(at % 20) * 6.0 - 60.0, f64::from(at) * 1.7 - 170.0).unwrap();
            topology::Region { name: name(&format!("r{at}")), position: place, ..pattern.clone() }
        })
        .collect();
    for at in (0..200).step_by(3) {
        add_pool(&mut topology, &format!("r{at}"), "coach", Role::Primary);
    }
    let snapshot = idle(&topology);
    for (lat, lng) in [BERLIN, BOSTON, (-33.0, 151.0), (0.0, 0.0)] {
        let request = ask("coach", from(lat, lng));
        let placement = place(&request, &snapshot);
        assert_eq!(placement.alternatives.len(), 66);
        let chosen = placement.chosen.unwrap();
        let nearest = placement.alternatives.iter().map(Choice::expected_us).min().unwrap();
        assert!(chosen.expected_us() <= nearest + SPREAD_BAND_US);
        assert_eq!(choose(&request, &snapshot).map(|pool| snapshot.world().pool(pool).clone()), Ok(chosen.pool));
    }
}

/// Property I, on two regions a millisecond apart.
#[test]
fn near_equals_share_in_proportion_to_free_capacity() {
    let mut topology = bare(2);
    topology.regions[1].position = Position::new(45.8, -119.0).unwrap();
    for region in ["us-west", "us-east"] {
        add_pool(&mut topology, region, "coach", Role::Primary);
    }
    let mut snapshot = idle(&topology);
    snapshot.set_load(&pool("us-west/coach"), PoolLoad { slots: 40, leased: 10, ..IDLE });
    let shares = |snapshot: &Snapshot| {
        let mut share = [0; 2];
        for nonce in 0..40_000 {
            let request = Request { nonce, ..ask("coach", from(45.8, -119.7)) };
            share[choose(&request, snapshot).unwrap().at()] += 1;
        }
        share
    };
    let [west, east] = shares(&snapshot);
    assert!((29_500..30_500).contains(&west) && (9_500..10_500).contains(&east), "30 to 10 free: {west} {east}");
    snapshot.set_load(&pool("us-west/coach"), PoolLoad { slots: 20, leased: 20, queued: 1, service_us: 1_000, ..IDLE });
    assert_eq!(shares(&snapshot), [0, 40_000], "what has no free slot takes nothing while its neighbour has");
    snapshot.set_load(&pool("us-east/coach"), PoolLoad { leased: 10, service_us: 1_000, ..IDLE });
    let [west, east] = shares(&snapshot);
    assert!((26_000..27_400).contains(&west), "20 to 10 slots where none is free: {west} {east}");
}

#[test]
fn a_placement_is_stored_in_few_bytes_and_read_back() {
    let mut snapshot = idle(&full(16, 2));
    snapshot.set_region(&name("uk"), RegionStanding { verb: Verb::Cordoned, ..UP });
    snapshot.set_load(&pool("korea/kind-1"), PoolLoad::default());
    let placement = place(&ask("kind-1", from(BERLIN.0, BERLIN.1)), &snapshot);
    let text = serde_json::to_string(&placement.stored()).unwrap();
    insta::assert_snapshot!(text);
    let stored: Stored = serde_json::from_str(&text).unwrap();
    let again = stored.placement(&specialization(1));
    assert_eq!(again.chosen, placement.chosen);
    assert_eq!(again.alternatives, placement.alternatives[..4]);
    assert_eq!(again.rejected, placement.rejected);
    assert_eq!(stored.omitted(), placement.alternatives.len() - 4);
}

#[test]
fn the_table_names_every_pool_with_its_figures_or_its_reason() {
    let mut snapshot = idle(&coaches());
    snapshot.set_region(&name("us-east"), RegionStanding { health: RegionHealth::Down, ..UP });
    snapshot.set_load(&pool("asia-east/coach"), PoolLoad { leased: 10, queued: 40, ..IDLE });
    insta::assert_json_snapshot!(rows(&place(&ask("coach", from(BERLIN.0, BERLIN.1)), &snapshot)));
}

#[test]
fn every_property_can_be_broken_and_is_then_noticed() {
    let mut snapshot = idle(&coaches());
    snapshot.set_load(&pool("us-east/coach"), PoolLoad { leased: 10, queued: 40, ..IDLE });
    let request = ask("coach", from(BERLIN.0, BERLIN.1));
    let good = place(&request, &snapshot);
    assert_eq!(check(&request, &snapshot, &good), Ok(()));
    let with = |at: usize| {
        let mut bad = good.clone();
        let chosen = bad.chosen.replace(bad.alternatives.remove(at));
        bad.alternatives.extend(chosen);
        bad
    };
    let letter = |placement: &Placement| check(&request, &snapshot, placement).unwrap_err().letter;
    let at = |region: &str| good.alternatives.iter().position(|choice| choice.pool.region == name(region)).unwrap();
    assert_eq!(letter(&with(at("us-east"))), 'D');
    assert_eq!(letter(&with(at("us-west"))), 'E');
    let mut bad = good.clone();
    bad.alternatives.pop();
    assert_eq!(letter(&bad), 'H');
    let lawful = Request { residency: Some(name("eu")), ..request.clone() };
    assert_eq!(check(&lawful, &snapshot, &with(at("us-west"))).unwrap_err().letter, 'B');
    let mut down = snapshot.clone();
    down.set_region(&name("europe-west"), RegionStanding { health: RegionHealth::Down, ..UP });
    assert_eq!(check(&request, &down, &good).unwrap_err().letter, 'C');
    let boston = ask("coach", from(BOSTON.0, BOSTON.1));
    let mut two = snapshot.clone();
    two.set_load(&pool("us-east/coach"), IDLE);
    let mut bad = place(&boston, &two);
    let at = bad.alternatives.iter().position(|choice| choice.pool.region == name("us-east")).unwrap();
    let chosen = bad.chosen.replace(bad.alternatives.remove(at));
    bad.alternatives.extend(chosen);
    assert_eq!(check(&boston, &two, &bad).unwrap_err().letter, 'F');
}

fn standing() -> impl Strategy<Value = RegionStanding> {
    let verb = prop_oneof![6 => Just(Verb::None), 1 => Just(Verb::Cordoned), 1 => Just(Verb::Draining)];
    let health = prop_oneof![
        6 => Just(RegionHealth::Up),
        1 => Just(RegionHealth::Suspect),
        1 => Just(RegionHealth::Down),
        1 => Just(RegionHealth::Returning),
        1 => Just(RegionHealth::Unknown),
    ];
    let ramp = prop_oneof![3 => Just(RAMP_FULL), 1 => 0_u16..=RAMP_FULL];
    (verb, health, ramp).prop_map(|(verb, health, ramp_permille)| RegionStanding { verb, health, ramp_permille })
}

fn load() -> impl Strategy<Value = PoolLoad> {
    let service = prop_oneof![Just(0), Just(1_000), Just(1_000_000), Just(60_000_000)];
    let live = prop_oneof![5 => Just(true), 1 => Just(false)];
    (0_i64..12, 0_i64..12, 0_i64..30, service, live).prop_map(|(slots, leased, queued, service_us, live)| PoolLoad {
        sessions: slots.min(1),
        slots,
        leased,
        queued,
        service_us,
        live,
    })
}

prop_compose! {
    fn random_world()(
        pools in proptest::collection::vec((0_usize..10, 0_usize..3, any::<bool>()), 1..25),
        states in proptest::collection::vec(0_usize..12, 10),
        rule in proptest::collection::vec(0_usize..10, 1..4),
        fallbacks in proptest::collection::vec((0_usize..10, proptest::collection::vec(0_usize..10, 1..4)), 0..4),
    ) -> Topology {
        let mut topology = bare(10);
        let names: Vec<_> = topology.regions.iter().map(|region| region.name.clone()).collect();
        for (region, state) in topology.regions.iter_mut().zip(states) {
            region.state = match state {
                0 => RegionState::Planned,
                1 => RegionState::Dark,
                2 => RegionState::Canary,
                3 => RegionState::Retiring,
                _ => RegionState::Active,
            };
        }
        for (region, kind, primary) in pools {
            let id = PoolId { region: names[region].clone(), specialization: specialization(kind) };
            if topology.pool(&id).is_none() {
                let role = if primary { Role::Primary } else { Role::Replica };
                add_pool(&mut topology, names[region].as_str(), specialization(kind).as_str(), role);
            }
        }
        let rule: Vec<&str> = rule.iter().map(|region| names[*region].as_str()).collect();
        add_residency(&mut topology, "rule", &rule);
        for (home, group) in fallbacks {
            let group = group.into_iter().map(|region| names[region].clone()).collect();
            topology.fallbacks.entry(names[home].clone()).or_default().push(group);
        }
        topology
    }
}

prop_compose! {
    fn random_snapshot()(
        topology in random_world(),
        standings in proptest::collection::vec(standing(), 10),
        loads in proptest::collection::vec(load(), 30),
        hold in any::<bool>(),
    ) -> Snapshot {
        let mut snapshot = Snapshot::new(Arc::new(World::new(&topology, &LatencyTable::default())));
        snapshot.set_hold(hold);
        for (region, standing) in topology.regions.iter().zip(standings) {
            snapshot.set_region(&region.name, standing);
        }
        for (pool, load) in topology.pools.iter().zip(loads) {
            snapshot.set_load(&pool.id, load);
        }
        snapshot
    }
}

prop_compose! {
    fn random_request()(
        kind in 0_usize..4,
        rule in prop_oneof![3 => Just(None), 3 => Just(Some("rule")), 1 => Just(Some("unknown"))],
        points in proptest::collection::vec((-90.0..=90.0, -180.0..=180.0, 0.1..10.0), 1..4),
        nonce in any::<i64>(),
        dark in any::<bool>(),
    ) -> Request {
        let points = points.into_iter().map(|(lat, lng, weight)| (Position::new(lat, lng).unwrap(), weight));
        let origin = ResolvedOrigin::weighted(points).unwrap();
        Request { specialization: specialization(kind), residency: rule.map(name), origin, nonce, dark }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// B to H: lawful, healthy, not saturated while another is not, first group, primaries first, near, complete.
    #[test]
    fn every_decision_keeps_its_properties(request in random_request(), snapshot in random_snapshot()) {
        prop_assert_eq!(check(&request, &snapshot, &place(&request, &snapshot)), Ok(()));
    }

    /// A: the same input, also after a detour through a clone, a stored row of round trips and a bump taken back.
    #[test]
    fn the_same_input_has_the_same_answer(request in random_request(), snapshot in random_snapshot()) {
        let first = place(&request, &snapshot);
        let mut copy = snapshot.clone();
        if let Some(choice) = &first.chosen {
            let pool = snapshot.world().pool_ix(&choice.pool).unwrap();
            copy.bump(pool, 1);
            copy.bump(pool, -1);
        }
        let ResolvedOrigin::Points(points) = &request.origin else { unreachable!("the strategy makes points") };
        let row = snapshot.world().row(&request.origin);
        let again = Request { origin: ResolvedOrigin::Row(Arc::clone(points), row), ..request.clone() };
        prop_assert_eq!(place(&again, &copy), first);
    }

    /// J: the hot variant decides the same.
    #[test]
    fn choose_and_place_choose_the_same_pool(request in random_request(), snapshot in random_snapshot()) {
        let placement = place(&request, &snapshot);
        let chosen = placement.chosen.map(|choice| choice.pool);
        let hot = choose(&request, &snapshot);
        prop_assert_eq!(hot.ok().map(|pool| snapshot.world().pool(pool).clone()), chosen);
        prop_assert_eq!(hot.err(), placement.unplaceable);
    }

    /// K: what is unmet lacks nothing but a session, and wins as soon as it has one.
    #[test]
    fn unmet_demand_wins_once_it_is_awake(request in random_request(), snapshot in random_snapshot()) {
        if let Some(unmet) = place(&request, &snapshot).unmet {
            let mut awake = snapshot.clone();
            awake.set_load(&unmet, PoolLoad { slots: 1_000_000, ..IDLE });
            let placement = place(&request, &awake);
            let chosen = placement.chosen.unwrap();
            let same_band = chosen.pool == unmet || placement.alternatives.iter().any(|other| {
                other.pool == unmet && other.class() == chosen.class()
                    && other.expected_us().abs_diff(chosen.expected_us()) <= SPREAD_BAND_US
            });
            prop_assert!(same_band, "{:?} is awake and loses to {:?}", unmet, chosen);
        }
    }
}
