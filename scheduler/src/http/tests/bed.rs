//! A scheduler without a socket, on a database of its own.

use std::sync::Arc;

use ::memory::embed::Choice;
use ::memory::recall::Settings;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use sql::testdb::TestDb;
use sql::{Gateways, Lane};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use topology::{SchedulerId, SessionId};
use tower::ServiceExt as _;

use crate::config::{Limits, Retention};
use crate::control::{self, Control};
use crate::engine::Engine;
use crate::http::{Gate, router};
use crate::memory::{Holdout, Memory};
use crate::state::{App, Parts};
use crate::view::{self, Views};

const TOPOLOGY: &str = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: ['engineer-master (primary: 5 replicas)'] }
  - { name: us-east, provider: AWS, region: us-east-1, agents: ['secure-specialist (primary: 3 replicas)'] }
  - { name: europe-west, provider: AWS, region: eu-west-1, agents: ['secure-specialist (replica: 2)'] }
residency: { eu: [europe-west] }
";

/// Tables that a refused request may not change.
const COUNT_ALL: sql::Statement = sql::statement!(
    "test_count_all",
    idempotent,
    "SELECT (SELECT count(*) FROM missions) AS a, (SELECT count(*) FROM mission_events) AS b,
    (SELECT count(*) FROM submissions) AS c, (SELECT count(*) FROM sessions) AS d,
    (SELECT count(*) FROM heartbeats) AS e, (SELECT count(*) FROM topology_versions) AS f,
    (SELECT count(*) FROM region_states WHERE verb <> 'none') AS g, (SELECT count(*) FROM control_events) AS h,
    (SELECT count(*) FROM tokens) AS i, (SELECT COALESCE(sum(epoch), 0)::INT8 FROM missions) AS j"
);

/// Heartbeats as they would be if every region lived.
const REGIONS_UP: sql::Statement = sql::statement!(
    "test_regions_up",
    idempotent,
    "INSERT INTO region_states (region, verb, verb_reason, verb_by, verb_at, health, health_at, health_by)
     SELECT r, 'none', '', 'test', now(), 'up', now(), 'test' FROM unnest(ARRAY['us-west', 'us-east', 'europe-west']) AS r
     ON CONFLICT (region) DO UPDATE SET health = 'up'"
);
const POOLS_ALIVE: sql::Statement = sql::statement!(
    "test_pools_alive",
    idempotent,
    "INSERT INTO pool_loads (crdb_region, region, specialization, sessions, slots, leased, queued, unmet, service_us,
                             alive_at, at)
     SELECT p.home::TEXT::crdb_internal_region, p.region, p.specialization, 1, 100, 0, 0, 0, 0,
            now() + INTERVAL '1 hour', now()
     FROM (VALUES ('us-west-2', 'us-west', 'engineer-master'), ('us-east-1', 'us-east', 'secure-specialist'),
                  ('eu-west-1', 'europe-west', 'secure-specialist')) AS p (home, region, specialization)"
);

/// The scheduler.
pub(super) struct Bed {
    router: Router,
    pub(super) app: App,
    pub(super) gateways: Gateways,
    _db: TestDb,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Bed {
    /// As with `--dev`: everybody is an operator.
    pub(super) async fn dev() -> Self {
        Self::new(true, Limits::default()).await
    }

    pub(super) async fn new(dev: bool, limits: Limits) -> Self {
        let db = TestDb::new().await;
        let gateways = db.gateways().await;
        let upkeep = gateways.lane(Lane::Upkeep);
        control::bootstrap(&upkeep, TOPOLOGY, "test").await.unwrap();
        upkeep.execute(&REGIONS_UP, &[]).await.unwrap();
        upkeep.execute(&POOLS_ALIVE, &[]).await.unwrap();
        let (id, region) = (SchedulerId::random(), "us-west".parse::<topology::RegionName>().unwrap());
        let config = view::Config {
            gateways: gateways.clone(),
            region: region.clone(),
            id,
            world: None,
            keys_kept: Retention::default().keys,
        };
        let views = Arc::new(Views::start(config).await.unwrap());
        let stopping = CancellationToken::new();
        let engine = Engine::new(&gateways, Arc::clone(&views), id, region.clone(), Some(1_000), stopping.clone());
        let control = Control::new(gateways.clone(), Arc::clone(&views), id);
        let memory = Memory::new(
            gateways.lane(Lane::Submit),
            region.clone(),
            Arc::clone(&views),
            Choice::Lexical.embedders(&[]).unwrap().1,
            Holdout::default(),
            Settings::default(),
        );
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
        let app = App::new(Parts {
            engine,
            control,
            memory,
            views,
            gateways: gateways.clone(),
            region,
            dev,
            limits,
            gate: Gate::new(96, limits.submits),
            metrics,
            streams: Arc::new(Semaphore::new(limits.streams)),
            stopping,
        });
        Self { router: router(app.clone()), app, gateways, _db: db }
    }

    /// Sends a request as it is.
    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The response with its body still to come.
    pub(super) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(json_request(Method::POST, path, body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(json_request(Method::PUT, path, body)).await
    }

    /// A session of `us-west` with room for missions.
    pub(super) async fn session(&self, slots: i64) -> SessionId {
        let id = SessionId::random();
        let body = json!({ "id": id, "region": "us-west", "agent": "test", "version": "0",
            "pools": [{ "specialization": "engineer-master", "slots": slots }] });
        let answer = self.post("/agent/v1/sessions", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        id
    }

    /// A figure over everything that is stored.
    pub(super) async fn stored(&self) -> Vec<i64> {
        let row = self.gateways.lane(Lane::Upkeep).query_one(&COUNT_ALL, &[]).await.unwrap();
        (0..10).map(|column| row.get(column)).collect()
    }
}

pub(super) fn json_request(method: Method, path: &str, body: &Value) -> Request<Body> {
    raw_request(method, path, body.to_string())
}

pub(super) fn raw_request(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder().method(method).uri(path).header("content-type", "application/json").body(body.into()).unwrap()
}

/// A mission that `us-west` can run.
pub(super) fn mission(title: &str) -> Value {
    json!({ "specialization": "engineer-master", "title": title, "origin": { "at": { "lat": 37.8, "lng": -122.4 } } })
}
