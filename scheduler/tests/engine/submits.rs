//! Submits: keys, limits, bad input, residency.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scheduler::engine::{Actor, SubmitContext};
use scheduler::refusal::Refusal;
use scheduler_client::wire::{ListMissions, MissionState, SubmitMission};
use serde_json::{Value, json};
use topology::MissionId;

use crate::world::{Agent, TOPOLOGY, World, ana, mission, submit, submit_many, try_submit};

fn keyed(key: &str) -> SubmitMission {
    let mut body = mission("keyed");
    body.idempotency_key = Some(key.to_owned());
    body
}

fn of(fields: &Value) -> SubmitMission {
    let mut body = json!({ "specialization": "engineer-master", "title": "m" });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(body).unwrap()
}

#[tokio::test]
async fn a_key_stands_for_one_mission_and_one_request() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let first = try_submit(&engine, keyed("k-1")).await.unwrap();
    assert!(!first.replayed);
    let again = try_submit(&engine, keyed("k-1")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.mission.id, first.mission.id);
    let mut other = keyed("k-1");
    other.payload = json!({ "other": true });
    assert_eq!(try_submit(&engine, other).await.unwrap_err(), Refusal::KeyReused);
    let bob = Actor::Submitter("bob".to_owned());
    let his = engine.submit(&bob, &SubmitContext::default(), vec![keyed("k-1")]).await.remove(0).unwrap();
    assert_ne!(his.mission.id, first.mission.id, "keys are a submitter's own");
    // It is answered as it stands, wherever it has gone.
    let agent = Agent::west(&engine, 2).await;
    for grant in agent.claim(&engine, 2).await {
        agent.complete(&engine, &grant, json!(1)).await.unwrap();
    }
    assert_eq!(try_submit(&engine, keyed("k-1")).await.unwrap().mission.state, MissionState::Succeeded);
}

#[tokio::test]
async fn one_key_a_thousand_times_at_schedulers_that_place_it_apart_is_one_mission() {
    let world = World::new().await;
    let (west, europe) = (world.engine("us-west").await, world.engine("europe-west").await);
    // Without an origin each scheduler places near itself.
    let apart = [submit(&west, mission("m")).await.pool, submit(&europe, mission("m")).await.pool];
    assert_ne!(apart[0], apart[1]);
    let calls = (0..1000).map(|n| {
        let engine = if n % 2 == 0 { west.clone() } else { europe.clone() };
        async move { try_submit(&engine, keyed("the-one")).await.unwrap() }
    });
    let answers = futures_util::future::join_all(calls).await;
    let ids: BTreeSet<MissionId> = answers.iter().map(|answer| answer.mission.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert_eq!(world.ask::<i64>("SELECT count(*) FROM missions WHERE title = 'keyed'").await, 1);
    assert_eq!(world.ask::<i64>("SELECT count(*) FROM submissions").await, 1);
}

#[tokio::test]
async fn the_same_key_twice_in_one_request_is_one_mission() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let answers = engine.submit(&ana(), &SubmitContext::default(), vec![keyed("k"), keyed("k"), keyed("l")]).await;
    let ids: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().mission.id).collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn bad_input_has_codes_and_leaves_its_company_alone() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let long = "x".repeat(1 << 20);
    let cases = [
        (json!({ "title": "" }), "text_length"),
        (json!({ "title": long }), "text_length"),
        (json!({ "title": "a\0b" }), "nul_character"),
        (json!({ "payload": { "a\0": 1 } }), "nul_character"),
        (json!({ "payload": ["\0"] }), "nul_character"),
        (json!({ "payload": deep }), "value_too_deep"),
        (json!({ "payload": long }), "value_too_large"),
        (json!({ "priority": 10 }), "number_out_of_range"),
        (json!({ "priority": -1 }), "number_out_of_range"),
        (json!({ "run_limit_ms": 0 }), "number_out_of_range"),
        (json!({ "run_limit_ms": i64::MAX }), "number_out_of_range"),
        (json!({ "max_attempts": 0 }), "number_out_of_range"),
        (json!({ "max_attempts": i32::MAX }), "number_out_of_range"),
        (json!({ "start_by": "+262142-01-01T00:00:00Z" }), "number_out_of_range"),
        (json!({ "idempotency_key": "" }), "text_length"),
        (json!({ "idempotency_key": "a b" }), "malformed_text"),
        (json!({ "idempotency_key": "\u{e4}" }), "malformed_text"),
        (json!({ "drill": "" }), "malformed_drill_run"),
        (json!({ "drill": "Run 1" }), "malformed_drill_run"),
        (json!({ "specialization": "enginer-master" }), "unknown_specialization"),
        (json!({ "specialization": "no\0body" }), "nul_character"),
        (json!({ "residency": "mars" }), "unknown_residency"),
        (json!({ "residency": "\0" }), "nul_character"),
        (json!({ "origin": { "country": "XX" } }), "unknown_place"),
        (json!({ "origin": { "world": "\0" } }), "unknown_place"),
        (json!({ "origin": { "weighted": [] } }), "number_out_of_range"),
    ];
    let mut bodies = Vec::new();
    for (n, (fields, _)) in cases.iter().enumerate() {
        bodies.push(mission(&format!("good {n}")));
        bodies.push(of(fields));
    }
    let answers = engine.submit(&ana(), &SubmitContext::default(), bodies).await;
    for (pair, (fields, code)) in answers.chunks(2).zip(&cases) {
        assert!(pair[0].is_ok(), "{:?}", pair[0]);
        let shown: String = fields.to_string().chars().take(80).collect();
        assert_eq!(pair[1].as_ref().unwrap_err().code(), *code, "{shown}");
    }
    assert_eq!(world.ask::<i64>("SELECT count(*) FROM missions").await, cases.len() as i64);
    let near = answers.into_iter().filter_map(Result::err).find_map(|refusal| match refusal {
        Refusal::UnknownSpecialization { nearest, .. } => Some(nearest),
        _ => None,
    });
    assert_eq!(near.unwrap(), ["engineer-master"]);
}

#[tokio::test]
async fn odd_text_that_is_allowed_comes_back_as_it_went_in() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let payload = json!({
        "empty": "", "quotes": "\"'\\{},()", "null": null, "text": "NULL", "unicode": "\u{1F680}\u{FEFF}\u{202E}x",
        "numbers": [0, -1, i64::MAX, u64::MAX, 1.5, 1e-300], "nested": { "": [[], {}] }
    });
    let mut body = mission("{\"title\", NULL} \\ 'x' \u{1F680}");
    body.payload = payload.clone();
    let id = submit(&engine, body.clone()).await.id;
    let shown = engine.show(id).await.unwrap();
    assert_eq!((shown.title, shown.payload), (body.title, Some(payload)));
}

#[tokio::test]
async fn a_submitter_has_a_limit_of_open_missions_and_a_repeated_one_is_no_new_one() {
    let world = World::new().await;
    let engine = world.engine_on(&world.gateways, "us-west", Some(3)).await;
    let kept = try_submit(&engine, keyed("k")).await.unwrap().mission.id;
    let answers =
        engine.submit(&ana(), &SubmitContext::default(), vec![mission("a"), mission("b"), mission("c")]).await;
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_err(Refusal::code).err()).collect();
    assert_eq!(codes, [None, None, Some("too_many_open")]);
    assert_eq!(try_submit(&engine, keyed("k")).await.unwrap().mission.id, kept);
    assert_eq!(try_submit(&engine, keyed("new")).await.unwrap_err(), Refusal::TooManyOpen { limit: 3 });
    let bob = Actor::Submitter("bob".to_owned());
    assert!(engine.submit(&bob, &SubmitContext::default(), vec![mission("his")]).await[0].is_ok());
    engine.cancel(&ana(), kept, "").await.unwrap();
    assert!(try_submit(&engine, keyed("new")).await.is_ok());
}

#[tokio::test]
async fn what_was_placed_under_an_old_residency_is_decided_again() {
    let world = World::new().await;
    let engine = world.engine("us-west").await;
    let mut body = mission("bound");
    body.residency = Some("eu".to_owned());
    let first = submit(&engine, body.clone()).await;
    assert_eq!(first.pool.unwrap().region.as_str(), "europe-west");
    // The rule changes behind this scheduler's back.
    world.apply(&TOPOLOGY.replace("eu: [europe-west]", "eu: [us-east]"), 2).await;
    let second = submit(&engine, body).await;
    assert_eq!(second.pool.unwrap().region.as_str(), "us-east");
    assert_eq!(second.home, "us-east-1");
    let stored: i64 = world.ask("SELECT count(*) FROM missions WHERE residency_version = 2").await;
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn a_claim_under_an_old_residency_gets_nothing_and_nobody_gets_what_is_not_yet_checked_again() {
    let world = World::new().await;
    let old = world.engine("europe-west").await;
    let mut bound = mission("bound");
    bound.residency = Some("eu".to_owned());
    let bound = submit(&old, bound).await.id;
    let free = submit(&old, mission("free")).await.id;
    let agent = Agent::start(&old, "europe-west", &[("engineer-master", 5)]).await;
    world.apply(&TOPOLOGY.replace("eu: [europe-west]", "eu: [us-east]"), 2).await;
    assert!(agent.try_claim(&old, 5, 0).await.unwrap().is_empty(), "its view is old");
    let new = world.engine("europe-west").await;
    let granted: Vec<_> = agent.claim(&new, 5).await.into_iter().map(|grant| grant.mission).collect();
    assert_eq!(granted, [free]);
    assert_eq!(new.show(bound).await.unwrap().state, MissionState::Queued);
}

#[tokio::test]
async fn a_mission_that_no_pool_may_take_waits_with_its_reason() {
    let world = World::new().await;
    world.run("UPDATE pool_loads SET alive_at = now() - INTERVAL '1 hour', sessions = 0").await;
    let engine = world.engine("us-west").await;
    let waiting = submit(&engine, mission("m")).await;
    assert_eq!((waiting.state, waiting.pool, waiting.placed_at), (MissionState::Pending, None, None));
    assert!(waiting.reason.is_some());
    let shown = engine.show(waiting.id).await.unwrap();
    assert_eq!(shown.history.unwrap()[0].to, MissionState::Pending);
    let placement = engine.placement(waiting.id).await.unwrap();
    assert!(placement.unmet.is_some(), "a pool without a session is missed");
    let reasons: Vec<_> = placement.pools.iter().map(|row| row.reason.as_deref()).collect();
    assert!(!reasons.is_empty() && reasons.iter().all(|reason| *reason == Some("no_live_session")), "{reasons:?}");
}

#[tokio::test]
async fn lists_go_newest_first_over_all_regions_page_by_page() {
    let world = World::new().await;
    let (west, europe) = (world.engine("us-west").await, world.engine("europe-west").await);
    let mut all: Vec<MissionId> = Vec::new();
    for n in 0..4 {
        all.extend(submit_many(if n % 2 == 0 { &west } else { &europe }, 2).await);
    }
    let mut query = ListMissions { limit: Some(3), ..ListMissions::default() };
    let (mut listed, mut times) = (Vec::new(), Vec::new());
    loop {
        let page = west.list(query.clone()).await.unwrap();
        assert!(page.degraded.is_empty() && page.missions.len() <= 3);
        listed.extend(page.missions.iter().map(|mission| mission.id));
        times.extend(page.missions.iter().map(|mission| mission.submitted_at));
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    assert!(times.is_sorted_by(|a, b| a >= b));
    assert_eq!(listed.iter().collect::<BTreeSet<_>>(), all.iter().collect::<BTreeSet<_>>());
    assert_eq!(listed.len(), all.len());
    let filtered = ListMissions { region: Some("europe-west".parse().unwrap()), ..ListMissions::default() };
    assert_eq!(west.list(filtered).await.unwrap().missions.len(), 4);
    let leased = ListMissions { state: Some(MissionState::Leased), ..ListMissions::default() };
    assert!(west.list(leased).await.unwrap().missions.is_empty());
    for after in ["", "x", "1_2", "99999999999999999999_x"] {
        let query = ListMissions { after: Some(after.to_owned()), ..ListMissions::default() };
        assert_eq!(west.list(query).await.unwrap_err().code(), "bad_cursor");
    }
    for limit in [0, 501, -1] {
        let query = ListMissions { limit: Some(limit), ..ListMissions::default() };
        assert_eq!(west.list(query).await.unwrap_err().code(), "number_out_of_range");
    }
}

/// Any text, with what databases dislike more often than chance would have it.
fn any_text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just("\0".to_owned()),
        Just("\u{FFFF}".to_owned()),
        Just("'\"\\{}$1".to_owned()),
        Just(String::new())
    ];
    prop_oneof![6 => ".{0,40}", 3 => any::<String>(), 1 => odd]
}

/// A number's value without its notation: JSONB gives 1e17 back as an integer.
fn by_value(json: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Value::Number(number) => Value::from(number.as_f64()),
        Value::Array(all) => all.into_iter().map(by_value).collect(),
        Value::Object(all) => all.into_iter().map(|(key, value)| (key, by_value(value))).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::String(_)) => other,
    }
}

fn any_body() -> impl Strategy<Value = SubmitMission> {
    let number = prop_oneof![4 => 0..10i32, 1 => any::<i32>()];
    let key = proptest::option::of(any_text());
    let time = proptest::option::of(-9_000_000_000_000i64..9_000_000_000_000);
    (any_text(), any_text(), any_text(), number, key, time, any::<f64>()).prop_map(
        |(title, name, text, number, idempotency_key, time, float)| SubmitMission {
            title,
            priority: number,
            payload: json!({ name: [text, float] }),
            max_attempts: (number % 3 == 0).then_some(number),
            start_by: time.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0)),
            idempotency_key,
            ..mission("")
        },
    )
}

#[test]
fn whatever_comes_in_fails_alone_and_the_rest_is_accepted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (world, engine) = runtime.block_on(async {
        let world = World::new().await;
        let engine = world.engine("us-west").await;
        (world, engine)
    });
    let config = Config { cases: 40, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&proptest::collection::vec(any_body(), 1..20), |odd| {
        let mut bodies = Vec::new();
        for (n, body) in odd.into_iter().enumerate() {
            bodies.push(body);
            bodies.push(mission(&format!("good {n}")));
        }
        let answers = runtime.block_on(engine.submit(&ana(), &SubmitContext::default(), bodies.clone()));
        for (n, (answer, body)) in answers.into_iter().zip(bodies).enumerate() {
            match answer {
                Ok(accepted) if !accepted.replayed => {
                    let shown = runtime.block_on(engine.show(accepted.mission.id)).unwrap();
                    prop_assert_eq!(shown.title, body.title);
                    prop_assert_eq!(shown.payload.map(by_value), Some(by_value(body.payload)));
                }
                Ok(_) => {}
                Err(refusal) => {
                    prop_assert!(n % 2 == 0, "a good one was refused: {:?}", refusal);
                    prop_assert!(matches!(refusal, Refusal::Invalid { .. } | Refusal::KeyReused), "{:?}", refusal);
                }
            }
        }
        Ok(())
    });
    runtime.block_on(async { drop(world) });
    result.unwrap();
}
