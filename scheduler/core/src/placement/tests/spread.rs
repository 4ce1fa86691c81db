//! Many missions: how pools share them.

use std::collections::BTreeMap;

use super::*;

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
