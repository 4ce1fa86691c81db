//! Random worlds keep every property, and a broken decision is noticed.

use proptest::prelude::*;

use super::*;

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
