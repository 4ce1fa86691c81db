//! Claims: capacity, order, company, loneliness, and waits that are given up.

use std::collections::BTreeSet;
use std::time::Duration;

use scheduler::engine::{Actor, SubmitContext};
use scheduler_client::wire::MissionState;
use serde_json::json;
use topology::{Epoch, MissionId};

use crate::world::{Agent, World, connect, mission, submit, submit_many, wait_until};

#[tokio::test]
async fn a_session_gets_its_capacity_less_its_leases_whatever_it_says() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 3).await;
    submit_many(&engine, 10).await;
    let grants = agent.claim(&engine, 9).await;
    assert_eq!(grants.len(), 3);
    assert!(agent.try_claim(&engine, 9, 0).await.unwrap().is_empty());
    agent.complete(&engine, &grants[0], json!(1)).await.unwrap();
    assert_eq!(agent.claim(&engine, 9).await.len(), 1);
}

#[tokio::test]
async fn later_claims_of_a_session_replace_earlier_ones_and_never_exceed_its_capacity() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 5).await;
    submit_many(&engine, 50).await;
    let free = [("engineer-master", 4)];
    let claims = (0..8).map(|_| agent.claim_of(&engine, &free, 0, 300));
    let granted: usize = futures_util::future::join_all(claims).await.into_iter().map(|c| c.unwrap().len()).sum();
    assert!((4..=5).contains(&granted), "at least the last one is answered in full: {granted}");
    assert_eq!(granted + agent.claim(&engine, 4).await.len(), 5);
    let most: i64 = world.ask("SELECT count(*) FROM missions WHERE state = 'leased'").await;
    assert_eq!(most, 5);
}

#[tokio::test]
async fn two_schedulers_never_grant_the_same_mission() {
    let world = World::new().await;
    let (one, two) = (world.engine("us-west").await, world.engine("us-west").await);
    let all: BTreeSet<MissionId> = submit_many(&one, 400).await.into_iter().collect();
    let mut tasks = Vec::new();
    for n in 0..8 {
        let engine = if n % 2 == 0 { one.clone() } else { two.clone() };
        let agent = Agent::west(&engine, 1000).await;
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let grants = agent.claim_of(&engine, &[("engineer-master", 7)], 0, 600).await.unwrap();
                if grants.is_empty() {
                    return mine;
                }
                mine.extend(grants);
            }
        }));
    }
    let mut granted = Vec::new();
    for task in tasks {
        granted.extend(task.await.unwrap());
    }
    assert_eq!(granted.len(), 400);
    assert!(granted.iter().all(|grant| grant.epoch == Epoch(1)));
    assert_eq!(granted.iter().map(|grant| grant.mission).collect::<BTreeSet<_>>(), all);
}

#[tokio::test]
async fn the_queue_goes_by_rank_then_by_turns_of_submitters_then_by_age() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let context = SubmitContext::default();
    let named = |title: &str, priority| {
        let mut body = mission(title);
        body.priority = priority;
        body
    };
    let flood = (0..4).map(|n| named(&format!("flood {n}"), 5)).collect();
    engine.submit(&Actor::Submitter("flooder".to_owned()), &context, flood).await;
    engine.submit(&Actor::Submitter("newcomer".to_owned()), &context, vec![named("late", 5)]).await;
    engine.submit(&Actor::Submitter("newcomer".to_owned()), &context, vec![named("urgent", 9)]).await;
    let agent = Agent::west(&engine, 10).await;
    let mut titles = Vec::new();
    for _ in 0..6 {
        titles.push(agent.claim(&engine, 1).await.remove(0).title);
    }
    assert_eq!(titles, ["urgent", "flood 0", "late", "flood 1", "flood 2", "flood 3"]);
}

#[tokio::test]
async fn a_waiting_claim_hears_of_a_new_mission_and_serves_all_its_pools() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::start(&engine, "us-west", &[("engineer-master", 2), ("secure-specialist", 1)]).await;
    let waiting = tokio::spawn({
        let (engine, agent) = (engine.clone(), agent.clone());
        let free = [("engineer-master", 2), ("secure-specialist", 1)];
        async move { agent.claim_of(&engine, &free, 0, 20_000).await.unwrap() }
    });
    let mut body = mission("secure");
    body.specialization = "secure-specialist".to_owned();
    let id = submit(&engine, body).await.id;
    let grants = waiting.await.unwrap();
    assert_eq!(grants.iter().map(|grant| grant.mission).collect::<Vec<_>>(), [id]);
    assert_eq!(grants[0].specialization.as_str(), "secure-specialist");
}

#[tokio::test]
async fn a_claim_that_waits_in_vain_ends_empty_in_time() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let before = std::time::Instant::now();
    assert!(agent.claim_of(&engine, &[("engineer-master", 1)], 0, 300).await.unwrap().is_empty());
    assert!(before.elapsed() >= Duration::from_millis(300));
    for (free, wait) in [(0, 10), (10_001, 10), (1, -1), (1, 30_001)] {
        let refusal = agent.claim_of(&engine, &[("engineer-master", free)], 0, wait).await.unwrap_err();
        assert_eq!(refusal.code(), "number_out_of_range");
    }
    assert_eq!(agent.claim_of(&engine, &[], 0, 10).await.unwrap_err().code(), "wrong_count");
}

#[tokio::test]
async fn another_pools_session_gets_nothing_of_a_pool_that_it_does_not_offer() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    submit(&engine, mission("m")).await;
    let other = Agent::start(&engine, "us-west", &[("secure-specialist", 5)]).await;
    assert!(other.try_claim(&engine, 5, 0).await.unwrap().is_empty());
    let elsewhere = Agent::start(&engine, "europe-west", &[("engineer-master", 5)]).await;
    assert!(elsewhere.try_claim(&engine, 5, 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cordoned_region_grants_nothing() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    submit(&engine, mission("m")).await;
    let agent = Agent::west(&engine, 1).await;
    world.run("UPDATE region_states SET verb = 'cordoned' WHERE region = 'us-west'").await;
    let cordoned = world.engine("us-west").await;
    assert!(agent.try_claim(&cordoned, 1, 0).await.unwrap().is_empty());
    world.run("UPDATE region_states SET verb = 'none'").await;
    let open = world.engine("us-west").await;
    assert_eq!(agent.claim(&open, 1).await.len(), 1);
}

#[tokio::test]
async fn a_mission_that_crashed_its_holders_is_granted_alone_to_an_empty_session() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let crasher = submit(&engine, mission("crasher")).await.id;
    world.run("UPDATE missions SET crashes = 2").await;
    submit_many(&engine, 3).await;
    let agent = Agent::west(&engine, 2).await;
    // A claimer looks for it first, so an empty session gets it, and nothing beside it.
    let first = agent.claim(&engine, 2).await;
    assert_eq!(first.iter().map(|g| (g.mission, g.alone)).collect::<Vec<_>>(), [(crasher, true)]);
    assert!(agent.try_claim(&engine, 1, 1).await.unwrap().is_empty(), "it holds one that is alone");
    agent.complete(&engine, &first[0], json!(1)).await.unwrap();
    assert_eq!(agent.claim(&engine, 2).await.len(), 2);
}

#[tokio::test]
async fn a_busy_session_is_kept_free_for_a_mission_that_is_granted_alone() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 2).await;
    submit_many(&engine, 1).await;
    let busy = agent.claim(&engine, 2).await.remove(0);
    let crasher = submit(&engine, mission("crasher")).await.id;
    world.run(&format!("UPDATE missions SET crashes = 3 WHERE id = '{crasher}'")).await;
    let one = [("engineer-master", 1)];
    assert!(agent.claim_of(&engine, &one, 1, 800).await.unwrap().is_empty(), "the session is not empty");
    submit_many(&engine, 5).await;
    assert!(agent.claim_of(&engine, &one, 1, 800).await.unwrap().is_empty(), "it is reserved");
    agent.complete(&engine, &busy, json!(1)).await.unwrap();
    let grants = agent.claim_of(&engine, &[("engineer-master", 2)], 0, 3000).await.unwrap();
    assert_eq!(grants.iter().map(|g| (g.mission, g.alone)).collect::<Vec<_>>(), [(crasher, true)]);
}

#[tokio::test]
async fn what_is_granted_to_a_claim_that_was_given_up_goes_back() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let id = submit(&engine, mission("m")).await.id;
    // The claim's statement is held up at the session's row while the request goes away.
    let blocker = connect(world.db.url()).await;
    blocker.batch_execute("BEGIN; SELECT 1 FROM sessions FOR UPDATE").await.unwrap();
    let claim = tokio::spawn({
        let (engine, agent) = (engine.clone(), agent.clone());
        async move { agent.claim_of(&engine, &[("engineer-master", 1)], 0, 20_000).await }
    });
    wait_until("the claim waits for the session's row", || async {
        world
            .ask::<i64>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .await
            > 0
    })
    .await;
    claim.abort();
    assert!(claim.await.unwrap_err().is_cancelled());
    blocker.batch_execute("COMMIT").await.unwrap();
    wait_until("it is queued again", || async { engine.show(id).await.unwrap().epoch == Epoch(2) }).await;
    let shown = engine.show(id).await.unwrap();
    assert_eq!((shown.state, shown.moves), (MissionState::Queued, 1));
    assert_eq!(shown.history.unwrap().last().unwrap().reason.as_deref(), Some("unclaimed"));
    assert_eq!(agent.claim(&engine, 1).await.len(), 1);
}

#[tokio::test]
async fn no_grant_passes_whoever_ends_the_session() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let id = submit(&engine, mission("m")).await.id;
    let reaper = connect(world.db.url()).await;
    reaper.batch_execute("BEGIN; UPDATE sessions SET ended_at = now(), ended_reason = 'expired'").await.unwrap();
    let claim = tokio::spawn({
        let (engine, agent) = (engine.clone(), agent.clone());
        async move { agent.claim_of(&engine, &[("engineer-master", 1)], 0, 1000).await }
    });
    wait_until("the claim waits for the session's row", || async {
        world
            .ask::<i64>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .await
            > 0
    })
    .await;
    reaper.batch_execute("COMMIT").await.unwrap();
    assert!(claim.await.unwrap().unwrap().is_empty());
    assert_eq!(engine.show(id).await.unwrap().state, MissionState::Queued);
}
