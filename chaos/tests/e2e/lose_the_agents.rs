//! All agents of a region die, its scheduler lives: the queue does not wait for them (DESIGN 4.4).

use std::time::{Duration, Instant};

use chaos::load::{Pace, submit};
use chaos::wait::wait_until;
use chaos::world::World;
use nix::sys::signal::Signal;

use crate::fixture::{Database, large_world, missions, region, slack, submits, turn};

/// `down_after` and what a tick of re-placing may take after it.
const BOUND: Duration = Duration::from_secs(6 + 2);

const OPEN: &str = "SELECT count(*) FROM missions WHERE state IN ('pending', 'queued', 'leased')";

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_of_a_region_without_agents_is_placed_elsewhere() {
    let _turn = turn().await;
    let database = Database::new().await;
    // Twice as many missions as slots, and runs that outlast the submitting: every region has a queue.
    let mut world = World::start(large_world(&database.url, (6_000, 10_000))).await.unwrap();
    let clients: Vec<_> = world.regions().iter().map(|region| world.client(region).unwrap()).collect();
    let mut all = missions(1_000, 13);
    for mission in &mut all {
        mission.residency = None;
    }
    assert_eq!(submit(&clients, all, Pace::AtOnce(32), submits(&world)).await.unwrap().failed, 0);

    let victim = region(1);
    let queued = format!("SELECT count(*) FROM missions WHERE state = 'queued' AND region = '{victim}'");
    let before = database.count(&queued).await;
    assert!(before > 0, "the region has no queue to lose");
    world.signal_agent(&victim, Signal::SIGKILL);
    let killed = Instant::now();
    let emptied = wait_until(BOUND * slack(), async || database.count(&queued).await == 0).await;
    let took = killed.elapsed();

    assert!(
        wait_until(Duration::from_secs(120), async || database.count(OPEN).await == 0).await,
        "still open: {:?}",
        database.counts("SELECT state || ' ' || coalesce(region, '-'), count(*) FROM missions GROUP BY 1").await
    );
    let summary = database.check(&world).await;
    eprintln!("{before} missions were queued in {victim}, the last left after {took:?}");
    assert!(summary.all_proven(), "{summary:?}");
    assert!(emptied, "{} of {before} missions still wait there after {took:?}", database.count(&queued).await);
}
