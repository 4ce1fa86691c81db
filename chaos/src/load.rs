//! Submits missions from many places at once, and writes down what was asked and heard.

mod known;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scheduler_client::wire::{Mission, SubmitMission};
use scheduler_client::{Client, Error};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use topology::{MissionId, Topology};
use uuid::Uuid;

use crate::history::{self, Call, Op, OpKind, Record, SUBMITS};

/// Regions where each residency rule lets missions run.
pub type Rules = BTreeMap<String, Vec<String>>;

/// The rules of a topology.
#[must_use]
pub fn rules(topology: &Topology) -> Rules {
    let regions = |rule: &topology::Residency| rule.regions.iter().map(ToString::to_string).collect();
    topology.residency.iter().map(|(name, rule)| (name.to_string(), regions(rule))).collect()
}

/// `submits.jsonl` of a history: every submit under a key that is in its title too, and how it ended.
#[derive(Debug)]
pub struct Submits {
    record: Record,
    next: AtomicU64,
    rules: Rules,
}

impl Submits {
    /// Opens the record in a history's folder, making it where it is not there.
    ///
    /// # Errors
    /// [`history::Error::Io`].
    pub fn open(folder: &Path, rules: Rules) -> Result<Self, history::Error> {
        // Numbers by the clock, so that a generator that is started again uses none of those before it.
        let next = AtomicU64::new(now_us().unsigned_abs());
        Ok(Self { record: Record::open(&folder.join(SUBMITS))?, next, rules })
    }

    /// Submits a mission, and notes it before and after.
    ///
    /// # Errors
    /// [`history::Error::Io`] where it cannot be noted; what the client heard is the value.
    pub async fn submit(
        &self,
        client: &Client,
        mut mission: SubmitMission,
    ) -> Result<Result<Mission, Error>, history::Error> {
        let key = mission.idempotency_key.get_or_insert_with(|| Uuid::new_v4().to_string()).clone();
        mission.title = history::titled(&mission.title, &key);
        let asked = Asked { op: self.next.fetch_add(1, Ordering::Relaxed), key, mission: mission.clone() };
        self.note(&asked, OpKind::Invoke, None, None)?;
        let answer = client.submit(mission).await;
        match &answer {
            Ok(mission) => self.note(&asked, OpKind::Ok, Some(mission.id), None)?,
            Err(error) => {
                let kind =
                    if known::surely_not_done(error, client.limits().tries) { OpKind::Fail } else { OpKind::Info };
                self.note(&asked, kind, None, Some(known::code(error)))?;
            }
        }
        Ok(answer)
    }

    fn note(
        &self,
        asked: &Asked,
        kind: OpKind,
        mission: Option<MissionId>,
        error: Option<String>,
    ) -> Result<(), history::Error> {
        let residency = asked.mission.residency.clone();
        let allowed = residency.as_ref().and_then(|rule| self.rules.get(rule)).cloned().unwrap_or_default();
        let priority = asked.mission.priority;
        let call = Call::Submit { key: asked.key.clone(), mission, priority, residency, allowed };
        self.record.add(&Op { at_us: now_us(), op: asked.op, kind, call, error })
    }
}

/// One submit that is under way.
struct Asked {
    op: u64,
    key: String,
    mission: SubmitMission,
}

/// How the submits went.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// 2xx answers, each of them in the record.
    pub acknowledged: usize,
    /// Submits that were refused or never answered, each of them in the record.
    pub failed: usize,
    /// Why the first of them failed.
    pub first_failure: Option<String>,
}

/// Microseconds since the Unix epoch.
#[must_use]
pub fn now_us() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

/// How fast missions are submitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The next one when fewer than so many wait for their answer.
    AtOnce(usize),
    /// So many a second, however long the answers take.
    PerSecond(f64),
}

impl Pace {
    /// Answers waited for at a time, and the time between two submits.
    fn limits(self) -> (usize, Duration) {
        match self {
            Self::AtOnce(most) => (most, Duration::from_nanos(1)),
            Self::PerSecond(rate) => (Semaphore::MAX_PERMITS, Duration::from_secs_f64(1.0 / rate)),
        }
    }
}

/// Submits every mission by the clients in turn, and records how each went.
///
/// # Errors
/// Where the record cannot be written.
pub async fn submit(
    clients: &[Client],
    missions: Vec<SubmitMission>,
    pace: Pace,
    submits: Arc<Submits>,
) -> anyhow::Result<Submitted> {
    let (at_once, between) = pace.limits();
    let room = Arc::new(Semaphore::new(at_once));
    let mut due = tokio::time::interval(between);
    let mut running = JoinSet::new();
    for (mission, client) in missions.into_iter().zip(clients.iter().cycle()) {
        due.tick().await;
        let permit = room.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (client, submits) = (client.clone(), submits.clone());
        running.spawn(async move {
            let answer = submits.submit(&client, mission).await;
            drop(permit);
            answer
        });
    }
    let mut submitted = Submitted::default();
    while let Some(one) = running.join_next().await {
        match one.expect("a submit does not panic")? {
            Ok(_) => submitted.acknowledged += 1,
            Err(failure) => {
                submitted.failed += 1;
                submitted.first_failure.get_or_insert_with(|| format!("{failure:?}"));
            }
        }
    }
    Ok(submitted)
}
