//! Draining moves everything that may lawfully move without a failed mission; the rest waits, and says why (P4).

use std::time::Duration;

use chaos::load::{Pace, submit};
use chaos::wait::wait_until;
use chaos::world::World;
use scheduler_client::wire::RegionControl;

use crate::fixture::{Database, large_world, missions, region, submits, turn};

const OPEN: &str = "SELECT count(*) FROM missions WHERE state IN ('pending', 'queued', 'leased')";

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_region_empties_without_a_failed_mission() {
    let _turn = turn().await;
    let database = Database::new().await;
    let world = World::start(large_world(&database.url, (2_000, 4_000))).await.unwrap();
    let clients: Vec<_> = world.regions().iter().map(|region| world.client(region).unwrap()).collect();
    assert_eq!(submit(&clients, missions(600, 17), Pace::AtOnce(32), submits(&world)).await.unwrap().failed, 0);

    let drained = region(0);
    let other = world.client(&region(2)).unwrap();
    // Any scheduler takes the wish, and any carries it on.
    other.drain(&drained, &RegionControl { reason: "maintenance".to_owned(), deadline_ms: Some(3_000) }).await.unwrap();
    let left = format!("SELECT count(*) FROM missions WHERE state IN ('queued', 'leased') AND region = '{drained}'");
    assert!(wait_until(Duration::from_secs(30), async || database.count(&left).await == 0).await);
    let elsewhere = format!(
        "SELECT count(*) FROM missions WHERE state IN ('pending', 'queued', 'leased') \
         AND residency IS DISTINCT FROM 'only-{drained}'"
    );
    assert!(wait_until(Duration::from_secs(90), async || database.count(&elsewhere).await == 0).await);
    let reasons = database
        .counts(
            "SELECT state || ' ' || coalesce(reason, '-'), count(*) FROM missions WHERE finished_at IS NULL GROUP BY 1",
        )
        .await;
    assert!(reasons.keys().all(|reason| reason.starts_with("pending ") && !reason.ends_with(" -")), "{reasons:?}");

    other.uncordon(&drained, &RegionControl::default()).await.unwrap();
    assert!(wait_until(Duration::from_secs(90), async || database.count(OPEN).await == 0).await);
    let summary = database.check(&world).await;
    eprintln!("waited for the drained region: {reasons:?}");
    assert!(summary.all_proven(), "{summary:?}");
    let charged = database.count("SELECT count(*) FROM missions WHERE attempts > 0 OR crashes > 0").await;
    assert_eq!(charged, 0, "a drain charges nothing");
}
