//! Answers that get lost: the connection is cut when a statement has committed and before its answer leaves.

use std::time::Duration;

use scheduler::engine::{Engine, SubmitContext, Submitted};
use scheduler::refusal::Refusal;
use scheduler_client::wire::MissionState;
use serde_json::json;
use sql::relay::{Mode, Relay};
use sql::{Config, Gateways};
use topology::Epoch;

use crate::world::{Agent, TOPOLOGY, World, ana, connect, mission, name, submit, submit_many, try_submit, wait_until};

/// An engine in us-west whose connections go through a relay.
pub(crate) struct Relayed {
    pub(crate) world: World,
    pub(crate) relay: Relay,
    pub(crate) engine: Engine,
}

impl Relayed {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let config = world.db.config();
        Self::with(world, config).await
    }

    /// Its statements may wait long.
    async fn patient() -> Self {
        let world = World::new().await;
        let config = world.db.config().call_timeout(Duration::from_secs(30));
        Self::with(world, config).await
    }

    async fn with(world: World, mut config: Config) -> Self {
        let (relay, url) = Relay::to_url(world.db.url()).await;
        config.gateways = Config::from_urls([&url]).unwrap().gateways;
        let gateways = Gateways::connect(config).await.unwrap();
        let engine = world.engine_on(&gateways, "us-west", None).await;
        Self { world, relay, engine }
    }

    /// The next statement of this name commits and its answer is lost.
    pub(crate) fn lose(&self, statement: &str) {
        self.relay.set(Mode::CutAfter(statement.to_owned()));
    }
}

#[tokio::test]
async fn a_submit_whose_answer_is_lost_is_stored_once_and_answered() {
    let it = Relayed::new().await;
    for (n, key) in [None, Some("k")].into_iter().enumerate() {
        let mut body = mission("m");
        body.idempotency_key = key.map(str::to_owned);
        it.lose("mission_submit");
        let answer = try_submit(&it.engine, body).await.unwrap();
        assert_eq!(it.relay.cuts(), n as u64 + 1, "the answer was lost");
        assert!(!answer.replayed, "it is the caller's own");
        let (id, at) = (answer.mission.id, answer.mission.submitted_at);
        assert_eq!(it.engine.show(id).await.unwrap().submitted_at, at);
        assert_eq!(it.world.ask::<i64>("SELECT count(*) FROM missions").await, n as i64 + 1);
    }
}

#[tokio::test]
async fn a_completion_whose_answer_is_lost_is_accepted_once_and_answered() {
    let it = Relayed::new().await;
    let agent = Agent::west(&it.engine, 1).await;
    submit(&it.engine, mission("m")).await;
    let grant = agent.claim(&it.engine, 1).await.remove(0);
    it.lose("mission_complete");
    let done = agent.complete(&it.engine, &grant, json!({ "pr": 1 })).await.unwrap();
    assert_eq!((it.relay.cuts(), done.state, done.outcome), (1, MissionState::Succeeded, Some(json!({ "pr": 1 }))));
}

#[tokio::test]
async fn a_heartbeat_whose_answer_is_lost_renews_all_the_same() {
    let it = Relayed::new().await;
    let mut agent = Agent::west(&it.engine, 1).await;
    it.lose("heartbeat_renew");
    assert_eq!(agent.beat(&it.engine, &[]).await.unwrap().seq, 1);
    assert_eq!(it.relay.cuts(), 1);
}

#[tokio::test]
async fn a_grant_whose_answer_is_lost_is_leased_again_after_two_heartbeats() {
    let it = Relayed::new().await;
    let mut agent = Agent::west(&it.engine, 2).await;
    let id = submit(&it.engine, mission("m")).await.id;
    it.lose("mission_claim_1");
    assert!(agent.claim_of(&it.engine, &[("engineer-master", 1)], 0, 400).await.unwrap().is_empty());
    assert_eq!(it.relay.cuts(), 1);
    let lost = it.engine.show(id).await.unwrap();
    assert_eq!((lost.state, lost.epoch), (MissionState::Leased, Epoch(1)));
    agent.beat(&it.engine, &[]).await.unwrap();
    agent.beat(&it.engine, &[]).await.unwrap();
    let again = agent.claim(&it.engine, 1).await.remove(0);
    assert_eq!((again.mission, again.epoch, again.seq), (id, Epoch(3), 2));
    assert_eq!(agent.beat(&it.engine, &[name(&again)]).await.unwrap().lost, vec![]);
    agent.complete(&it.engine, &again, json!(1)).await.unwrap();
}

#[tokio::test]
async fn a_claim_does_not_wait_on_where_the_database_does_not_answer() {
    let it = Relayed::new().await;
    let agent = Agent::west(&it.engine, 1).await;
    submit(&it.engine, mission("m")).await;
    it.relay.set(Mode::CutBefore("mission_claim_1".to_owned()));
    let one = [("engineer-master", 1)];
    let claim = agent.claim_of(&it.engine, &one, 0, 20_000);
    let refused = tokio::time::timeout(Duration::from_secs(10), claim).await.expect("long before its wait is over");
    assert_eq!(refused.unwrap_err(), Refusal::Unavailable);
    it.relay.set(Mode::Pass);
    wait_until("the breaker closes", || async {
        agent.claim_of(&it.engine, &one, 0, 500).await.is_ok_and(|grants| grants.len() == 1)
    })
    .await;
}

#[tokio::test]
async fn after_a_claim_that_nobody_heard_of_one_mission_is_asked_for() {
    let it = Relayed::new().await;
    let agent = Agent::west(&it.engine, 18).await;
    submit_many(&it.engine, 18).await;
    let nine = [("engineer-master", 9)];
    it.lose("mission_claim_16");
    assert_eq!(agent.claim_of(&it.engine, &nine, 0, 20_000).await.unwrap().len(), 1, "it can lose one, not all");
    assert_eq!(it.relay.cuts(), 1);
}

#[tokio::test]
async fn a_failure_whose_answer_is_lost_is_charged_once() {
    let it = Relayed::new().await;
    let agent = Agent::west(&it.engine, 1).await;
    let id = submit(&it.engine, mission("m")).await.id;
    let grant = agent.claim(&it.engine, 1).await.remove(0);
    it.lose("mission_fail");
    // It is queued again under a later epoch, so the repeated statement finds the lease gone.
    assert_eq!(agent.fail(&it.engine, &grant, true).await.unwrap_err().code(), "lease_lost");
    let shown = it.engine.show(id).await.unwrap();
    assert_eq!((shown.state, shown.attempts, shown.epoch), (MissionState::Queued, 1, Epoch(2)));
}

#[tokio::test]
async fn without_a_database_calls_are_refused_as_unavailable_and_nothing_is_lost() {
    let it = Relayed::new().await;
    let mut agent = Agent::west(&it.engine, 1).await;
    submit(&it.engine, mission("m")).await;
    let grant = agent.claim(&it.engine, 1).await.remove(0);
    it.relay.set(Mode::Refuse);
    for refusal in [
        try_submit(&it.engine, mission("n")).await.unwrap_err(),
        agent.beat(&it.engine, &[name(&grant)]).await.unwrap_err(),
        agent.complete(&it.engine, &grant, json!(1)).await.unwrap_err(),
        it.engine.show(grant.mission).await.unwrap_err(),
    ] {
        assert!(["database_unavailable", "indeterminate"].contains(&refusal.code()), "{refusal:?}");
    }
    it.relay.set(Mode::Pass);
    wait_until("the breaker closes", || async { agent.complete(&it.engine, &grant, json!(1)).await.is_ok() }).await;
}

/// The topology of the world, in which no `engineer-master` works in us-west.
fn without_west() -> String {
    TOPOLOGY.replace("      - { specialization: engineer-master, role: primary, replicas: 5, slots: 2 }\n", "")
}

/// Inserts of missions into us-west-2 wait inside their statement while lock 7 is held.
const HELD_INSERTS: &str = "
    CREATE FUNCTION hold_insert() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.crdb_region::TEXT = 'us-west-2' THEN PERFORM pg_advisory_xact_lock_shared(7); END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER hold_insert BEFORE INSERT ON missions FOR EACH ROW EXECUTE FUNCTION hold_insert()";

/// A submit that is placed into us-west; its connection breaks while the database works on it, and residency changes
/// before the answer. What the first try does then commits only after the mission was decided about anew.
async fn submit_with_a_late_first_try(key: Option<&str>) -> (Relayed, Submitted) {
    let it = Relayed::patient().await;
    let gate = connect(it.world.db.url()).await;
    it.world.run(HELD_INSERTS).await;
    gate.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
    let mut body = mission("m");
    body.idempotency_key = key.map(str::to_owned);
    let engine = it.engine.clone();
    let submitting = tokio::spawn(async move { try_submit(&engine, body).await });
    let waits = async |on: &str| {
        let ask =
            format!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = '{on}'");
        wait_until("the database waits", || async { it.world.ask::<i64>(&ask).await == 1 }).await;
    };
    waits("advisory").await;
    it.world.apply(&without_west(), 2).await;
    it.relay.break_running("mission_submit");
    if key.is_some() {
        // The next decision meets the key that the first try has not committed yet.
        waits("transactionid").await;
        gate.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
    }
    let answer = submitting.await.unwrap().unwrap();
    gate.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
    let late = "SELECT count(*) FROM missions WHERE crdb_region::TEXT = 'us-west-2'";
    wait_until("the first try commits", || async { it.world.ask::<i64>(late).await == 1 }).await;
    (it, answer)
}

#[tokio::test]
async fn a_try_that_commits_after_the_mission_was_decided_about_anew_is_another_mission() {
    let (it, answer) = submit_with_a_late_first_try(None).await;
    assert_eq!(answer.mission.home, "us-east-1");
    assert_eq!(it.world.ask::<i64>("SELECT count(*) FROM missions").await, 2, "two, for it had no key");
    assert_eq!(it.world.ask::<i64>("SELECT count(DISTINCT id) FROM missions").await, 2, "no id in two homes");
}

#[tokio::test]
async fn a_try_that_commits_late_is_what_its_key_stands_for() {
    let (it, answer) = submit_with_a_late_first_try(Some("k")).await;
    assert_eq!((answer.mission.home.as_str(), answer.replayed), ("us-west-2", true));
    assert_eq!(it.world.ask::<i64>("SELECT count(*) FROM missions").await, 1);
}

#[tokio::test]
async fn what_is_stored_is_answered_where_the_rest_of_its_batch_cannot_be_explained() {
    let it = Relayed::new().await;
    let mut keyed = mission("keyed");
    keyed.idempotency_key = Some("k".to_owned());
    submit(&it.engine, keyed.clone()).await;
    it.relay.set(Mode::CutBefore("submission_find".to_owned()));
    let bodies = vec![mission("a"), keyed, mission("b")];
    let answers = it.engine.submit(&ana(), &SubmitContext::default(), bodies).await;
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().map(drop).map_err(Refusal::code)).collect();
    assert_eq!(codes, [Ok(()), Err("indeterminate"), Ok(())]);
    assert_eq!(it.world.ask::<i64>("SELECT count(*) FROM missions").await, 3);
}
