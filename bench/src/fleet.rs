//! Agents that only speak the agents' protocol: they register, beat, claim and complete, and run nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use scheduler_client::Client;
use scheduler_client::wire::{
    Claim, Complete, Grant, Heartbeat, LeaseName, LeaseProof, MissionResult, PoolOffer, RegisterSession, ResultAnswer,
    ResultWord,
};
use serde_json::json;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use topology::{MissionId, RegionName, SessionId, Specialization};

/// When a mission was granted, as its agent saw it.
pub(crate) type Granted = (MissionId, RegionName, Instant);

/// What an agent does with a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Completes it at once, one mission a request, so many requests at a time.
    Complete(usize),
    /// Completes what a claim brought together, so many missions a request.
    CompleteTogether(usize),
    /// Holds it for ever.
    Hold,
}

/// One agent; dropping it stops its heartbeats and claims without a word, as kill -9 would.
#[derive(Debug)]
pub(crate) struct Agent {
    _tasks: JoinSet<()>,
}

struct Shared {
    client: Client,
    session: SessionId,
    region: RegionName,
    holds: Mutex<BTreeMap<MissionId, LeaseName>>,
    seq: AtomicI64,
    granted: mpsc::UnboundedSender<Granted>,
    accepted: mpsc::UnboundedSender<usize>,
}

impl Agent {
    /// Registers a session that serves one pool with so many slots, and starts to claim. It tells what it was granted, and
    /// how many of its completions were accepted.
    ///
    /// # Errors
    /// Where the registration is refused.
    pub(crate) async fn start(
        client: Client,
        region: RegionName,
        specialization: Specialization,
        slots: i64,
        work: Work,
        granted: mpsc::UnboundedSender<Granted>,
        accepted: mpsc::UnboundedSender<usize>,
    ) -> anyhow::Result<Self> {
        let session = SessionId::random();
        let answer = client
            .register(&RegisterSession {
                id: session,
                region: region.clone(),
                agent: "bench".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pools: vec![PoolOffer { specialization: specialization.clone(), slots }],
            })
            .await?;
        let every = Duration::from_millis(u64::try_from(answer.heartbeat_ms)?);
        let shared = Arc::new(Shared {
            client,
            session,
            region,
            holds: Mutex::default(),
            seq: AtomicI64::new(0),
            granted,
            accepted,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(beat(shared.clone(), every));
        tasks.spawn(claim(shared, specialization, slots, work));
        Ok(Self { _tasks: tasks })
    }
}

async fn beat(agent: Arc<Shared>, every: Duration) {
    let mut tick = tokio::time::interval(every);
    loop {
        tick.tick().await;
        let holds = agent.holds.lock().await.values().copied().collect();
        let seq = agent.seq.fetch_add(1, Ordering::Relaxed) + 1;
        // A heartbeat that fails is followed by the next one.
        let _ = agent.client.heartbeat(agent.session, &Heartbeat { seq, holds, draining: false, heard: None }).await;
    }
}

async fn claim(agent: Arc<Shared>, specialization: Specialization, slots: i64, work: Work) {
    loop {
        let holding = i64::try_from(agent.holds.lock().await.len()).expect("a session holds few leases");
        if holding >= slots {
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        let free = BTreeMap::from([(specialization.clone(), slots - holding)]);
        let Ok(answer) = agent.client.claim(agent.session, &Claim { free, holding, wait_ms: 5_000 }).await else {
            continue;
        };
        let now = Instant::now();
        let mut holds = agent.holds.lock().await;
        for grant in &answer.grants {
            holds.insert(grant.mission, LeaseName { mission: grant.mission, epoch: grant.epoch });
            let _ = agent.granted.send((grant.mission, agent.region.clone(), now));
        }
        drop(holds);
        match work {
            Work::Complete(at_once) => complete(&agent, answer.grants, at_once).await,
            Work::CompleteTogether(many) => complete_together(&agent, answer.grants, many).await,
            Work::Hold => {}
        }
    }
}

async fn complete(agent: &Arc<Shared>, grants: Vec<Grant>, at_once: usize) {
    futures_util::stream::iter(grants)
        .for_each_concurrent(at_once, |grant| async move {
            let (mission, body) = done(agent, grant);
            // What is not accepted is lost to this agent: another grant brings it again.
            if agent.client.complete(mission, &body).await.is_ok() {
                let _ = agent.accepted.send(1);
            }
            agent.holds.lock().await.remove(&mission);
        })
        .await;
}

async fn complete_together(agent: &Arc<Shared>, grants: Vec<Grant>, many: usize) {
    let results = grants.into_iter().map(|grant| {
        let (mission, body) = done(agent, grant);
        MissionResult { mission, word: ResultWord::Complete(body) }
    });
    let results: Vec<MissionResult> = results.collect();
    let requests = results.chunks(many).map(|request| async move {
        // As above.
        if let Ok(answer) = agent.client.results(agent.session, request.to_vec()).await {
            let accepted = answer.results.iter().filter(|result| matches!(result, ResultAnswer::Accepted(_)));
            let _ = agent.accepted.send(accepted.count());
        }
        let mut holds = agent.holds.lock().await;
        for result in request {
            holds.remove(&result.mission);
        }
    });
    futures_util::future::join_all(requests).await;
}

/// What is said of a grant that took no time.
fn done(agent: &Shared, grant: Grant) -> (MissionId, Complete) {
    let lease = LeaseProof { session: agent.session, epoch: grant.epoch, home: grant.home };
    (grant.mission, Complete { lease, outcome: json!({ "ok": true }), memory: None })
}
