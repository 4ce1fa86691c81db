//! The straight path, and every way off it.

use scheduler::engine::Actor;
use scheduler::refusal::Refusal;
use scheduler_client::wire::MissionState;
use serde_json::json;
use topology::{Epoch, MissionId, SessionId};

use crate::world::{Agent, World, ana, at_epoch, mission, name, submit, submit_many};

#[tokio::test]
async fn a_mission_is_submitted_claimed_renewed_and_completed() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let mut agent = Agent::west(&engine, 2).await;
    let mut body = mission("first");
    body.payload = json!({ "issue": 7, "text": "\u{1F680} \"quoted\" \\ 1e3" });
    let submitted = submit(&engine, body).await;
    assert_eq!((submitted.state, submitted.epoch), (MissionState::Queued, Epoch(0)));
    assert_eq!(submitted.pool.as_ref().unwrap().to_string(), "us-west/engineer-master");

    let grants = agent.claim(&engine, 2).await;
    let [grant] = grants.as_slice() else { panic!("{grants:?}") };
    assert_eq!((grant.mission, grant.epoch, grant.attempt, grant.seq), (submitted.id, Epoch(1), 1, 0));
    assert_eq!(grant.payload["text"], "\u{1F680} \"quoted\" \\ 1e3");

    let told = agent.beat(&engine, &[name(grant)]).await.unwrap();
    assert_eq!((told.lost, told.cancelled), (vec![], vec![]));
    agent.progress(&engine, grant).await.unwrap();
    let done = agent.complete(&engine, grant, json!({ "pr": 12 })).await.unwrap();
    assert_eq!((done.state, done.outcome), (MissionState::Succeeded, Some(json!({ "pr": 12 }))));

    let shown = engine.show(submitted.id).await.unwrap();
    assert_eq!((shown.state, shown.attempts, shown.session), (MissionState::Succeeded, 0, Some(agent.session)));
    let path: Vec<_> = shown.history.unwrap().iter().map(|event| (event.to, event.epoch.0)).collect();
    use MissionState::{Leased, Queued, Succeeded};
    assert_eq!(path, [(Queued, 0), (Leased, 1), (Succeeded, 1)]);
    let events: i64 = world.ask("SELECT count(*) FROM mission_events").await;
    assert_eq!(events, 0, "the straight path is told by the mission's own times");
}

#[tokio::test]
async fn a_repeated_completion_is_answered_alike_and_another_result_is_refused() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    submit(&engine, mission("m")).await;
    let grant = agent.claim(&engine, 1).await.remove(0);
    let first = agent.complete(&engine, &grant, json!({ "a": 1, "b": 2 })).await.unwrap();
    // Through another scheduler, and with the fields in another order.
    let other = world.engine("us-east").await;
    let again = agent.complete(&other, &grant, json!({ "b": 2, "a": 1 })).await.unwrap();
    assert_eq!((again.state, &again.outcome), (first.state, &first.outcome));
    let refusal = agent.complete(&engine, &grant, json!({ "a": 2 })).await.unwrap_err();
    assert_eq!(refusal.code(), "lease_lost");
    assert_eq!(engine.show(grant.mission).await.unwrap().outcome, first.outcome);
}

#[tokio::test]
async fn two_different_results_in_one_batch_store_one() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    submit(&engine, mission("m")).await;
    let grant = agent.claim(&engine, 1).await.remove(0);
    let results = futures_util::future::join_all((0..20).map(|n| agent.complete(&engine, &grant, json!(n % 4)))).await;
    let stored = engine.show(grant.mission).await.unwrap().outcome.unwrap();
    for (n, result) in results.into_iter().enumerate() {
        if json!(n % 4) == stored {
            assert_eq!(result.unwrap().outcome, Some(stored.clone()));
        } else {
            assert_eq!(result.unwrap_err().code(), "lease_lost");
        }
    }
}

#[tokio::test]
async fn every_write_is_fenced_by_epoch_and_session() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let (agent, thief) = (Agent::west(&engine, 1).await, Agent::west(&engine, 1).await);
    submit(&engine, mission("m")).await;
    let grant = agent.claim(&engine, 1).await.remove(0);
    let stale = at_epoch(&grant, 0);
    let early = at_epoch(&grant, 2);
    for (who, lease) in [(&agent, &stale), (&agent, &early), (&thief, &grant)] {
        let refusals = [
            who.complete(&engine, lease, json!(1)).await.unwrap_err(),
            who.fail(&engine, lease, true).await.unwrap_err(),
            who.fail(&engine, lease, false).await.unwrap_err(),
            who.release(&engine, lease).await.unwrap_err(),
            who.progress(&engine, lease).await.unwrap_err(),
        ];
        for refusal in refusals {
            assert_eq!(refusal, Refusal::LeaseLost { state: MissionState::Leased, epoch: Epoch(1) });
        }
    }
    let shown = engine.show(grant.mission).await.unwrap();
    assert_eq!((shown.state, shown.epoch, shown.attempts, shown.moves), (MissionState::Leased, Epoch(1), 0, 0));
    assert_eq!(shown.progress, None);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    submit(&engine, mission("m")).await;
    let mut grant = agent.claim(&engine, 1).await.remove(0);
    grant.mission = MissionId::random();
    assert_eq!(agent.complete(&engine, &grant, json!(1)).await.unwrap_err(), Refusal::MissionNotFound);
    assert_eq!(agent.fail(&engine, &grant, true).await.unwrap_err(), Refusal::MissionNotFound);
    assert_eq!(agent.release(&engine, &grant).await.unwrap_err(), Refusal::MissionNotFound);
    assert_eq!(agent.progress(&engine, &grant).await.unwrap_err(), Refusal::MissionNotFound);
    assert_eq!(engine.show(grant.mission).await.unwrap_err(), Refusal::MissionNotFound);
    assert_eq!(engine.placement(grant.mission).await.unwrap_err(), Refusal::MissionNotFound);
    assert_eq!(engine.cancel(&ana(), grant.mission, "").await.unwrap_err(), Refusal::MissionNotFound);
    assert_eq!(engine.retry(&ana(), grant.mission).await.unwrap_err(), Refusal::MissionNotFound);
    assert_eq!(engine.session_region(SessionId::random()).await.unwrap_err(), Refusal::SessionNotFound);
    grant.home = "mars-1".to_owned();
    assert_eq!(agent.release(&engine, &grant).await.unwrap_err().code(), "unknown_home");
}

#[tokio::test]
async fn failures_rest_longer_each_time_and_end_after_the_last_attempt() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let id = submit(&engine, mission("m")).await.id;
    for (attempt, rest) in [(1, 1.0), (2, 2.0)] {
        let grant = agent.claim(&engine, 1).await.remove(0);
        assert_eq!(grant.attempt, attempt);
        let answer = agent.fail(&engine, &grant, true).await.unwrap();
        assert_eq!((answer.state, answer.epoch), (MissionState::Queued, grant.epoch.next()));
        let rests: f64 = world
            .ask(
                "SELECT extract(epoch FROM m.not_before - e.at)::FLOAT8
                  FROM missions m JOIN mission_events e ON e.mission_id = m.id ORDER BY e.at DESC LIMIT 1",
            )
            .await;
        assert!((rests - rest).abs() < 0.001, "attempt {attempt} rests {rests} s");
        assert!(agent.try_claim(&engine, 1, 0).await.unwrap().is_empty(), "it rests");
        world.run("UPDATE missions SET not_before = now() - INTERVAL '1 second'").await;
    }
    let grant = agent.claim(&engine, 1).await.remove(0);
    let last = agent.fail(&engine, &grant, true).await.unwrap();
    assert_eq!((last.state, last.epoch), (MissionState::Failed, grant.epoch));
    assert_eq!(agent.fail(&engine, &grant, true).await.unwrap().state, MissionState::Failed, "its answer was lost");
    assert_eq!(agent.complete(&engine, &grant, json!(1)).await.unwrap_err().code(), "lease_lost");
    let shown = engine.show(id).await.unwrap();
    assert_eq!((shown.attempts, shown.reason.as_deref()), (3, Some("runner_exit")));
    assert_eq!(shown.outcome, Some(json!({ "code": 1 })));
}

#[tokio::test]
async fn a_failure_that_no_attempt_can_cure_ends_at_once() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    submit(&engine, mission("m")).await;
    let grant = agent.claim(&engine, 1).await.remove(0);
    assert_eq!(agent.fail(&engine, &grant, false).await.unwrap().state, MissionState::Failed);
}

#[tokio::test]
async fn what_is_handed_back_is_granted_again_at_once_and_charged_nothing() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    submit(&engine, mission("m")).await;
    let grant = agent.claim(&engine, 1).await.remove(0);
    let answer = agent.release(&engine, &grant).await.unwrap();
    assert_eq!((answer.state, answer.epoch), (MissionState::Queued, Epoch(2)));
    assert_eq!(agent.release(&engine, &grant).await.unwrap_err().code(), "lease_lost");
    let again = agent.claim(&engine, 1).await.remove(0);
    assert_eq!((again.epoch, again.attempt), (Epoch(3), 1));
    assert_eq!(agent.complete(&engine, &grant, json!(1)).await.unwrap_err().code(), "lease_lost");
    let shown = engine.show(grant.mission).await.unwrap();
    assert_eq!((shown.moves, shown.attempts, shown.crashes), (1, 0, 0));
    let path: Vec<_> = shown.history.unwrap().iter().map(|e| (e.to, e.epoch.0, e.reason.clone())).collect();
    let drain = Some("drain".to_owned());
    assert_eq!(path[1..], [(MissionState::Queued, 2, drain), (MissionState::Leased, 3, None)]);
}

#[tokio::test]
async fn a_cancelled_mission_stops_its_holder_and_cannot_be_completed() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let mut agent = Agent::west(&engine, 2).await;
    submit_many(&engine, 2).await;
    let grants = agent.claim(&engine, 2).await;
    let [kept, off] = grants.as_slice() else { panic!("{grants:?}") };
    let refusal = engine.cancel(&Actor::Submitter("bob".to_owned()), off.mission, "mine now").await.unwrap_err();
    assert_eq!(refusal, Refusal::NotYours);
    let cancelled = engine.cancel(&ana(), off.mission, "not needed").await.unwrap();
    assert_eq!((cancelled.state, cancelled.epoch), (MissionState::Cancelled, Epoch(2)));
    let told = agent.beat(&engine, &[name(kept), name(off)]).await.unwrap();
    assert_eq!((told.lost, told.cancelled), (vec![], vec![name(off)]));
    let refusal = agent.complete(&engine, off, json!(1)).await.unwrap_err();
    assert_eq!(refusal, Refusal::MissionCancelled { epoch: Epoch(2) });
    assert_eq!(engine.cancel(&ana(), off.mission, "").await.unwrap().epoch, Epoch(2), "twice is no error");
    agent.complete(&engine, kept, json!(1)).await.unwrap();
    assert_eq!(engine.cancel(&ana(), kept.mission, "").await.unwrap_err().code(), "mission_finished");
    let operator = Actor::Operator("root".to_owned());
    let waiting = submit(&engine, mission("waits")).await.id;
    assert_eq!(engine.cancel(&operator, waiting, "").await.unwrap().state, MissionState::Cancelled);
    assert!(agent.try_claim(&engine, 2, 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_retried_mission_starts_over_under_a_later_epoch() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let id = submit(&engine, mission("m")).await.id;
    assert_eq!(engine.retry(&ana(), id).await.unwrap_err(), Refusal::MissionOpen { state: MissionState::Queued });
    let grant = agent.claim(&engine, 1).await.remove(0);
    agent.fail(&engine, &grant, false).await.unwrap();
    // Through another region's scheduler: the origin is the mission's own, so it stays where it was.
    let east = world.engine("us-east").await;
    let retried = east.retry(&ana(), id).await.unwrap();
    assert_eq!((retried.state, retried.attempts, retried.epoch), (MissionState::Queued, 0, Epoch(2)));
    assert_eq!((retried.outcome, retried.finished_at, retried.session), (None, None, None));
    assert_eq!(
        agent.fail(&engine, &grant, false).await.unwrap_err().code(),
        "lease_lost",
        "an old word counts no more"
    );
    let again = agent.claim(&engine, 1).await.remove(0);
    assert_eq!((again.mission, again.epoch, again.attempt), (id, Epoch(3), 1));
    agent.complete(&engine, &again, json!(1)).await.unwrap();
    assert_eq!(engine.retry(&ana(), id).await.unwrap_err().code(), "mission_finished");
}
