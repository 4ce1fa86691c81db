//! Which pool is best: groups, roles, ramps.

use super::*;

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
