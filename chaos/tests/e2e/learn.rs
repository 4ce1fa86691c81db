//! What one mission taught is put before the runner of another that has the same problem, told in other words, elsewhere.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use chaos::wait::wait_until;
use chaos::world::World;
use nix::sys::signal::Signal;
use scheduler_client::wire::{MemoryScope, MemorySearch, MissionState, SubmitMission};
use serde_json::{Value, json};
use topology::MissionId;

use crate::fixture::{Database, TWO_REGIONS, mission, small_world, turn};

/// A problem in two tellings.
const FIRST: (&str, &str) = (
    "Call to telnetlib is insecure",
    "The module opens a telnet connection. Telnet encrypts nothing, so a password can be read by everybody on the wire.",
);
const AGAIN: (&str, &str) = (
    "Password readable because of telnet",
    "A telnet connection is opened here, and since nothing encrypts it everybody on the wire can read the password.",
);
const OTHER: (&str, &str) = (
    "Unused variable in a loop",
    "The index of this loop is assigned and never read; the body only wants the elements of the list.",
);

const PATIENCE: Duration = Duration::from_secs(30);

type Seen = Arc<Mutex<Vec<Value>>>;

/// A worker behind HTTP: notes what it was given, says how it solved the problem and what of the memory it used.
async fn worker() -> (String, Seen) {
    let seen = Seen::default();
    let routes = Router::new().route("/", post(work)).with_state(Arc::clone(&seen));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (url, seen)
}

async fn work(State(seen): State<Seen>, axum::Json(input): axum::Json<Value>) -> axum::Json<Value> {
    let used: Vec<Value> =
        input["memory"]["hits"].as_array().into_iter().flatten().map(|hit| hit["id"].clone()).collect();
    let solution = format!("what helped with {}", input["title"].as_str().unwrap_or_default());
    let memory = json!({ "solution": solution, "issue": "owner/repository#12", "pr_number": 34, "used": used });
    seen.lock().unwrap().push(input);
    axum::Json(json!({ "pull_request": 34, "memory": memory }))
}

fn of((title, description): (&str, &str)) -> SubmitMission {
    SubmitMission { payload: json!({ "body": description }), ..mission("document-ninja", title) }
}

async fn done(world: &World, nth: usize, told: (&str, &str)) -> MissionId {
    let client = world.client(&world.regions()[nth]).unwrap();
    let id = client.submit(of(told)).await.unwrap().id;
    let ended = async || client.mission(id).await.is_ok_and(|mission| mission.state == MissionState::Succeeded);
    assert!(wait_until(PATIENCE, ended).await, "{id} does not end");
    id
}

/// What the worker was given for a mission.
fn input(seen: &Seen, id: MissionId) -> Value {
    let seen = seen.lock().unwrap();
    seen.iter().find(|input| input["mission"] == json!(id)).expect("the worker had it").clone()
}

async fn is_known(world: &World, nth: usize, told: (&str, &str)) -> bool {
    let body = MemorySearch {
        title: told.0.to_owned(),
        description: told.1.to_owned(),
        scope: MemoryScope::Everyone,
        region: None,
        mission: None,
        pool: None,
        success: None,
        limit: None,
    };
    let answer = world.client(&world.regions()[nth]).unwrap().memory_search(&body).await;
    answer.is_ok_and(|answer| !answer.hits.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mission_taught_helps_the_next_also_where_a_scheduler_was_killed_in_between() {
    let _turn = turn().await;
    let database = Database::new().await;
    let (url, seen) = worker().await;
    let runner = ["--runner", "http", "--worker-url", &url].map(str::to_owned).into();
    let mut world =
        World::start(small_world(TWO_REGIONS, &["us-west", "us-east"], &database.url, runner)).await.unwrap();
    world.wait_for_slots(2).await.unwrap();

    let first = done(&world, 0, FIRST).await;
    assert_eq!(input(&seen, first)["memory"]["hits"], json!([]), "nothing was known before");
    // What the completion wrote is there, whatever becomes of the schedulers: the work that follows it is a row.
    let west = world.regions()[0].clone();
    world.signal_scheduler(&west, Signal::SIGKILL);
    world.start_scheduler(&west).unwrap();
    world.wait_ready(&west).await.unwrap();
    assert!(wait_until(PATIENCE, async || is_known(&world, 0, FIRST).await).await, "it is never found");
    assert!(wait_until(PATIENCE, async || is_known(&world, 1, FIRST).await).await, "the other region does not find it");

    let again = done(&world, 1, AGAIN).await;
    let memory = &input(&seen, again)["memory"];
    let hit = &memory["hits"][0];
    assert_eq!((&hit["id"], &hit["pr_number"]), (&json!(first), &json!(34)), "{memory}");
    assert_eq!(hit["solution"], "what helped with Call to telnetlib is insecure");
    assert!(hit.get("why").is_none(), "a runner sees no score");
    let other = done(&world, 1, OTHER).await;
    assert_eq!(input(&seen, other)["memory"]["hits"], json!([]), "what has nothing to do with it is not shown");

    let client = world.client(&west).unwrap();
    let rate = client.memory_hit_rate(1).await.unwrap();
    assert_eq!((rate.with_memory.missions, rate.shown, rate.used), (3, 1, 1), "{rate:?}");
    let view = client.memory(first.0).await.unwrap();
    assert_eq!((view.issue.as_deref(), view.success), (Some("owner/repository#12"), true));
    let stats = client.agent_stats(&view.agent).await.unwrap();
    assert!(stats.missions >= 1 && stats.mean_minutes.is_some(), "{stats:?}");
    assert_eq!(database.count("SELECT count(*) FROM agent_memories").await, 3, "each once");
}
