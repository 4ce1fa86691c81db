//! A region that is paused and resumed finds its leases lost and changes nothing (P2).

use std::time::Duration;

use chaos::load::{Pace, submit};
use chaos::wait::wait_until;
use chaos::world::World;
use nix::sys::signal::Signal;

use crate::fixture::{Database, large_world, missions, region, submits, turn};

const OPEN: &str = "SELECT count(*) FROM missions WHERE state IN ('pending', 'queued', 'leased')";

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_region_changes_nothing_when_it_is_resumed() {
    let _turn = turn().await;
    let database = Database::new().await;
    let mut world = World::start(large_world(&database.url, (1_000, 2_000))).await.unwrap();
    let record = submits(&world);
    let paused = region(0);
    let clients: Vec<_> = world
        .regions()
        .iter()
        .filter(|region| **region != paused)
        .map(|region| world.client(region).unwrap())
        .collect();
    // What may only run in the paused region would wait for it: these missions may run anywhere.
    let mut all = missions(400, 11);
    for mission in &mut all {
        mission.residency = None;
    }
    let submits = tokio::spawn(async move { submit(&clients, all, Pace::AtOnce(16), record).await.unwrap() });

    let here = format!("SELECT count(*) FROM missions WHERE state = 'leased' AND region = '{paused}'");
    assert!(wait_until(Duration::from_secs(60), async || database.count(&here).await >= 10).await);
    world.signal_region(&paused, Signal::SIGSTOP);
    assert_eq!(submits.await.unwrap().failed, 0);
    assert!(
        wait_until(Duration::from_secs(90), async || database.count(OPEN).await == 0).await,
        "still open: {:?}",
        database.counts("SELECT state || ' ' || coalesce(region, '-'), count(*) FROM missions GROUP BY 1").await
    );

    let before = database.rows().await;
    world.signal_region(&paused, Signal::SIGCONT);
    let agent = world.agent_url(&paused);
    let back = wait_until(Duration::from_secs(60), async || {
        database.count("SELECT count(*) FROM sessions WHERE region = 'us-west' AND ended_at IS NULL").await == 1
            && chaos::http::get(&format!("{agent}/ready")).await.is_ok_and(|(status, _)| status == 200)
    })
    .await;
    assert!(back, "the resumed agent did not register anew");

    assert_eq!(database.rows().await, before, "a resumed region changed a mission");
    let summary = database.check(&world).await;
    assert!(summary.all_proven(), "{summary:?}");
}
