//! Two regions, each with a database gateway of its own behind a relay, and a worker that says what is to be remembered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use chaos::http::{get, metric};
use chaos::wait::wait_until;
use chaos::world::{Spec, World};
use memory::embed::Lexical;
use memory::model::{Memory, MemoryId, SuccessSource};
use scheduler_client::wire::{MemoryAnswer, MemoryScope, MemorySearch, MissionState, SubmitMission};
use serde_json::{Value, json};
use sql::relay::{Mode, Relay};
use sql::{Config, Db, Gateways, Lane};
use tokio::sync::watch;
use topology::{DatabaseRegion, Epoch, MissionId, RegionName};
use uuid::Uuid;

use crate::fixture::{Database, mission, small_world};

/// The homes of the two regions, `us-west` and `us-east`.
pub(crate) const WEST: &str = "us-west-2";
pub(crate) const EAST: &str = "us-east-1";

/// A world whose regions reach the database by their own gateway first.
pub(crate) struct Regions {
    pub(crate) world: World,
    pub(crate) west: Relay,
    pub(crate) east: Relay,
    pub(crate) database: Database,
    db: Db,
}

impl Regions {
    /// So many slots in each region, and a worker behind HTTP for all runners.
    pub(crate) async fn start(slots: usize, worker: &Worker) -> Self {
        let database = Database::new().await;
        let (west, west_url) = Relay::to_url(&database.url).await;
        let (east, east_url) = Relay::to_url(&database.url).await;
        let (west_url, east_url) = (format!("{WEST}={west_url}"), format!("{EAST}={east_url}"));
        let runner = ["--runner", "http", "--worker-url", &worker.url].map(str::to_owned).into();
        let mut spec: Spec = small_world(&topology(slots), &["us-west", "us-east"], &database.url, runner);
        spec.databases.insert(spec.regions[0].clone(), vec![west_url.clone(), east_url.clone()]);
        spec.databases.insert(spec.regions[1].clone(), vec![east_url, west_url]);
        let world = World::start(spec).await.unwrap();
        world.wait_for_slots(2).await.unwrap();
        let gateways = Gateways::connect(Config::from_urls([&database.url]).unwrap()).await.unwrap();
        let db = gateways.lane(Lane::Upkeep);
        Self { world, west, east, database, db }
    }

    pub(crate) fn region(&self, nth: usize) -> RegionName {
        self.world.regions()[nth].clone()
    }

    /// Lets everything pass again, and waits until every scheduler asks its own gateway first, as before.
    pub(crate) async fn heal(&self) {
        self.west.set(Mode::Pass);
        self.east.set(Mode::Pass);
        for region in self.world.regions() {
            let page = format!("{}/metrics", self.world.scheduler_url(region));
            let closed = wait_until(Duration::from_secs(60), async || {
                get(&page).await.is_ok_and(|(_, text)| metric(&text, "sql_breaker_state", &[]) == 0.0)
            })
            .await;
            assert!(closed, "a breaker of {region} stays open");
        }
    }

    /// What a scheduler's memory says of a problem.
    pub(crate) async fn search(&self, nth: usize, told: (&str, &str)) -> MemoryAnswer {
        self.try_search(nth, told).await.expect("a search is answered whatever is dead")
    }

    pub(crate) async fn try_search(&self, nth: usize, told: (&str, &str)) -> Option<MemoryAnswer> {
        let body = MemorySearch {
            title: told.0.to_owned(),
            description: told.1.to_owned(),
            scope: MemoryScope::Everyone,
            region: None,
            mission: None,
            pool: None,
            success: None,
            limit: Some(10),
        };
        self.world.client(&self.region(nth)).unwrap().memory_search(&body).await.ok()
    }

    /// Submits in a region, whose pool is the nearest.
    pub(crate) async fn submit(&self, nth: usize, told: (&str, &str)) -> MissionId {
        let submit = SubmitMission { payload: json!({ "body": told.1 }), ..mission("document-ninja", told.0) };
        self.world.client(&self.region(nth)).unwrap().submit(submit).await.unwrap().id
    }

    pub(crate) async fn succeeded(&self, nth: usize, id: MissionId) -> bool {
        let client = self.world.client(&self.region(nth)).unwrap();
        client.mission(id).await.is_ok_and(|mission| mission.state == MissionState::Succeeded)
    }

    /// Stores a memory as an import does, and answers whether it was taken.
    pub(crate) async fn import(&self, memory: &Memory) -> bool {
        let stored = memory::store::import::memory_import(&self.db, &memory.home, std::slice::from_ref(memory)).await;
        !stored.unwrap().is_empty()
    }

    /// Stores a memory's vector as its scheduler would, late, and answers whether it was taken.
    pub(crate) async fn vector_comes(&self, of: &Memory) -> bool {
        let (embedder, space) = (Lexical::new(), memory::embed::Space::new(Lexical::SPACE));
        let vector = [(of.id, embedder.vector(&of.text()))];
        memory::store::embedding::vectors_put(&self.db, &of.home, &space, &vector).await.unwrap() > 0
    }
}

fn topology(slots: usize) -> String {
    let pool = |role: &str| format!("{{ specialization: document-ninja, role: {role}, replicas: 1, slots: {slots} }}");
    let (primary, replica) = (pool("primary"), pool("replica"));
    format!(
        "regions:
  - {{ name: us-west, provider: AWS, region: {WEST}, agents: [{primary}] }}
  - {{ name: us-east, provider: AWS, region: {EAST}, agents: [{replica}] }}
"
    )
}

/// A memory of a problem in a home.
pub(crate) fn memory(id: u128, home: &str, told: (&str, &str)) -> Memory {
    Memory {
        id: MemoryId(Uuid::from_u128(id)),
        mission: None,
        specialization: "document-ninja".parse().unwrap(),
        agent: "somebody".to_owned(),
        issue: None,
        title: told.0.to_owned(),
        description: told.1.to_owned(),
        solution: Some(format!("solution {id}")),
        pr_number: None,
        success: true,
        success_source: SuccessSource::Agent,
        resolution_minutes: Some(5.0),
        residency: None,
        home: home.parse::<DatabaseRegion>().unwrap(),
        epoch: Epoch(0),
        content_hash: String::new(),
        evidence: 1,
        evidence_succeeded: 1,
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

/// Whether an answer shows a memory.
pub(crate) fn shows(answer: &MemoryAnswer, memory: &Memory) -> bool {
    answer.hits.iter().chain(&answer.warnings).any(|view| view.id == memory.id.0)
}

/// A worker behind HTTP that holds its answers until they are allowed, in the order of its calls.
pub(crate) struct Worker {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    seen: Mutex<Vec<Value>>,
    allowed: watch::Sender<usize>,
}

impl Worker {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared { seen: Mutex::default(), allowed: watch::Sender::new(0) });
        let routes = Router::new().route("/", post(work)).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared }
    }

    /// What it was given, call by call.
    pub(crate) fn seen(&self) -> Vec<Value> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Answers the first so many calls, those of later too.
    pub(crate) fn answer(&self, calls: usize) {
        self.shared.allowed.send_replace(calls);
    }
}

async fn work(State(shared): State<Arc<Shared>>, axum::Json(input): axum::Json<Value>) -> axum::Json<Value> {
    let title = input["title"].as_str().unwrap_or_default().to_owned();
    let call = {
        let mut seen = shared.seen.lock().unwrap();
        seen.push(input);
        seen.len()
    };
    let _ = shared.allowed.subscribe().wait_for(|allowed| *allowed >= call).await;
    axum::Json(json!({ "call": call, "memory": { "solution": format!("{title}: call {call}") } }))
}
