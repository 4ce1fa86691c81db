//! Draining a region: what may move does, what may not finishes or waits with the reason. Nothing fails.

use std::sync::Arc;

use scheduler_client::wire::MissionState;
use scheduler_core::health::Verb;

use super::rig::{Rig, Wish};
use crate::loops::context::Context;
use crate::loops::{health, sweeps};
use crate::store::region::{NewVerb, region_verb};

async fn set_verb(rig: &Rig, scheduler: &Arc<Context>, verb: Verb, deadline_ms: Option<i64>) {
    let region = "europe-west".parse().unwrap();
    let seen = scheduler.views.current().regions[&region].clone();
    let new = NewVerb { verb, reason: "test", actor: "operator:ana", deadline_ms };
    assert!(region_verb(&rig.db, &seen, &new).await.unwrap());
    assert!(!region_verb(&rig.db, &seen, &new).await.unwrap(), "what was seen is not what is there any more");
    rig.refresh(scheduler).await;
}

#[tokio::test]
async fn a_drain_moves_what_may_move_and_lets_the_rest_wait_with_the_reason() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let session = rig.session("europe-west", &[("engineer", 10)], 0).await;
    let at =
        |state, residency, session| Wish { state, residency, session, region: Some("europe-west"), ..Wish::default() };
    let free_queued = rig.mission(&at(MissionState::Queued, None, None)).await;
    let bound_queued = rig.mission(&at(MissionState::Queued, Some("eu"), None)).await;
    let free_leased = rig.mission(&at(MissionState::Leased, None, Some(session))).await;
    let bound_leased = rig.mission(&at(MissionState::Leased, Some("eu"), Some(session))).await;
    let scheduler = rig.scheduler("us-east").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();

    set_verb(&rig, &scheduler, Verb::Draining, Some(60_000)).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    let seen = rig.show(free_queued).await;
    assert_eq!((seen.state.as_str(), seen.region.as_deref() == Some("europe-west")), ("queued", false), "{seen:?}");
    let seen = rig.show(bound_queued).await;
    assert_eq!((seen.state.as_str(), seen.reason.as_deref()), ("pending", Some("no_serving_pool")), "{seen:?}");
    assert_eq!(seen.home, "eu-west-1", "it waits where it may be");
    for leased in [free_leased, bound_leased] {
        assert_eq!(rig.show(leased).await.state, "leased", "leases may finish until the deadline");
    }

    // A lease of 5 s and 2 s to stop: until then its agent may not have heard of the deadline.
    let (within_grace, grace_over) = (Some(-4_000), Some(-7_001));
    set_verb(&rig, &scheduler, Verb::Draining, within_grace).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    for leased in [free_leased, bound_leased] {
        let seen = rig.show(leased).await;
        assert_eq!((seen.state.as_str(), seen.epoch), ("leased", 1), "its agent hands it back, or stands still first");
    }
    set_verb(&rig, &scheduler, Verb::Draining, grace_over).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    let seen = rig.show(free_leased).await;
    assert_eq!((seen.state.as_str(), seen.epoch, seen.crashes, seen.attempts), ("queued", 2, 0, 0), "{seen:?}");
    assert_ne!(seen.region.as_deref(), Some("europe-west"));
    let seen = rig.show(bound_leased).await;
    assert_eq!((seen.state.as_str(), seen.epoch, seen.crashes, seen.attempts), ("pending", 2, 0, 0), "{seen:?}");
    assert_eq!(seen.reason.as_deref(), Some("no_serving_pool"));

    set_verb(&rig, &scheduler, Verb::None, None).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    for bound in [bound_queued, bound_leased] {
        let seen = rig.show(bound).await;
        assert_eq!((seen.state.as_str(), seen.region.as_deref()), ("queued", Some("europe-west")), "{seen:?}");
    }
}

#[tokio::test]
async fn a_cordon_starts_nothing_there_and_lets_what_runs_finish() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let queued = rig.mission(&Wish { region: Some("europe-west"), ..Wish::default() }).await;
    let bound = rig.mission(&Wish { region: Some("europe-west"), residency: Some("eu"), ..Wish::default() }).await;
    let scheduler = rig.scheduler("us-east").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    set_verb(&rig, &scheduler, Verb::Cordoned, None).await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_ne!(rig.show(queued).await.region.as_deref(), Some("europe-west"), "it waits where it will be granted");
    assert_eq!(rig.show(bound).await.state, "pending");
    let held = scheduler.views.current().snapshot.serving(&"europe-west".parse().unwrap());
    assert!(!held.takes_new());
}
