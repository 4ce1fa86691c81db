//! What missions leave to be remembered: written by the statement that accepts their results, or not at all.

use scheduler::refusal::Refusal;
use scheduler_client::wire::{self, Grant, MissionMemory, MissionResult, ResultWord, ShownMemory, SubmitMission};
use serde_json::json;
use topology::MissionId;
use uuid::Uuid;

use crate::lost::Relayed;
use crate::world::{Agent, World, at_epoch, mission, submit};

fn told(solution: &str) -> MissionMemory {
    MissionMemory {
        solution: Some(solution.to_owned()),
        issue: Some("o/r#7".to_owned()),
        pr_number: Some(12),
        ..MissionMemory::default()
    }
}

fn completion(agent: &Agent, grant: &Grant, memory: MissionMemory) -> wire::Complete {
    wire::Complete { lease: agent.proof(grant), outcome: json!({ "pr": 12 }), memory: Some(Box::new(memory)) }
}

fn failure(agent: &Agent, grant: &Grant, retryable: bool) -> wire::Fail {
    wire::Fail {
        lease: agent.proof(grant),
        reason: "runner_exit".to_owned(),
        detail: json!({ "code": 1 }),
        retryable,
        memory: Some(Box::new(told("tried"))),
    }
}

/// Rows of all that a mission leaves: memories, work, lines of the recall log.
async fn left(world: &World) -> (i64, i64, i64) {
    (
        world.ask("SELECT count(*) FROM agent_memories").await,
        world.ask("SELECT count(*) FROM memory_work").await,
        world.ask("SELECT count(*) FROM memory_recalls").await,
    )
}

#[tokio::test]
async fn a_completion_leaves_its_memory_its_work_and_its_line_of_the_log() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let body = SubmitMission { payload: json!({ "body": "it hangs" }), ..mission("the build hangs") };
    let id = submit(&engine, body).await.id;
    let grant = agent.claim(&engine, 1).await.remove(0);
    world.run("UPDATE missions SET leased_at = leased_at - INTERVAL '30 minutes'").await;
    let (shown, unused) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let memory = MissionMemory {
        shown: vec![ShownMemory { memory: shown, used: true }, ShownMemory { memory: unused, used: false }],
        ..told("killed the zombie")
    };
    engine.complete(id, completion(&agent, &grant, memory)).await.unwrap();

    let row = world.raw.query_one("SELECT * , crdb_region::TEXT AS home FROM agent_memories", &[]).await.unwrap();
    assert_eq!((row.get::<_, Uuid>("id"), row.get::<_, Option<Uuid>>("mission_id")), (id.0, Some(id.0)));
    let text = |column: &str| row.get::<_, String>(column);
    assert_eq!((text("title"), text("description")), ("the build hangs".to_owned(), "it hangs".to_owned()));
    assert_eq!((text("solution_approach"), text("issue_id")), ("killed the zombie".to_owned(), "o/r#7".to_owned()));
    assert_eq!((text("agent"), text("specialization")), ("host-1".to_owned(), "engineer-master".to_owned()));
    assert_eq!((text("success_source"), text("home")), ("agent".to_owned(), "us-west-2".to_owned()));
    assert_eq!((row.get::<_, bool>("success"), row.get::<_, i64>("epoch")), (true, grant.epoch.0));
    let minutes: f64 = row.get("resolution_minutes");
    assert!((30.0..31.0).contains(&minutes), "{minutes}");
    assert_eq!(left(&world).await, (1, 1, 1));
    let log = world.raw.query_one("SELECT shown, used, with_memory, success FROM memory_recalls", &[]).await.unwrap();
    assert_eq!(log.get::<_, Vec<Uuid>>("shown"), [shown, unused]);
    assert_eq!(log.get::<_, Vec<Uuid>>("used"), [shown]);
    assert_eq!((log.get::<_, bool>("with_memory"), log.get::<_, bool>("success")), (true, true));
    assert!(world.ask::<bool>("SELECT count_at <= now() FROM memory_recalls").await, "it is evidence of what it used");
}

#[tokio::test]
async fn who_does_not_hold_the_lease_leaves_nothing() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let (holder, other) = (Agent::west(&engine, 1).await, Agent::west(&engine, 1).await);
    let id = submit(&engine, mission("m")).await.id;
    let grant = holder.claim(&engine, 1).await.remove(0);
    let stale = at_epoch(&grant, grant.epoch.0 - 1);
    for (agent, grant) in [(&holder, &stale), (&other, &grant)] {
        let refusal = engine.complete(id, completion(agent, grant, told("stolen"))).await.unwrap_err();
        assert_eq!(refusal.code(), "lease_lost");
        let refusal = engine.fail(id, failure(agent, grant, false)).await.unwrap_err();
        assert_eq!(refusal.code(), "lease_lost");
    }
    assert_eq!(left(&world).await, (0, 0, 0));
}

#[tokio::test]
async fn a_mission_fails_for_good_before_its_failure_is_remembered() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let id = submit(&engine, mission("m")).await.id;
    let grant = agent.claim(&engine, 1).await.remove(0);
    engine.fail(id, failure(&agent, &grant, true)).await.unwrap();
    assert_eq!(left(&world).await, (0, 0, 0), "another attempt follows");
    world.run("UPDATE missions SET not_before = to_timestamp(0)").await;
    let grant = agent.claim(&engine, 1).await.remove(0);
    engine.fail(id, failure(&agent, &grant, false)).await.unwrap();
    assert_eq!(left(&world).await, (1, 1, 1));
    assert!(!world.ask::<bool>("SELECT success FROM agent_memories").await);

    let counts = "SELECT count_at IS NOT NULL FROM memory_recalls";
    assert!(!world.ask::<bool>(counts).await, "it used nothing");
    world.run("UPDATE memory_recalls SET counted = ARRAY[gen_random_uuid()], counted_success = true").await;

    // Submitted again it succeeds, under a later epoch, which has the last word.
    engine.retry(&crate::world::ana(), id).await.unwrap();
    let grant = agent.claim(&engine, 1).await.remove(0);
    engine.complete(id, completion(&agent, &grant, told("worked"))).await.unwrap();
    assert_eq!(left(&world).await, (1, 1, 1));
    assert!(world.ask::<bool>("SELECT success FROM agent_memories").await);
    assert_eq!(world.ask::<i64>("SELECT evidence_succeeded FROM agent_memories").await, 1);
    assert!(world.ask::<bool>("SELECT success FROM memory_recalls").await);
    assert!(world.ask::<bool>(counts).await, "what it counted before is to be taken back");
}

#[tokio::test]
async fn a_completion_whose_answer_is_lost_is_remembered_once() {
    let it = Relayed::new().await;
    let agent = Agent::west(&it.engine, 1).await;
    let id = submit(&it.engine, mission("m")).await.id;
    let grant = agent.claim(&it.engine, 1).await.remove(0);
    it.lose("mission_complete_remembered");
    it.engine.complete(id, completion(&agent, &grant, told("first"))).await.unwrap();
    assert_eq!(it.relay.cuts(), 1, "the answer was lost");
    it.engine.complete(id, completion(&agent, &grant, told("second"))).await.unwrap();
    assert_eq!(left(&it.world).await, (1, 1, 1));
    assert_eq!(it.world.ask::<String>("SELECT solution_approach FROM agent_memories").await, "first");
}

#[tokio::test]
async fn a_completion_that_never_came_to_the_database_leaves_nothing_until_it_is_said_again() {
    let it = Relayed::new().await;
    let agent = Agent::west(&it.engine, 1).await;
    let id = submit(&it.engine, mission("m")).await.id;
    let grant = agent.claim(&it.engine, 1).await.remove(0);
    it.relay.set(sql::relay::Mode::CutBefore("mission_complete_remembered".to_owned()));
    let refusal = it.engine.complete(id, completion(&agent, &grant, told("late"))).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Unavailable | Refusal::Indeterminate), "{refusal:?}");
    assert_eq!(left(&it.world).await, (0, 0, 0));
    it.relay.set(sql::relay::Mode::Pass);
    crate::world::wait_until("the breaker closes", || async {
        it.engine.complete(id, completion(&agent, &grant, told("late"))).await.is_ok()
    })
    .await;
    assert_eq!(left(&it.world).await, (1, 1, 1));
}

#[tokio::test]
async fn missions_of_drills_and_results_without_a_memory_leave_nothing() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 2).await;
    submit(&engine, SubmitMission { drill: Some("run-1".to_owned()), ..mission("drilled") }).await;
    submit(&engine, mission("plain")).await;
    for grant in agent.claim(&engine, 2).await {
        if grant.drill.is_some() {
            engine.complete(grant.mission, completion(&agent, &grant, told("drilled"))).await.unwrap();
        } else {
            agent.complete(&engine, &grant, json!(1)).await.unwrap();
        }
    }
    assert_eq!(left(&world).await, (0, 0, 0));
}

#[tokio::test]
async fn of_results_together_those_with_a_bad_memory_are_refused_and_the_others_stored() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 3).await;
    for _ in 0..3 {
        submit(&engine, mission("m")).await;
    }
    let grants = agent.claim(&engine, 3).await;
    let mut bodies: Vec<wire::Complete> =
        grants.iter().map(|grant| completion(&agent, grant, told("together"))).collect();
    bodies[0].memory = None;
    bodies[1].memory.as_mut().unwrap().pr_number = Some(0);
    let results = grants
        .iter()
        .zip(bodies)
        .map(|(grant, body)| MissionResult { mission: grant.mission, word: ResultWord::Complete(body) })
        .collect();
    let answers = engine.results(agent.session, results).await;
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().map(drop).map_err(Refusal::code)).collect();
    assert_eq!(codes, [Ok(()), Err("number_out_of_range"), Ok(())]);
    assert_eq!(left(&world).await, (1, 1, 1));
    let remembered = MissionId(world.ask("SELECT mission_id FROM agent_memories").await);
    assert_eq!(remembered, grants[2].mission);
}

#[tokio::test]
async fn what_was_forgotten_is_not_written_again() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let id = submit(&engine, mission("m")).await.id;
    let grant = agent.claim(&engine, 1).await.remove(0);
    world.run(&format!("INSERT INTO memory_tombstones VALUES ('{id}', '', 'test', now())")).await;
    engine.complete(id, completion(&agent, &grant, told("again"))).await.unwrap();
    assert_eq!(left(&world).await.0, 0);
}
