//! The results of a session in one request: each as if it came alone.

use scheduler::refusal::Refusal;
use scheduler_client::wire::{Complete, Fail, Grant, MissionResult, MissionState, Release, ResultWord};
use serde_json::{Value, json};
use topology::{Epoch, MissionId};

use crate::world::{Agent, World, at_epoch, submit_many};

fn complete(agent: &Agent, grant: &Grant, outcome: Value) -> MissionResult {
    let word = ResultWord::Complete(Complete { lease: agent.proof(grant), outcome, memory: None });
    MissionResult { mission: grant.mission, word }
}

fn fail(agent: &Agent, grant: &Grant, retryable: bool) -> MissionResult {
    let (reason, detail) = ("runner_exit".to_owned(), json!({ "code": 1 }));
    let word = ResultWord::Fail(Fail { lease: agent.proof(grant), reason, detail, retryable, memory: None });
    MissionResult { mission: grant.mission, word }
}

fn release(agent: &Agent, grant: &Grant) -> MissionResult {
    let word = ResultWord::Release(Release { lease: agent.proof(grant), reason: "drain".to_owned() });
    MissionResult { mission: grant.mission, word }
}

#[tokio::test]
async fn each_result_of_a_request_is_answered_as_if_it_came_alone() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 9).await;
    submit_many(&engine, 9).await;
    let g = agent.claim(&engine, 9).await;
    assert_eq!(g.len(), 9);
    let thief = Agent::west(&engine, 1).await;
    let unknown = Grant { mission: MissionId::random(), ..g[4].clone() };
    let homeless = Grant { home: "mars-1".to_owned(), ..g[4].clone() };
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let results = vec![
        complete(&agent, &g[0], json!({ "pr": 1 })),
        complete(&agent, &at_epoch(&g[4], 0), json!(1)),
        fail(&agent, &g[1], true),
        complete(&thief, &g[4], json!(1)),
        fail(&agent, &g[2], false),
        complete(&agent, &g[4], json!("a\0b")),
        release(&agent, &g[3]),
        complete(&agent, &g[4], deep),
        complete(&agent, &unknown, json!(1)),
        release(&agent, &homeless),
        complete(&agent, &g[5], json!({ "pr": 5 })),
    ];
    let answers = engine.results(agent.session, results).await;
    let told: Vec<_> =
        answers.iter().map(|a| a.as_ref().map(|a| (a.state, a.epoch.0)).map_err(Refusal::code)).collect();
    let expected = [
        Ok((MissionState::Succeeded, 1)),
        Err("lease_lost"),
        Ok((MissionState::Queued, 2)),
        Err("other_session"),
        Ok((MissionState::Failed, 1)),
        Err("nul_character"),
        Ok((MissionState::Queued, 2)),
        Err("value_too_deep"),
        Err("mission_not_found"),
        Err("unknown_home"),
        Ok((MissionState::Succeeded, 1)),
    ];
    assert_eq!(told, expected);
    assert_eq!(answers[0].as_ref().unwrap().outcome, Some(json!({ "pr": 1 })));
    assert_eq!(answers[4].as_ref().unwrap().outcome, Some(json!({ "code": 1 })));
    let untouched = engine.show(g[4].mission).await.unwrap();
    assert_eq!((untouched.state, untouched.epoch), (MissionState::Leased, Epoch(1)));
    // The path's word is not enough: the lease must be the session's own.
    let stolen = engine.results(thief.session, vec![complete(&thief, &g[4], json!(1))]).await.remove(0);
    assert_eq!(stolen.unwrap_err(), Refusal::LeaseLost { state: MissionState::Leased, epoch: Epoch(1) });
}

#[tokio::test]
async fn five_hundred_results_are_one_statement_and_the_same_request_again_is_answered_alike() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 500).await;
    submit_many(&engine, 500).await;
    let mut grants = Vec::new();
    while grants.len() < 500 {
        grants.extend(agent.claim(&engine, 500).await);
    }
    let results: Vec<_> = grants.iter().enumerate().map(|(n, grant)| complete(&agent, grant, json!(n))).collect();
    let first = engine.results(agent.session, results.clone()).await;
    // Rows of one statement have one time.
    assert_eq!(world.ask::<i64>("SELECT count(DISTINCT finished_at) FROM missions").await, 1);
    let other = world.engine("us-east").await;
    let again = other.results(agent.session, results).await;
    for (n, (first, again)) in first.into_iter().zip(again).enumerate() {
        let (first, again) = (first.unwrap(), again.unwrap());
        assert_eq!((first.state, first.outcome.as_ref()), (MissionState::Succeeded, Some(&json!(n))));
        assert_eq!((first.state, first.epoch, first.outcome), (again.state, again.epoch, again.outcome));
    }
}

#[tokio::test]
async fn one_mission_many_times_in_a_request_ends_once() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    submit_many(&engine, 1).await;
    let grant = agent.claim(&engine, 1).await.remove(0);
    let mut results: Vec<_> = (0..8).map(|n| complete(&agent, &grant, json!(n % 2))).collect();
    results.extend([fail(&agent, &grant, false), release(&agent, &grant)]);
    let answers = engine.results(agent.session, results).await;
    let shown = engine.show(grant.mission).await.unwrap();
    let taken = answers.iter().flatten().count();
    match shown.state {
        MissionState::Succeeded => {
            let stored = shown.outcome.unwrap();
            for (n, answer) in answers.into_iter().enumerate() {
                assert_eq!(answer.is_ok(), n < 8 && json!(n % 2) == stored, "{n}: {answer:?}");
            }
        }
        MissionState::Failed | MissionState::Queued => assert_eq!(taken, 1, "{answers:?}"),
        MissionState::Pending | MissionState::Leased | MissionState::Cancelled => panic!("{shown:?}"),
    }
}
