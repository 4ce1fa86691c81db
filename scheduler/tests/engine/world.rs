//! A database with a topology in which everything serves, engines on it, and agents' small talk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use scheduler::config::Retention;
use scheduler::engine::{Actor, Engine, SubmitContext, Submitted};
use scheduler::refusal::Refusal;
use scheduler::view::{Config, Views};
use scheduler_client::wire::{self, Grant, LeaseName, LeaseProof};
use serde_json::{Value, json};
use sql::Gateways;
use sql::testdb::TestDb;
use tokio_util::sync::CancellationToken;
use topology::{Epoch, MissionId, RegionName, SchedulerId, SessionId, Specialization};

pub(crate) const TOPOLOGY: &str = "\
regions:
  - name: us-west
    provider: AWS
    region: us-west-2
    agents:
      - { specialization: engineer-master, role: primary, replicas: 5, slots: 2 }
      - { specialization: secure-specialist, role: primary, replicas: 2 }
  - name: us-east
    provider: AWS
    region: us-east-1
    agents:
      - { specialization: engineer-master, role: primary, replicas: 5 }
  - name: europe-west
    provider: AWS
    region: eu-west-1
    agents:
      - { specialization: engineer-master, role: primary, replicas: 2 }
      - { specialization: document-ninja, role: primary, replicas: 2 }
residency: { eu: [europe-west] }
database: { cloud: AWS, primary_region: us-west-2, survive: region }
";

/// Who submits in most tests.
pub(crate) fn ana() -> Actor {
    Actor::Submitter("ana".to_owned())
}

/// The database of one test.
pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) gateways: Gateways,
    /// A connection of its own, to arrange and to look.
    pub(crate) raw: tokio_postgres::Client,
}

pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl World {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new().await;
        let gateways = db.gateways().await;
        let raw = connect(db.url()).await;
        let world = Self { db, gateways, raw };
        world.apply(TOPOLOGY, 1).await;
        world
            .run(
                "INSERT INTO region_states (region, verb, verb_reason, verb_by, verb_at, health, health_at, health_by)
                 SELECT r, 'none', '', 'test', now(), 'up', now(), 'test'
                 FROM unnest(ARRAY['us-west', 'us-east', 'europe-west']) AS r;
                 INSERT INTO pool_loads (crdb_region, region, specialization, sessions, slots, leased, queued, unmet,
                                         service_us, alive_at, at)
                 SELECT p.home::TEXT::crdb_internal_region, p.region, p.specialization, 1, 1000000, 0, 0, 0, 0,
                        now() + INTERVAL '1 hour', now()
                 FROM (VALUES ('us-west-2', 'us-west', 'engineer-master'), ('us-west-2', 'us-west', 'secure-specialist'),
                              ('us-east-1', 'us-east', 'engineer-master'), ('eu-west-1', 'europe-west', 'engineer-master'),
                              ('eu-west-1', 'europe-west', 'document-ninja')) AS p (home, region, specialization)",
            )
            .await;
        world
    }

    /// Puts a topology in force.
    pub(crate) async fn apply(&self, text: &str, residency_version: i64) {
        self.raw
            .execute(
                "INSERT INTO topology_versions (version, text, digest, residency_version, author, message, applied_at)
                 SELECT COALESCE(max(version), 0) + 1, $1, '', $2, 'test', '', now() FROM topology_versions",
                &[&text, &residency_version],
            )
            .await
            .unwrap();
    }

    pub(crate) async fn run(&self, text: &str) {
        self.raw.batch_execute(text).await.unwrap();
    }

    /// One value of one row.
    pub(crate) async fn ask<T>(&self, text: &str) -> T
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        self.raw.query_one(text, &[]).await.unwrap().get(0)
    }

    pub(crate) async fn engine(&self, region: &str) -> Engine {
        self.engine_on(&self.gateways, region, None).await
    }

    pub(crate) async fn engine_on(&self, gateways: &Gateways, region: &str, max_open: Option<i64>) -> Engine {
        let (region, id): (RegionName, _) = (region.parse().unwrap(), SchedulerId::random());
        let config = Config {
            gateways: gateways.clone(),
            region: region.clone(),
            id,
            world: None,
            keys_kept: Retention::default().keys,
        };
        let views = Arc::new(Views::start(config).await.unwrap());
        Engine::new(gateways, views, id, region, max_open, CancellationToken::new())
    }
}

/// A mission for `engineer-master` from nowhere in particular: it lands near the scheduler that takes it.
pub(crate) fn mission(title: &str) -> wire::SubmitMission {
    serde_json::from_value(json!({ "specialization": "engineer-master", "title": title })).unwrap()
}

/// Submits one mission that must be accepted.
pub(crate) async fn submit(engine: &Engine, body: wire::SubmitMission) -> wire::Mission {
    try_submit(engine, body).await.unwrap().mission
}

pub(crate) async fn try_submit(engine: &Engine, body: wire::SubmitMission) -> Result<Submitted, Refusal> {
    engine.submit(&ana(), &SubmitContext::default(), vec![body]).await.remove(0)
}

/// Submits `n` missions that must be accepted.
pub(crate) async fn submit_many(engine: &Engine, n: usize) -> Vec<MissionId> {
    let bodies = (0..n).map(|n| mission(&format!("mission {n}"))).collect();
    let answers = engine.submit(&ana(), &SubmitContext::default(), bodies).await;
    answers.into_iter().map(|answer| answer.unwrap().mission.id).collect()
}

/// An agent of one session, with its heartbeat's number.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) session: SessionId,
    pub(crate) seq: i64,
}

impl Agent {
    /// Registers a session that offers pools of a region.
    pub(crate) async fn start(engine: &Engine, region: &str, pools: &[(&str, i64)]) -> Self {
        let session = SessionId::random();
        engine.register(&Actor::Session(session), registration(session, region, pools)).await.unwrap();
        Self { session, seq: 0 }
    }

    /// One `engineer-master` pool of us-west.
    pub(crate) async fn west(engine: &Engine, slots: i64) -> Self {
        Self::start(engine, "us-west", &[("engineer-master", slots)]).await
    }

    pub(crate) async fn try_claim(&self, engine: &Engine, free: i64, holding: i64) -> Result<Vec<Grant>, Refusal> {
        self.claim_of(engine, &[("engineer-master", free)], holding, 0).await
    }

    pub(crate) async fn claim_of(
        &self,
        engine: &Engine,
        free: &[(&str, i64)],
        holding: i64,
        wait_ms: i64,
    ) -> Result<Vec<Grant>, Refusal> {
        let free: BTreeMap<Specialization, i64> = free.iter().map(|(name, n)| (name.parse().unwrap(), *n)).collect();
        Ok(engine.claim(self.session, wire::Claim { free, holding, wait_ms }).await?.grants)
    }

    /// Claims with a short wait.
    pub(crate) async fn claim(&self, engine: &Engine, free: i64) -> Vec<Grant> {
        self.claim_of(engine, &[("engineer-master", free)], 0, 500).await.unwrap()
    }

    pub(crate) async fn beat(
        &mut self,
        engine: &Engine,
        holds: &[LeaseName],
    ) -> Result<wire::HeartbeatAnswer, Refusal> {
        self.seq += 1;
        let (seq, holds) = (self.seq, holds.to_vec());
        engine.heartbeat(self.session, wire::Heartbeat { seq, holds, draining: false, heard: None }).await
    }

    pub(crate) fn proof(&self, grant: &Grant) -> LeaseProof {
        LeaseProof { session: self.session, epoch: grant.epoch, home: grant.home.clone() }
    }

    pub(crate) async fn complete(
        &self,
        engine: &Engine,
        grant: &Grant,
        outcome: Value,
    ) -> Result<wire::LeaseAnswer, Refusal> {
        engine.complete(grant.mission, wire::Complete { lease: self.proof(grant), outcome, memory: None }).await
    }

    pub(crate) async fn fail(
        &self,
        engine: &Engine,
        grant: &Grant,
        retryable: bool,
    ) -> Result<wire::LeaseAnswer, Refusal> {
        let body = wire::Fail {
            lease: self.proof(grant),
            reason: "runner_exit".to_owned(),
            detail: json!({ "code": 1 }),
            retryable,
            memory: None,
        };
        engine.fail(grant.mission, body).await
    }

    pub(crate) async fn release(&self, engine: &Engine, grant: &Grant) -> Result<wire::LeaseAnswer, Refusal> {
        let body = wire::Release { lease: self.proof(grant), reason: "drain".to_owned() };
        engine.release(grant.mission, body).await
    }

    pub(crate) async fn progress(&self, engine: &Engine, grant: &Grant) -> Result<wire::LeaseAnswer, Refusal> {
        engine
            .progress(grant.mission, wire::Progress { lease: self.proof(grant), progress: json!({ "done": 0.5 }) })
            .await
    }
}

pub(crate) fn registration(session: SessionId, region: &str, pools: &[(&str, i64)]) -> wire::RegisterSession {
    let pools = pools
        .iter()
        .map(|(name, slots)| wire::PoolOffer { specialization: name.parse().unwrap(), slots: *slots })
        .collect();
    wire::RegisterSession {
        id: session,
        region: region.parse().unwrap(),
        agent: "host-1".to_owned(),
        version: "0.1.0".to_owned(),
        pools,
    }
}

pub(crate) fn name(grant: &Grant) -> LeaseName {
    LeaseName { mission: grant.mission, epoch: grant.epoch }
}

/// The grant as if it were of another epoch.
pub(crate) fn at_epoch(grant: &Grant, epoch: i64) -> Grant {
    Grant { epoch: Epoch(epoch), ..grant.clone() }
}

/// Asks until the answer is yes; panics after 20 seconds.
pub(crate) async fn wait_until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !check().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}
