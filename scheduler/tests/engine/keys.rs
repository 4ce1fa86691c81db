//! Idempotency keys while the topology, and with it the list of database regions, changes.

use std::sync::Arc;

use scheduler::config::Retention;
use scheduler::control::Control;
use scheduler::engine::{Actor, Engine};
use scheduler::refusal::Refusal;
use scheduler::view::{Config, Views};
use scheduler_client::wire::{self, SubmitMission};
use serde_json::json;
use topology::{Position, SchedulerId};

use crate::world::{TOPOLOGY, World, mission, try_submit};

/// The topology of the world with a region that is nearer to Brazil than any other.
pub(crate) fn with_south() -> String {
    let south = "  - name: south\n    provider: AWS\n    region: sa-east-1\n    agents: [{ specialization: engineer-master, \
                 role: replica, replicas: 1 }, { specialization: samba-expert, role: primary, replicas: 1 }]\nresidency";
    TOPOLOGY.replace("residency", south)
}

/// A request from Sao Paulo.
fn keyed(key: &str) -> SubmitMission {
    let mut body = mission("keyed");
    body.origin = Some(wire::Origin::At(Position::new(-23.55, -46.63).unwrap()));
    body.idempotency_key = Some(key.to_owned());
    body
}

/// Puts a topology in force as an operator does, with the database regions that it needs.
pub(crate) async fn apply(world: &World, text: &str) {
    let id = SchedulerId::random();
    let region = "us-west".parse().unwrap();
    let keys_kept = Retention::default().keys;
    let config = Config { gateways: world.gateways.clone(), region, id, world: None, keys_kept };
    let views = Arc::new(Views::start(config).await.unwrap());
    let base_version = views.current().topology_version;
    let control = Control::new(world.gateways.clone(), views, id);
    let body = wire::ApplyTopology { text: text.to_owned(), base_version, message: String::new(), drain: true };
    control.apply(&Actor::Operator("ana".to_owned()), body).await.unwrap();
}

async fn home_of(world: &World, key: &str) -> String {
    world.ask(&format!("SELECT crdb_region::TEXT FROM submissions WHERE key = '{key}'")).await
}

async fn missions(world: &World) -> i64 {
    world.ask("SELECT count(*) FROM missions").await
}

/// A key that was used before the change stands for its mission after it, at every scheduler.
async fn assert_known(world: &World, engines: &[&Engine], body: SubmitMission, id: topology::MissionId) {
    let before = missions(world).await;
    for engine in engines {
        let again = try_submit(engine, body.clone()).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.mission.id, id);
        let other = SubmitMission { payload: json!({ "other": true }), ..body.clone() };
        assert_eq!(try_submit(engine, other).await.unwrap_err(), Refusal::KeyReused);
    }
    assert_eq!(missions(world).await, before);
}

#[tokio::test]
async fn a_key_stands_for_its_mission_after_its_home_has_changed() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let first = try_submit(&engine, keyed("old")).await.unwrap().mission.id;
    assert_eq!(home_of(&world, "old").await, "us-east-1");
    apply(&world, &with_south()).await;
    // One scheduler has not heard of it yet, one starts with it.
    let new = world.engine("us-east").await;
    let second = try_submit(&new, keyed("new")).await.unwrap().mission.id;
    assert_eq!(home_of(&world, "new").await, "sa-east-1");
    assert_known(&world, &[&new, &engine], keyed("old"), first).await;
    assert_known(&world, &[&new, &engine], keyed("new"), second).await;
    // And back again, by a topology that has no such database region.
    apply(&world, TOPOLOGY).await;
    let last = world.engine("europe-west").await;
    assert_known(&world, &[&last, &new, &engine], keyed("old"), first).await;
    assert_known(&world, &[&last, &new, &engine], keyed("new"), second).await;
}

#[tokio::test]
async fn a_scheduler_with_an_old_topology_stores_no_key_where_the_new_one_does_not_look() {
    let world = World::new().await;
    let old = world.engine("us-west").await;
    apply(&world, &with_south()).await;
    let new = world.engine("us-east").await;
    let first = try_submit(&new, keyed("k")).await.unwrap().mission.id;
    assert_known(&world, &[&old], keyed("k"), first).await;
    // Without a residency rule nothing but the key tells that the topology is another one.
    let free = |text: &str| text.replace("residency: { eu: [europe-west] }", "");
    apply(&world, &free(&with_south())).await;
    let other = world.engine("us-west").await;
    apply(&world, &free(TOPOLOGY)).await;
    try_submit(&other, keyed("l")).await.unwrap();
    assert_eq!(home_of(&world, "l").await, "us-east-1", "it read the new topology before it stored anything");
}

#[tokio::test]
async fn a_batch_is_looked_up_together_and_each_gets_its_own_answer() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let first = try_submit(&engine, keyed("a")).await.unwrap().mission.id;
    apply(&world, &with_south()).await;
    let new = world.engine("us-west").await;
    let mut bad = keyed("bad");
    bad.title = String::new();
    let reused = SubmitMission { title: "another".to_owned(), ..keyed("a") };
    let bodies = vec![mission("free"), bad, keyed("a"), keyed("b"), reused, keyed("b")];
    let answers = new.submit(&crate::world::ana(), &scheduler::engine::SubmitContext::default(), bodies).await;
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_err(Refusal::code).err()).collect();
    assert_eq!(codes, [None, Some("text_length"), None, None, Some("idempotency_key_reused"), None]);
    let ids: Vec<_> = answers.into_iter().map(|answer| answer.ok().map(|made| made.mission.id)).collect();
    assert_eq!(ids[2], Some(first));
    assert_eq!(ids[3], ids[5]);
    assert_eq!(missions(&world).await, 3);
}

#[tokio::test]
async fn a_mission_in_a_database_region_that_was_let_go_is_still_found_by_its_key_and_id() {
    let world = World::new().await;
    apply(&world, &with_south()).await;
    let engine = world.engine("us-west").await;
    let body = SubmitMission { specialization: "samba-expert".to_owned(), ..keyed("samba") };
    let made = try_submit(&engine, body.clone()).await.unwrap().mission;
    assert_eq!(made.home, "sa-east-1");
    let later = TOPOLOGY.replace("document-ninja, role", "samba-expert, role");
    apply(&world, &later).await;
    let new = world.engine("us-west").await;
    assert_eq!(new.show(made.id).await.unwrap().id, made.id);
    assert_known(&world, &[&new], body, made.id).await;
}

#[tokio::test]
async fn a_key_is_looked_for_elsewhere_no_longer_than_it_is_kept() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let first = try_submit(&engine, keyed("k")).await.unwrap().mission.id;
    apply(&world, &with_south()).await;
    let kept_s = i64::try_from(Retention::default().keys.as_secs()).unwrap();
    let changed = async |before_s: i64| {
        let ago = format!("INTERVAL '{} seconds'", kept_s + before_s);
        world.run(&format!("UPDATE topology_versions SET applied_at = now() - {ago} WHERE version = 2")).await;
    };
    changed(-600).await;
    assert_known(&world, &[&world.engine("us-west").await], keyed("k"), first).await;
    changed(600).await;
    let late = try_submit(&world.engine("us-west").await, keyed("k")).await.unwrap();
    assert!(!late.replayed);
}
