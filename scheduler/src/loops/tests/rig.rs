//! A database with a topology, sessions and missions, and schedulers whose loops are ticked by hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler_client::wire::MissionState;
use serde_json::json;
use sql::testdb::TestDb;
use sql::{Db, Gateways, Lane, Row, Statement};
use topology::{DatabaseRegion, MissionId, PoolId, RegionName, SchedulerId, SessionId};

use crate::config::Retention;
use crate::loops::context::Context;
use crate::loops::{Deps, load, watch};
use crate::store::topology::{NewVersion, topology_apply};
use crate::view::{Config, Views};

pub(super) const TOPOLOGY: &str = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: [engineer (primary: 50), solo (primary: 2)] }
  - { name: us-east, provider: AWS, region: us-east-1, agents: [engineer (replica: 50)] }
  - { name: europe-west, provider: AWS, region: eu-west-1, agents: [engineer (replica: 50)] }
residency: { eu: [europe-west], west: [us-west] }
database: { cloud: AWS, primary_region: us-west-2, survive: region }
scheduling: { session_ttl: 5s, heartbeat: 1s, down_after: 6s, up_after: 15s }
";

const SESSION: Statement = sql::statement!(
    "test_session",
    once,
    "WITH started AS (
         INSERT INTO sessions (crdb_region, id, region, agent, version, specializations, slots, started_at)
         VALUES ($1::TEXT::crdb_internal_region, $2::UUID, $3::TEXT, 'test', '0', $4::TEXT[], $5::INT8[], now())
         RETURNING id
     )
     INSERT INTO heartbeats (crdb_region, id, kind, region, seq, at)
     SELECT $1::TEXT::crdb_internal_region, id, 'session', $3::TEXT, 1, now() - $6::INT8 * '1 millisecond'::INTERVAL
     FROM started"
);

const HEARD: Statement = sql::statement!(
    "test_heard",
    once,
    "UPDATE heartbeats SET at = now() - $2::INT8 * '1 millisecond'::INTERVAL WHERE region = $1::TEXT"
);

const SILENCE: Statement = sql::statement!(
    "test_silence",
    once,
    "UPDATE heartbeats SET at = now() - $2::INT8 * '1 millisecond'::INTERVAL WHERE id = $1::UUID"
);

const FORGET: Statement = sql::statement!(
    "test_forget",
    once,
    "UPDATE pool_loads SET alive_at = now() - $1::INT8 * '1 millisecond'::INTERVAL"
);

const AGE_LOADS: Statement =
    sql::statement!("test_age_loads", once, "UPDATE pool_loads SET at = at - '10 seconds'::INTERVAL");

const MISSION: Statement = sql::statement!(
    "test_mission",
    once,
    "INSERT INTO missions (crdb_region, id, state, specialization, submitter, title, payload, origin, residency,
         priority, rank, round, region, epoch, attempts, crashes, moves, max_attempts, max_crashes, run_limit_ms,
         not_before, session_id, run_until, topology_version, residency_version, nonce, submitted_at, leased_at, reason,
         start_by)
     VALUES ($1::TEXT::crdb_internal_region, $2::UUID, $3::TEXT, $4::TEXT, 'ana', 'a mission', 'null'::JSONB,
         $5::TEXT::JSONB, $6::TEXT, 5, $7::INT8, 3, $8::TEXT, $9::INT8, 0, $10::INT8::INT4, 0, 3, 4, 60000,
         to_timestamp(0), $11::UUID, now() + $12::INT8 * '1 millisecond'::INTERVAL, 1, 1, $7::INT8, now(),
         CASE WHEN $3::TEXT = 'leased' THEN now() END, $13::TEXT, now() + $14::INT8 * '1 millisecond'::INTERVAL)"
);

const SHOW: Statement = sql::statement!(
    "test_show",
    idempotent,
    "SELECT crdb_region::TEXT AS home, state, region, epoch, attempts, crashes, moves, reason, session_id,
         residency_version FROM missions WHERE id = $1::UUID"
);

const EVENTS: Statement = sql::statement!(
    "test_events",
    idempotent,
    "SELECT from_state, to_state, epoch, reason FROM mission_events WHERE mission_id = $1::UUID ORDER BY at, epoch"
);

const COUNT: Statement = sql::statement!(
    "test_count",
    idempotent,
    "SELECT count(*) FROM missions WHERE state = $1::TEXT AND coalesce(region, '') = $2::TEXT AND epoch = $3::INT8"
);

const LIVE_SESSIONS: Statement =
    sql::statement!("test_live", idempotent, "SELECT count(*) FROM sessions WHERE ended_at IS NULL");

const UNSETTLED_SESSIONS: Statement = sql::statement!(
    "test_unsettled",
    idempotent,
    "SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL AND settled_at IS NULL"
);

pub(super) struct Rig {
    pub(super) db: Db,
    pub(super) gateways: Gateways,
    _database: TestDb,
}

/// What a test wants of a mission; the rest is the same for all.
#[derive(Clone)]
pub(super) struct Wish {
    pub(super) state: MissionState,
    pub(super) specialization: &'static str,
    pub(super) region: Option<&'static str>,
    pub(super) residency: Option<&'static str>,
    pub(super) session: Option<SessionId>,
    pub(super) crashes: i64,
    pub(super) rank: i64,
    pub(super) run_for_ms: i64,
    pub(super) reason: Option<&'static str>,
    pub(super) start_in_ms: Option<i64>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            state: MissionState::Queued,
            specialization: "engineer",
            region: Some("us-west"),
            residency: None,
            session: None,
            crashes: 0,
            rank: 0,
            run_for_ms: 60_000,
            reason: None,
            start_in_ms: None,
        }
    }
}

/// What a test sees of a mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) home: String,
    pub(super) state: String,
    pub(super) region: Option<String>,
    pub(super) epoch: i64,
    pub(super) attempts: i32,
    pub(super) crashes: i32,
    pub(super) moves: i32,
    pub(super) reason: Option<String>,
    pub(super) session: Option<uuid::Uuid>,
    pub(super) residency_version: i64,
}

pub(super) fn home_of(region: &str) -> &'static str {
    match region {
        "us-west" => "us-west-2",
        "us-east" => "us-east-1",
        "europe-west" => "eu-west-1",
        other => panic!("{other} is not in the test's topology"),
    }
}

pub(super) fn pool(text: &str) -> PoolId {
    text.parse().unwrap()
}

pub(super) fn home(text: &str) -> DatabaseRegion {
    text.parse().unwrap()
}

impl Rig {
    pub(super) async fn new() -> Self {
        let database = TestDb::new().await;
        let gateways = database.gateways().await;
        let rig = Self { db: gateways.lane(Lane::Submit), gateways, _database: database };
        rig.apply(0, TOPOLOGY, 1).await;
        rig
    }

    /// Puts a topology in force.
    pub(super) async fn apply(&self, base: i64, text: &str, residency_version: i64) {
        let new = NewVersion { base, text, digest: "test", residency_version, author: "test", message: "" };
        topology_apply(&self.db, &new).await.unwrap().expect("nobody else applies");
    }

    /// A scheduler of a region whose writes have long been good and that has read everything once.
    pub(super) async fn scheduler(&self, region: &str) -> Arc<Context> {
        let context = self.fresh_scheduler(region).await;
        self.trust(&context);
        self.refresh(&context).await;
        context
    }

    /// As it is just after its start.
    pub(super) async fn fresh_scheduler(&self, region: &str) -> Arc<Context> {
        let (id, region): (_, RegionName) = (SchedulerId::random(), region.parse().unwrap());
        let config = Config {
            gateways: self.gateways.clone(),
            region: region.clone(),
            id,
            world: None,
            keys_kept: Retention::default().keys,
        };
        let views = Arc::new(Views::start(config).await.unwrap());
        Arc::new(Context::new(Deps {
            gateways: self.gateways.clone(),
            id,
            region,
            address: "http://127.0.0.1:1".to_owned(),
            views,
            retention: Retention::default(),
            wake: Arc::new(|_| {}),
            index: None,
        }))
    }

    /// Lets a scheduler believe that its writes have succeeded for a minute, in every home.
    pub(super) fn trust(&self, context: &Context) {
        for home in &context.views.current().topology.database.regions {
            self.trust_home(context, home.as_str());
        }
    }

    /// The same in one home.
    pub(super) fn trust_home(&self, context: &Context, name: &str) {
        let now = Instant::now();
        for ago in (0..60).rev() {
            context.steady.wrote(&home(name), now - Duration::from_secs(ago), Duration::from_secs(3));
        }
    }

    /// Counts, publishes and reads everything, as the loops would within seconds.
    pub(super) async fn refresh(&self, context: &Arc<Context>) {
        self.db.execute(&AGE_LOADS, &[]).await.unwrap();
        watch::tick(Arc::clone(context)).await.unwrap();
        load::tick(Arc::clone(context)).await.unwrap();
    }

    /// A session that was heard so many milliseconds ago.
    pub(super) async fn session(&self, region: &str, pools: &[(&str, i64)], heard_ms: i64) -> SessionId {
        let id = SessionId::random();
        let names: Vec<&str> = pools.iter().map(|(name, _)| *name).collect();
        let slots: Vec<i64> = pools.iter().map(|(_, slots)| *slots).collect();
        self.db.execute(&SESSION, &[&home_of(region), &id.0, &region, &names, &slots, &heard_ms]).await.unwrap();
        id
    }

    /// Every session and scheduler of a region was heard so many milliseconds ago.
    pub(super) async fn heard(&self, region: &str, ms: i64) {
        self.db.execute(&HEARD, &[&region, &ms]).await.unwrap();
    }

    /// One session was heard so many milliseconds ago, and what was published of pools is as old.
    pub(super) async fn silence(&self, session: SessionId, ms: i64) {
        self.db.execute(&SILENCE, &[&session.0, &ms]).await.unwrap();
        self.db.execute(&FORGET, &[&ms]).await.unwrap();
    }

    /// Sessions with room in every region, so that all are up.
    pub(super) async fn everywhere(&self) {
        for region in ["us-west", "us-east", "europe-west"] {
            self.session(region, &[("engineer", 1_000), ("solo", 10)], 0).await;
        }
    }

    pub(super) async fn mission(&self, wish: &Wish) -> MissionId {
        let id = MissionId::random();
        let at = wish.region.unwrap_or("us-west");
        let origin = json!({ "at": { "lat": 45.84, "lng": -119.7 } }).to_string();
        let epoch = i64::from(wish.state == MissionState::Leased);
        let state = serde_json::to_value(wish.state).unwrap().as_str().unwrap().to_owned();
        let session = wish.session.map(|id| id.0);
        self.db
            .execute(
                &MISSION,
                &[
                    &home_of(at),
                    &id.0,
                    &state,
                    &wish.specialization,
                    &origin,
                    &wish.residency,
                    &wish.rank,
                    &wish.region,
                    &epoch,
                    &wish.crashes,
                    &session,
                    &wish.run_for_ms,
                    &wish.reason,
                    &wish.start_in_ms,
                ],
            )
            .await
            .unwrap();
        id
    }

    /// A mission that a session holds.
    pub(super) async fn lease(&self, region: &'static str, session: SessionId) -> MissionId {
        let wish =
            Wish { state: MissionState::Leased, region: Some(region), session: Some(session), ..Wish::default() };
        self.mission(&wish).await
    }

    pub(super) async fn show(&self, id: MissionId) -> Seen {
        let row: Row = self.db.query_one(&SHOW, &[&id.0]).await.unwrap();
        Seen {
            home: row.get("home"),
            state: row.get("state"),
            region: row.get("region"),
            epoch: row.get("epoch"),
            attempts: row.get("attempts"),
            crashes: row.get("crashes"),
            moves: row.get("moves"),
            reason: row.get("reason"),
            session: row.get("session_id"),
            residency_version: row.get("residency_version"),
        }
    }

    /// Reasons of what happened to a mission, oldest first.
    pub(super) async fn history(&self, id: MissionId) -> Vec<(String, String, Option<String>)> {
        let rows = self.db.query(&EVENTS, &[&id.0]).await.unwrap();
        rows.iter().map(|row| (row.get("from_state"), row.get("to_state"), row.get("reason"))).collect()
    }

    /// Missions of a state, region and epoch.
    pub(super) async fn count(&self, state: &str, region: &str, epoch: i64) -> i64 {
        self.db.query_one(&COUNT, &[&state, &region, &epoch]).await.unwrap().get(0)
    }

    pub(super) async fn live_sessions(&self) -> i64 {
        self.db.query_one(&LIVE_SESSIONS, &[]).await.unwrap().get(0)
    }

    pub(super) async fn unsettled_sessions(&self) -> i64 {
        self.db.query_one(&UNSETTLED_SESSIONS, &[]).await.unwrap().get(0)
    }
}
