//! Pending missions are tried again when what may be placed where has changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler_client::wire::MissionState;

use super::rig::{Rig, Wish, pool};
use crate::loops::{health, sweeps};

#[tokio::test]
async fn a_pending_mission_is_placed_when_its_pool_wakes_and_counts_as_demand_until_then() {
    let rig = Rig::new().await;
    rig.session("us-west", &[("engineer", 10)], 0).await;
    let wish = Wish {
        state: MissionState::Pending,
        specialization: "solo",
        region: None,
        reason: Some("no_healthy_pool"),
        ..Wish::default()
    };
    let waits = rig.mission(&wish).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(waits).await.state, "pending");
    let load = scheduler.views.current().loads[&pool("us-west/solo")].clone();
    assert_eq!((load.sessions, load.unmet), (0, 1));

    rig.session("us-west", &[("solo", 1)], 0).await;
    rig.refresh(&scheduler).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    let seen = rig.show(waits).await;
    assert_eq!((seen.state.as_str(), seen.region.as_deref(), seen.moves), ("queued", Some("us-west"), 0), "{seen:?}");
    rig.refresh(&scheduler).await;
    assert_eq!(scheduler.views.current().loads[&pool("us-west/solo")].unmet, 0);
}

#[tokio::test]
async fn all_pages_are_tried_though_the_first_ones_go_on_waiting() {
    let rig = Rig::new().await;
    rig.session("us-west", &[("engineer", 1_000)], 0).await;
    let stuck = Wish {
        state: MissionState::Pending,
        specialization: "solo",
        region: None,
        reason: Some("no_healthy_pool"),
        ..Wish::default()
    };
    for _ in 0..300 {
        rig.mission(&stuck).await;
    }
    let last = rig.mission(&Wish { specialization: "engineer", ..stuck }).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(last).await.state, "queued");
}

#[tokio::test]
async fn what_the_budget_passed_over_is_tried_with_the_next_budget() {
    let rig = Rig::new().await;
    rig.session("us-west", &[("engineer", 10)], 0).await;
    let wish = Wish { state: MissionState::Pending, region: None, reason: Some("no_healthy_pool"), ..Wish::default() };
    let waits = rig.mission(&wish).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    scheduler.refill_budget(&scheduler.views.current());
    while scheduler.take_budget(&"us-west".parse().unwrap()) {}
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(waits).await.state, "pending");

    let patience = Instant::now() + Duration::from_secs(10);
    while rig.show(waits).await.state == "pending" {
        assert!(Instant::now() < patience, "nobody tried it again");
        sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    }
}
