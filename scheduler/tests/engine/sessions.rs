//! Sessions and heartbeats.

use scheduler::engine::Actor;
use scheduler::refusal::Refusal;
use scheduler::store::session::session_reap;
use scheduler_client::wire::{Heartbeat, LeaseName, MissionState};
use serde_json::json;
use sql::Lane;
use topology::{Epoch, MissionId, SessionId};

use crate::world::{Agent, World, ana, mission, name, registration, submit, submit_many};

#[tokio::test]
async fn a_repeated_registration_is_the_same_session_and_may_change_its_offer() {
    let world = World::new().await;
    let (west, east) = (world.engine("us-west").await, world.engine("us-east").await);
    let id = SessionId::random();
    let actor = Actor::Session(id);
    let first = west.register(&actor, registration(id, "us-west", &[("engineer-master", 1)])).await.unwrap();
    assert_eq!((first.session_ttl_ms, first.heartbeat_ms, first.margin_ms), (5000, 1000, 500));
    assert_eq!(
        first.wished.iter().map(|(k, v)| (k.as_str(), *v)).collect::<Vec<_>>(),
        [("engineer-master", 10), ("secure-specialist", 2)]
    );
    let wider = registration(id, "us-west", &[("engineer-master", 3), ("secure-specialist", 1)]);
    east.register(&actor, wider.clone()).await.unwrap();
    submit_many(&west, 5).await;
    let agent = Agent { session: id, seq: 0 };
    assert_eq!(agent.claim(&west, 5).await.len(), 3, "the new offer counts");
    let stranger = scheduler_client::wire::RegisterSession { agent: "host-2".to_owned(), ..wider.clone() };
    assert_eq!(west.register(&actor, stranger).await.unwrap_err(), Refusal::SessionTaken);
    west.end_session(&actor, id, "agent_left").await.unwrap();
    let refusal = east.register(&actor, wider).await.unwrap_err();
    assert_eq!(refusal, Refusal::SessionEnded { reason: "agent_left".to_owned() });
}

#[tokio::test]
async fn a_registration_is_checked() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let id = SessionId::random();
    let good = registration(id, "us-west", &[("engineer-master", 1)]);
    let mut nul = good.clone();
    nul.agent = "a\0b".to_owned();
    let mut nameless = good.clone();
    nameless.agent.clear();
    let cases = [
        (nul, "nul_character"),
        (nameless, "text_length"),
        (registration(id, "us-west", &[]), "wrong_count"),
        (registration(id, "us-west", &[("engineer-master", 0)]), "number_out_of_range"),
        (registration(id, "us-west", &[("engineer-master", 10_001)]), "number_out_of_range"),
        (registration(id, "us-west", &[("engineer-master", 1), ("engineer-master", 1)]), "duplicate_name"),
        (registration(id, "us-west", &[("document-ninja", 1)]), "unknown_pool"),
        (registration(id, "mars-north", &[("engineer-master", 1)]), "unknown_region"),
    ];
    for (body, code) in cases {
        assert_eq!(engine.register(&Actor::Session(id), body).await.unwrap_err().code(), code);
    }
    assert_eq!(world.ask::<i64>("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn an_ended_session_is_never_renewed_and_gets_nothing_and_its_leases_go_back() {
    let world = World::new().await;
    let (engine, other) = (world.engine("us-west").await, world.engine("us-west").await);
    let mut agent = Agent::west(&engine, 2).await;
    submit_many(&engine, 2).await;
    let grants = agent.claim(&other, 1).await;
    let ended = Refusal::SessionEnded { reason: "agent_left".to_owned() };
    engine.end_session(&Actor::Session(agent.session), agent.session, "agent_left").await.unwrap();
    engine.end_session(&Actor::Session(agent.session), agent.session, "again").await.unwrap();
    let shown = engine.show(grants[0].mission).await.unwrap();
    assert_eq!((shown.state, shown.epoch, shown.moves, shown.crashes), (MissionState::Queued, Epoch(2), 1, 0));
    assert_eq!(agent.beat(&engine, &[]).await.unwrap_err(), ended);
    // The other scheduler has not seen the end: the database has the last word.
    assert!(agent.try_claim(&other, 1, 0).await.unwrap().is_empty());
    assert_eq!(agent.beat(&other, &[]).await.unwrap_err(), ended);
    assert_eq!(agent.try_claim(&other, 1, 0).await.unwrap_err(), ended);
    assert_eq!(agent.complete(&engine, &grants[0], json!(1)).await.unwrap_err().code(), "lease_lost");
    let unknown = Agent { session: SessionId::random(), seq: 0 };
    assert_eq!(unknown.clone().beat(&engine, &[]).await.unwrap_err().code(), "session_ended");
    assert_eq!(unknown.try_claim(&engine, 1, 0).await.unwrap_err().code(), "session_ended");
}

#[tokio::test]
async fn a_finished_result_of_an_ended_session_is_accepted_until_the_epoch_rises() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    submit(&engine, mission("m")).await;
    let grant = agent.claim(&engine, 1).await.remove(0);
    world.run("UPDATE heartbeats SET seq = -1; UPDATE sessions SET ended_at = now(), ended_reason = 'expired'").await;
    assert_eq!(agent.complete(&engine, &grant, json!(1)).await.unwrap().state, MissionState::Succeeded);
}

#[tokio::test]
async fn heartbeat_numbers_never_fall() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let beat = |seq| engine.heartbeat(agent.session, Heartbeat { seq, holds: vec![], draining: false, heard: None });
    assert_eq!(beat(5).await.unwrap().seq, 5);
    assert_eq!(beat(5).await.unwrap().seq, 5, "its answer was lost");
    assert_eq!(beat(4).await.unwrap_err(), Refusal::StaleHeartbeat { seq: 5 });
    assert_eq!(beat(0).await.unwrap_err().code(), "number_out_of_range");
    // At once, as one batch: the later one counts, and both are answered.
    let (six, seven) = tokio::join!(beat(6), beat(7));
    assert!(six.is_ok() && seven.is_ok());
    assert_eq!(world.ask::<i64>("SELECT seq FROM heartbeats WHERE kind = 'session'").await, 7);
}

#[tokio::test]
async fn a_session_that_hears_nothing_for_its_ttl_is_not_renewed_until_it_has_heard() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let agent = Agent::west(&engine, 1).await;
    let beat = |seq, heard| engine.heartbeat(agent.session, Heartbeat { seq, holds: vec![], draining: false, heard });
    // Five heartbeats are a TTL.
    for seq in 1..5 {
        assert_eq!(beat(seq, Some(0)).await.unwrap().seq, seq);
    }
    let stored = "SELECT seq FROM heartbeats WHERE kind = 'session'";
    for seq in 5..8 {
        assert_eq!(beat(seq, Some(0)).await.unwrap_err(), Refusal::Unheard { heard: 0 });
        assert_eq!(world.ask::<i64>(stored).await, 4, "nothing is written");
    }
    assert_eq!(beat(8, Some(7)).await.unwrap().seq, 8, "it has heard a refusal");
    assert_eq!(beat(30, None).await.unwrap().seq, 30, "an older agent does not say");
    assert_eq!(beat(31, Some(-1)).await.unwrap_err().code(), "number_out_of_range");
    assert_eq!(beat(31, Some(40)).await.unwrap().seq, 31);
}

#[tokio::test]
async fn a_lease_that_two_heartbeats_do_not_name_goes_back() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let mut agent = Agent::west(&engine, 2).await;
    agent.beat(&engine, &[]).await.unwrap();
    submit_many(&engine, 2).await;
    let grants = agent.claim(&engine, 2).await;
    let [kept, forgotten] = grants.as_slice() else { panic!("{grants:?}") };
    assert_eq!(kept.seq, 1);
    let told = agent.beat(&engine, &[name(kept)]).await.unwrap();
    assert_eq!(told.lost, vec![]);
    assert_eq!(engine.show(forgotten.mission).await.unwrap().state, MissionState::Leased, "one is not enough");
    agent.beat(&engine, &[name(kept)]).await.unwrap();
    let shown = engine.show(forgotten.mission).await.unwrap();
    assert_eq!((shown.state, shown.epoch, shown.moves), (MissionState::Queued, Epoch(2), 1));
    assert_eq!(shown.history.unwrap().last().unwrap().reason.as_deref(), Some("unnamed"));
    assert_eq!(engine.show(kept.mission).await.unwrap().state, MissionState::Leased);
    // Named too late: told that it is lost.
    let told = agent.beat(&engine, &[name(kept), name(forgotten)]).await.unwrap();
    assert_eq!(told.lost, vec![name(forgotten)]);
}

#[tokio::test]
async fn a_heartbeat_sorts_what_it_names_into_lost_cancelled_and_neither() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let (mut agent, next) = (Agent::west(&engine, 4).await, Agent::west(&engine, 4).await);
    submit_many(&engine, 4).await;
    let grants = agent.claim(&engine, 4).await;
    let [held, done, moved, off] = grants.as_slice() else { panic!("{grants:?}") };
    agent.complete(&engine, done, json!(1)).await.unwrap();
    agent.release(&engine, moved).await.unwrap();
    assert_eq!(next.claim(&engine, 1).await[0].mission, moved.mission);
    engine.cancel(&ana(), off.mission, "").await.unwrap();
    let stranger = LeaseName { mission: MissionId::random(), epoch: Epoch(1) };
    let names = [name(held), name(done), name(moved), name(off), stranger];
    let mut told = agent.beat(&engine, &names).await.unwrap();
    told.lost.sort();
    let mut lost = vec![name(moved), stranger];
    lost.sort();
    assert_eq!((told.lost, told.cancelled), (lost, vec![name(off)]));
}

#[tokio::test]
async fn renewing_and_reaping_meet_on_one_row() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let (mut quick, mut silent) = (Agent::west(&engine, 1).await, Agent::west(&engine, 1).await);
    world.run("UPDATE heartbeats SET at = now() - INTERVAL '1 minute'").await;
    quick.beat(&engine, &[]).await.unwrap();
    let db = world.gateways.lane(Lane::Upkeep);
    let (home, region) = ("us-west-2".parse().unwrap(), "us-west".parse().unwrap());
    let deadline = db.clock().await.unwrap() - chrono::TimeDelta::seconds(30);
    let elsewhere = ["us-east".parse().unwrap()];
    assert!(session_reap(&db, &home, &elsewhere, deadline, "scheduler:x", "expired").await.unwrap().is_empty());
    let reaped = session_reap(&db, &home, &[region], deadline, "scheduler:x", "expired").await.unwrap();
    assert_eq!(reaped, [(silent.session, "us-west".to_owned())]);
    quick.beat(&engine, &[]).await.unwrap();
    assert_eq!(silent.beat(&engine, &[]).await.unwrap_err(), Refusal::SessionEnded { reason: "expired".to_owned() });
}

#[tokio::test]
async fn a_heartbeat_that_waits_for_the_reaper_is_refused_and_one_before_it_saves_the_session() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let mut agent = Agent::west(&engine, 1).await;
    world.run("UPDATE heartbeats SET at = now() - INTERVAL '1 minute'").await;
    let reaper = crate::world::connect(world.db.url()).await;
    let end = format!(
        "BEGIN; UPDATE heartbeats SET seq = -1 WHERE id = '{0}' AND seq >= 0 AND at < now() - INTERVAL '5 seconds';
         UPDATE sessions SET ended_at = now(), ended_reason = 'expired' WHERE id = '{0}'",
        agent.session
    );
    reaper.batch_execute(&end).await.unwrap();
    let beat = tokio::spawn({
        let engine = engine.clone();
        async move { agent.beat(&engine, &[]).await }
    });
    crate::world::wait_until("the heartbeat waits for the row", || async {
        world
            .ask::<i64>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .await
            > 0
    })
    .await;
    reaper.batch_execute("COMMIT").await.unwrap();
    let ended = Refusal::SessionEnded { reason: "expired".to_owned() };
    assert_eq!(beat.await.unwrap().unwrap_err(), ended);
}
