//! A scheduler for tests: keeps missions in memory and has each leased after 20 ms and done after 60, or, where they are
//! stuck, when they no longer are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The topology in force.
pub(crate) const TOPOLOGY: &str = "
version: 1
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: ['writer (primary: 2 replicas)'] }
  - { name: europe-west, provider: AWS, region: eu-west-1, agents: ['writer (replica: 1)'] }
  - { name: asia-east, provider: AWS, region: ap-northeast-1, agents: ['reader (primary: 1 replicas)'] }
residency: { eu: [europe-west] }
database: { cloud: AWS, primary_region: us-west-2, survive: region }
";

#[derive(Debug, Default)]
struct Held {
    missions: Vec<Mission>,
    forget: Option<usize>,
    /// While this file is there, missions that are submitted stay queued.
    stuck: PathBuf,
}

#[derive(Debug)]
struct Mission {
    id: String,
    submitted_at: DateTime<Utc>,
    /// As it was submitted.
    body: Value,
    /// None while it is stuck.
    leased_at: Option<DateTime<Utc>>,
}

impl Held {
    /// What was stuck goes on where it no longer is.
    fn now(&mut self) -> &Self {
        if !self.stuck.exists() {
            self.missions.iter_mut().for_each(|mission| mission.leased_at = mission.leased_at.or(Some(Utc::now())));
        }
        self
    }
}

type Shared = Arc<Mutex<Held>>;

/// The scheduler. It ends with the value.
pub(crate) struct Scheduler {
    pub(crate) url: String,
    held: Shared,
    task: JoinHandle<()>,
}

impl Scheduler {
    /// Starts one. Missions are stuck that are submitted while there is a file `stuck`.
    pub(crate) async fn start(stuck: PathBuf) -> Self {
        let held: Shared = Arc::new(Mutex::new(Held { stuck, ..Held::default() }));
        let routes = Router::new()
            .route("/health", get(health))
            .route("/control/v1/topology", get(topology))
            .route("/control/v1/tokens", get(async || Json(json!({ "tokens": [] }))))
            .route("/v1/regions", get(regions))
            .route("/v1/missions", get(list).post(submit))
            .route("/v1/missions/{id}", get(one))
            .with_state(Arc::clone(&held));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { url, held, task: tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }) }
    }

    /// Acknowledges the n-th mission from now on and forgets it.
    pub(crate) fn forget(&self, nth: usize) {
        let mut held = self.held.lock().unwrap();
        held.forget = Some(held.missions.len() + nth);
    }

    /// What was submitted, in that order.
    pub(crate) fn submitted(&self) -> Vec<Value> {
        self.held.lock().unwrap().missions.iter().map(|mission| mission.body.clone()).collect()
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn health() -> Json<Value> {
    Json(json!({ "version": "0", "region": "us-west", "topology_version": 1 }))
}

async fn topology() -> Json<Value> {
    Json(json!({
        "version": 1, "text": TOPOLOGY, "digest": "", "residency_version": 1, "author": "a", "message": "",
        "applied_at": Utc::now(),
    }))
}

async fn regions() -> Json<Value> {
    let region = |name: &str, leased: i64| {
        json!({
            "name": name, "cloud": "AWS", "database_region": "us-west-2", "state": "active", "verb": "none",
            "health": "up", "serves": true, "sessions": 1, "slots": 9, "queued": 0, "leased": leased, "age_ms": 0,
        })
    };
    let regions = [region("us-west", 4), region("europe-west", 2), region("asia-east", 1)];
    Json(json!({ "topology_version": 1, "survive": "region", "regions": regions }))
}

async fn submit(
    State(held): State<Shared>,
    headers: HeaderMap,
    Json(mut body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    // A single submit has its key there.
    body["idempotency_key"] = json!(headers.get("idempotency-key").and_then(|key| key.to_str().ok()));
    let mut held = held.lock().unwrap();
    let id = uuid::Uuid::new_v4().to_string();
    let submitted_at = Utc::now();
    let leased_at = (!held.stuck.exists()).then(|| submitted_at + TimeDelta::milliseconds(20));
    held.missions.push(Mission { id, submitted_at, body, leased_at });
    let told = shown(held.missions.last().unwrap());
    (StatusCode::CREATED, Json(told))
}

/// A mission as it stands now.
fn shown(Mission { id, submitted_at, body, leased_at }: &Mission) -> Value {
    let region = if body["specialization"] == "reader" { "asia-east" } else { "us-west" };
    let region = if body["residency"] == "eu" { "europe-west" } else { region };
    let mut told = json!({
        "id": id, "state": "queued", "specialization": body["specialization"], "title": body["title"],
        "submitter": "drill", "origin": body["origin"], "residency": body["residency"], "priority": body["priority"],
        "drill": body["drill"], "pool": { "region": region, "specialization": body["specialization"] },
        "home": "us-west-2", "epoch": 0, "attempts": 0, "crashes": 0, "moves": 0, "submitted_at": submitted_at,
    });
    let finished_at = leased_at.map(|at| at + TimeDelta::milliseconds(40));
    if leased_at.is_some_and(|at| Utc::now() >= at) {
        told["state"] = json!("leased");
        told["epoch"] = json!(1);
        told["leased_at"] = json!(leased_at);
    }
    if finished_at.is_some_and(|at| Utc::now() >= at) {
        told["state"] = json!("succeeded");
        told["finished_at"] = json!(finished_at);
        told["outcome"] = json!({});
    }
    told
}

/// Newest first, as the real one answers; a cursor is a number of missions.
async fn list(State(held): State<Shared>, Query(asked): Query<BTreeMap<String, String>>) -> Json<Value> {
    let mut held = held.lock().unwrap();
    let held = held.now();
    let known = held.missions.iter().enumerate().filter(|(n, _)| Some(*n) != held.forget);
    let mut all: Vec<Value> = known.map(|(_, mission)| shown(mission)).collect();
    all.reverse();
    let wanted = |mission: &Value, key: &str| asked.get(key).is_none_or(|value| mission[key] == *value);
    all.retain(|mission| wanted(mission, "drill") && wanted(mission, "state"));
    let number = |key: &str| asked.get(key).and_then(|text| text.parse::<usize>().ok());
    let (from, limit) = (number("after").unwrap_or(0), number("limit").unwrap_or(50));
    let next = (from + limit < all.len()).then(|| (from + limit).to_string());
    let missions: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
    Json(json!({ "missions": missions, "next": next }))
}

async fn one(State(held): State<Shared>, Path(id): Path<String>) -> (StatusCode, Json<Value>) {
    let mut held = held.lock().unwrap();
    let held = held.now();
    let known = held.missions.iter().position(|mission| mission.id == id).filter(|n| Some(*n) != held.forget);
    let Some(known) = known else {
        let problem =
            json!({ "type": "about:blank", "title": "t", "status": 404, "code": "mission_not_found", "detail": "d" });
        return (StatusCode::NOT_FOUND, Json(problem));
    };
    let mut told = shown(&held.missions[known]);
    told["history"] = json!([]);
    (StatusCode::OK, Json(told))
}
