//! Run limits, start deadlines, orphaned leases, retention, duties.

use std::sync::Arc;
use std::time::Duration;

use scheduler_client::wire::MissionState;
use sql::Statement;
use topology::SchedulerId;

use super::rig::{Rig, TOPOLOGY, Wish, home};
use crate::loops::context::Context;
use crate::loops::{health, reap, retention, sweeps};
use crate::store::duty::{duty_take, duty_yield};
use crate::store::region::regions_read;

#[tokio::test]
async fn a_run_over_its_limit_is_charged_an_attempt_and_rests() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let session = rig.session("us-west", &[("engineer", 10)], 0).await;
    let wish = Wish { state: MissionState::Leased, session: Some(session), ..Wish::default() };
    let over = rig.mission(&Wish { run_for_ms: -10_000, ..wish.clone() }).await;
    let within = rig.mission(&wish).await;
    let scheduler = rig.scheduler("us-west").await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    let seen = rig.show(over).await;
    assert_eq!((seen.state.as_str(), seen.attempts, seen.epoch), ("queued", 1, 2), "{seen:?}");
    assert_eq!((seen.region.as_deref(), seen.reason.as_deref()), (Some("us-west"), Some("run_limit")));
    assert_eq!(rig.show(within).await.state, "leased");
}

#[tokio::test]
async fn what_waits_longer_than_it_may_fails_with_its_last_reason() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let late = Wish { start_in_ms: Some(-1_000), ..Wish::default() };
    let pending = Wish { state: MissionState::Pending, region: None, reason: Some("no_healthy_pool"), ..late.clone() };
    let (queued, pending) = (rig.mission(&late).await, rig.mission(&pending).await);
    let early = rig.mission(&Wish { start_in_ms: Some(60_000), ..Wish::default() }).await;
    let scheduler = rig.scheduler("us-west").await;
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    let seen = rig.show(pending).await;
    assert_eq!((seen.state.as_str(), seen.reason.as_deref()), ("failed", Some("no_healthy_pool")), "{seen:?}");
    assert_eq!(rig.show(queued).await.state, "failed");
    assert_eq!(rig.show(early).await.state, "queued");
}

#[tokio::test]
async fn a_lease_of_a_session_that_is_not_there_is_found() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let lost = rig.lease("us-west", topology::SessionId::random()).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    reap::orphans(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(lost).await.state, "queued");
}

#[tokio::test]
async fn a_duty_has_one_holder_and_its_epoch_grows_with_every_change_of_hands() {
    let rig = Rig::new().await;
    let (west, one, two) = (home("us-west-2"), SchedulerId::random(), SchedulerId::random());
    let take = |holder| duty_take(&rig.db, &west, "test", holder, 60_000);
    assert_eq!(take(one).await.unwrap().map(|epoch| epoch.0), Some(1));
    assert_eq!(take(one).await.unwrap().map(|epoch| epoch.0), Some(1), "renewed");
    assert_eq!(take(two).await.unwrap(), None, "held by the first");
    duty_yield(&rig.db, &west, "test", one).await.unwrap();
    assert_eq!(take(two).await.unwrap().map(|epoch| epoch.0), Some(2));
    duty_yield(&rig.db, &west, "test", one).await.unwrap();
    assert_eq!(take(one).await.unwrap(), None, "nobody yields for another");
}

const FINISH: Statement = sql::statement!(
    "test_finish",
    once,
    "UPDATE missions SET state = 'succeeded', finished_at = now() - '8 days'::INTERVAL WHERE id = $1::UUID"
);

const LOSE_DUTIES: Statement = sql::statement!("test_lose_duties", once, "ALTER TABLE duties RENAME TO duties_gone");

const LOSE_REGION: Statement =
    sql::statement!("test_lose_region", once, "DELETE FROM region_states WHERE region = 'us-east'");

/// Takes the place of another region in the topology.
const SOUTH: &str = "name: south, provider: AWS, region: sa-east-1";

const EXISTS: Statement =
    sql::statement!("test_exists", idempotent, "SELECT count(*) FROM missions WHERE id = $1::UUID");

#[tokio::test]
async fn old_missions_go_with_their_events_in_every_home_and_young_ones_stay() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let dead = rig.session("us-west", &[("engineer", 10)], 6_000).await;
    let (old, young) = (rig.lease("us-west", dead).await, rig.mission(&Wish::default()).await);
    let mut scheduler = rig.scheduler("us-west").await;
    let kept = |days: u64| Duration::from_hours(24 * days);
    Arc::get_mut(&mut scheduler).expect("nobody else has it").retention.missions = kept(9);
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    reap::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.history(old).await.len(), 1);
    rig.db.execute(&FINISH, &[&old.0]).await.unwrap();
    let exists = |id: topology::MissionId| {
        let db = rig.db.clone();
        async move { db.query_one(&EXISTS, &[&id.0]).await.unwrap().get::<_, i64>(0) }
    };
    retention::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(exists(old).await, 1, "eight days are less than nine");
    Arc::get_mut(&mut scheduler).expect("nobody else has it").retention.missions = kept(7);
    retention::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!((exists(old).await, exists(young).await), (0, 1));
    assert_eq!(rig.history(old).await.len(), 0);
}

#[tokio::test]
async fn a_region_that_left_is_forgotten_when_nothing_is_left_there() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let session = rig.session("us-east", &[("engineer", 10)], 0).await;
    let leased = rig.lease("us-east", session).await;
    let queued = rig.mission(&Wish { region: Some("us-east"), ..Wish::default() }).await;
    let scheduler = rig.scheduler("us-west").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    rig.apply(1, &TOPOLOGY.replace("name: us-east, provider: AWS, region: us-east-1", SOUTH), 1).await;
    rig.refresh(&scheduler).await;
    let there = |context: &Context| context.views.current().regions.contains_key(&"us-east".parse().unwrap());

    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    retention::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_ne!(rig.show(queued).await.region.as_deref(), Some("us-east"), "its queue is placed anew");
    assert_eq!(rig.show(leased).await.state, "leased", "what runs there may finish");
    assert!(there(&scheduler), "sessions live there");

    // Homes of earlier versions are swept by a scheduler that never saw those versions in force, too.
    let second = rig.scheduler("europe-west").await;
    rig.heard("us-east", 60_000).await;
    rig.trust_home(&second, "us-east-1");
    health::tick(Arc::clone(&second)).await.unwrap();
    reap::tick(Arc::clone(&second)).await.unwrap();
    sweeps::tick(Arc::clone(&second)).await.unwrap();
    let seen = rig.show(leased).await;
    assert_eq!((seen.state.as_str(), seen.crashes), ("queued", 0), "{seen:?}");
    retention::tick(Arc::clone(&second)).await.unwrap();
    assert!(!there(&second));
}

#[tokio::test]
async fn what_waits_in_a_primary_region_that_homes_no_region_goes_on() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let pending =
        Wish { state: MissionState::Pending, region: None, reason: Some("no_healthy_pool"), ..Wish::default() };
    let (waits, late) = (rig.mission(&pending).await, rig.mission(&Wish { start_in_ms: Some(-1), ..pending }).await);
    let over = rig.mission(&Wish::default()).await;
    rig.db.execute(&FINISH, &[&over.0]).await.unwrap();
    // Its primary region is us-west-2 as before.
    rig.apply(
        1,
        &TOPOLOGY.replace("name: us-west, provider: AWS, region: us-west-2", SOUTH).replace(" west: [us-west]", ""),
        1,
    )
    .await;
    let scheduler = rig.scheduler("us-east").await;
    health::tick(Arc::clone(&scheduler)).await.unwrap();
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    let seen = rig.show(waits).await;
    assert_eq!((seen.state.as_str(), seen.home.as_str()), ("queued", "us-east-1"), "{seen:?}");
    assert_eq!(rig.show(late).await.state, "failed");
    retention::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.count("succeeded", "us-west", 0).await, 0, "what is over is taken away there, too");
}

#[tokio::test]
async fn a_home_that_one_loop_failed_on_is_left_alone_by_that_loop_only() {
    let rig = Rig::new().await;
    rig.everywhere().await;
    let late = rig.mission(&Wish { start_in_ms: Some(-1_000), ..Wish::default() }).await;
    let scheduler = rig.scheduler("us-west").await;
    rig.db.execute(&LOSE_DUTIES, &[]).await.unwrap();
    retention::tick(Arc::clone(&scheduler)).await.unwrap();
    sweeps::tick(Arc::clone(&scheduler)).await.unwrap();
    assert_eq!(rig.show(late).await.state, "failed");
}

#[tokio::test]
async fn a_region_that_came_back_is_not_forgotten_by_who_has_not_heard_of_it() {
    let rig = Rig::new().await;
    rig.session("us-west", &[("engineer", 10)], 0).await;
    let slow = rig.scheduler("us-west").await;
    rig.apply(1, &TOPOLOGY.replace("name: us-east, provider: AWS, region: us-east-1", SOUTH), 1).await;
    rig.refresh(&slow).await;
    rig.apply(2, TOPOLOGY, 1).await;
    let quick = rig.scheduler("us-west").await;
    retention::tick(Arc::clone(&slow)).await.unwrap();
    let there = async || {
        let rows = regions_read(&rig.db).await.unwrap();
        rows.iter().any(|row| row.region.as_str() == "us-east")
    };
    assert!(there().await, "it is in the topology in force");

    // One statement may still pass the other: who finds the row missing makes it again.
    rig.db.execute(&LOSE_REGION, &[]).await.unwrap();
    rig.refresh(&quick).await;
    rig.refresh(&quick).await;
    assert!(there().await);
}
