//! Missions and sessions whose home changes, or leaves the topology, while somebody asks for them.

use scheduler_client::wire::MissionState;
use serde_json::json;
use sql::relay::Mode;

use crate::keys::{apply, with_south};
use crate::lost::Relayed;
use crate::world::{Agent, TOPOLOGY, World, mission, name, submit};

/// Samba experts of the region south may be placed to.
async fn serve_south(world: &World) {
    world
        .run(
            "INSERT INTO region_states (region, verb, verb_reason, verb_by, verb_at, health, health_at, health_by)
             VALUES ('south', 'none', '', 'test', now(), 'up', now(), 'test');
             INSERT INTO pool_loads (crdb_region, region, specialization, sessions, slots, leased, queued, unmet,
                                     service_us, alive_at, at)
             VALUES ('sa-east-1', 'south', 'samba-expert', 1, 3, 0, 0, 0, 0, now() + INTERVAL '1 hour', now())",
        )
        .await;
}

#[tokio::test]
async fn what_runs_in_a_database_region_that_was_let_go_finishes() {
    let world = World::new().await;
    apply(&world, &with_south()).await;
    serve_south(&world).await;
    let engine = world.engine("us-west").await;
    let mut agent = Agent::start(&engine, "south", &[("samba-expert", 3)]).await;
    let mut body = mission("samba");
    body.specialization = "samba-expert".to_owned();
    for _ in 0..3 {
        assert_eq!(submit(&engine, body.clone()).await.home, "sa-east-1");
    }
    let grants = agent.claim_of(&engine, &[("samba-expert", 3)], 0, 500).await.unwrap();
    let [done, failed, back] = &grants[..] else { panic!("{grants:?}") };
    apply(&world, &TOPOLOGY.replace("document-ninja, role", "samba-expert, role")).await;
    // One that remembers nothing of the session.
    let new = world.engine("us-west").await;
    let names: Vec<_> = grants.iter().map(name).collect();
    assert_eq!(agent.beat(&new, &names).await.unwrap().lost, []);
    agent.progress(&new, done).await.unwrap();
    assert_eq!(agent.complete(&new, done, json!({ "pr": 1 })).await.unwrap().state, MissionState::Succeeded);
    agent.fail(&new, failed, true).await.unwrap();
    agent.release(&new, back).await.unwrap();
    assert_eq!(new.show(done.mission).await.unwrap().outcome, Some(json!({ "pr": 1 })));
}

#[tokio::test]
async fn a_mission_that_comes_home_between_two_reads_is_found() {
    let it = Relayed::new().await;
    let europe = it.world.engine("europe-west").await;
    let made = submit(&europe, mission("m")).await;
    assert_eq!(made.home, "eu-west-1");
    it.relay.set(Mode::Hold("mission_find".to_owned()));
    let engine = it.engine.clone();
    let shown = tokio::spawn(async move { engine.show(made.id).await });
    it.relay.held(1).await;
    it.world.run("UPDATE missions SET crdb_region = 'us-west-2', region = 'us-west'").await;
    it.relay.set(Mode::Pass);
    assert_eq!(shown.await.unwrap().unwrap().home, "us-west-2");
    let unknown = it.engine.show(topology::MissionId::random()).await.unwrap_err();
    assert_eq!(unknown.code(), "mission_not_found");
}

#[tokio::test]
async fn a_scheduler_that_has_not_heard_of_a_new_database_region_finds_its_missions_and_sessions() {
    let world = World::new().await;
    let (old, older) = (world.engine("us-west").await, world.engine("us-west").await);
    apply(&world, &with_south()).await;
    serve_south(&world).await;
    let new = world.engine("us-west").await;
    let mut body = mission("samba");
    body.specialization = "samba-expert".to_owned();
    let id = submit(&new, body).await.id;
    assert_eq!(older.show(id).await.unwrap().home, "sa-east-1");
    let mut agent = Agent::start(&new, "south", &[("samba-expert", 1)]).await;
    let grant = agent.claim_of(&new, &[("samba-expert", 1)], 0, 500).await.unwrap().remove(0);
    assert_eq!(agent.beat(&old, &[name(&grant)]).await.unwrap().lost, []);
    assert_eq!(agent.complete(&old, &grant, json!(1)).await.unwrap().state, MissionState::Succeeded);
}
