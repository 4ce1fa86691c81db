//! When nobody is believed: nobody is evacuated and no session ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler_core::health::{HoldReason, RegionHealth};

use super::rig::{Rig, home};
use crate::loops::{beat, health, reap, sweeps};

#[tokio::test]
async fn where_every_region_is_silent_nothing_is_ended_or_moved() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let session = rig.session("us-west", &[("engineer", 10)], 0).await;
    let leased = rig.lease("us-west", session).await;
    let scheduler = rig.scheduler("us-east").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    for region in ["us-west", "us-east", "europe-west"] {
        rig.heard(region, 60_000).await;
    }
    let before = rig.show(leased).await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    reap::tick(Arc::clone(&scheduler)).await.unwrap();
    rig.refresh(&scheduler).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(scheduler.views.current().held, Some(HoldReason::EveryRegionLate));
    assert_eq!(rig.live_sessions().await, 4);
    assert_eq!(rig.show(leased).await, before);
    let view = scheduler.views.current();
    assert!(view.regions.values().all(|row| row.standing.health != RegionHealth::Down), "{:?}", view.regions);
}

#[tokio::test]
async fn after_a_silence_of_the_database_a_whole_ttl_of_own_writes_comes_first() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let session = rig.session("us-west", &[("engineer", 10)], 60_000).await;
    let leased = rig.lease("us-west", session).await;
    let scheduler = rig.fresh_scheduler("us-west").await;
    rig.refresh(&scheduler).await;
    beat::tick(Arc::clone(&scheduler)).await.unwrap();
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(scheduler.views.current().held, None, "regions are heard, so there is no hold");

    reap::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(leased).await.state, "leased", "one write is not a whole TTL of writes");

    let (west, gap, now) = (home("us-west-2"), Duration::from_secs(3), Instant::now());
    for ago in [4, 3, 2, 1, 0] {
        scheduler.steady.wrote(&west, now - Duration::from_secs(ago), gap);
    }
    scheduler.steady.failed(&west);
    reap::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(leased).await.state, "leased", "a failed write starts the time anew");

    rig.trust(&scheduler);
    reap::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(leased).await.state, "queued", "now the silence is the session's own");
}

#[tokio::test]
async fn a_region_is_not_down_before_the_observer_could_write_there_for_so_long() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let scheduler = rig.fresh_scheduler("us-east").await;
    rig.refresh(&scheduler).await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    rig.heard("us-west", 60_000).await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    let west = "us-west".parse().unwrap();
    let standing = |context: &crate::loops::context::Context| context.views.current().regions[&west].standing.health;
    assert_eq!(standing(&scheduler), RegionHealth::Suspect);

    rig.trust(&scheduler);
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(standing(&scheduler), RegionHealth::Down);
}

#[tokio::test]
async fn a_scheduler_that_beats_in_every_home_is_one_peer_and_withdraws_from_all() {
    let rig = Rig::new().await;
    let (one, two) = (rig.scheduler("us-west").await, rig.scheduler("us-east").await);
    beat::tick(Arc::clone(&one)).await.unwrap();
    beat::tick(Arc::clone(&two)).await.unwrap();
    rig.refresh(&two).await;
    let heard: Vec<_> = two.views.current().peers.iter().map(|peer| peer.id).collect();
    assert_eq!(heard.len(), 2, "{heard:?}");
    one.withdraw().await;
    rig.refresh(&two).await;
    assert_eq!(two.views.current().peers.iter().map(|peer| peer.id).collect::<Vec<_>>(), [two.id]);
}
