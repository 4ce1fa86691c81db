//! The batches of results. A batch's answer for a request is what its statement returned for it, or nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use scheduler_client::wire::MissionState;
use scheduler_core::lifecycle;
use sql::Db;
use tokio::sync::broadcast;
use topology::{DatabaseRegion, MissionId, PoolId};

use crate::engine::claims::Hub;
use crate::engine::coalescer::Batch;
use crate::engine::{Change, convert};
use crate::figures;
use crate::store::mission::{
    CompletedLease, CompletionRow, FailedLease, FailureRow, LeaseKey, MemoryRow, MissionRow, ReleaseRow, ReleasedLease,
    mission_complete, mission_fail, mission_find, mission_progress, mission_release,
};

/// What the batches of results share.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) db: Db,
    pub(crate) hub: Arc<Hub>,
    pub(crate) changes: broadcast::Sender<Change>,
}

impl Parts {
    /// Tells of a change, and wakes who waits for a mission that is queued again or for the slot that is free now.
    fn tell(&self, mission: MissionId, state: MissionState, pool: Option<PoolId>) {
        if state == MissionState::Queued {
            self.hub.queued(pool.iter());
        }
        // Nobody listens is no error.
        let _ = self.changes.send(Change { mission, state, pool });
    }
}

/// Completions of one home.
pub(crate) struct Completes(pub(crate) Parts);
/// Failed attempts of one home.
pub(crate) struct Fails(pub(crate) Parts);
/// Leases of one home that are handed back.
pub(crate) struct Releases(pub(crate) Parts);
/// Progress in one home.
pub(crate) struct Progresses(pub(crate) Parts);

/// Missions of one home that a result did not change: a whole request of them comes again where its answer was lost.
/// On the connections of results, so that whoever repeats a completion never waits for submits.
pub(crate) struct Finds(pub(crate) Db);

/// The items by mission: every statement gets rows in one order, so that two batches never wait for each other.
fn ordered<'a, T>(items: &[&'a T], key: impl Fn(&T) -> LeaseKey) -> Vec<&'a T> {
    let mut ordered = items.to_vec();
    ordered.sort_by_key(|item| key(item));
    // A statement that names a row twice takes either; the same request twice is one request.
    ordered.dedup_by_key(|item| key(item));
    ordered
}

/// One answer each: what was returned under the item's name.
fn answers<T, K: Eq + Hash, A: Clone>(
    items: &[&T],
    done: Vec<A>,
    of: impl Fn(&A) -> K,
    key: impl Fn(&T) -> K,
) -> Vec<Option<A>> {
    let done: HashMap<K, A> = done.into_iter().map(|answer| (of(&answer), answer)).collect();
    items.iter().map(|item| done.get(&key(item)).cloned()).collect()
}

impl Batch for Completes {
    type Key = DatabaseRegion;
    type Item = CompletionRow;
    type Answer = Option<CompletedLease>;
    const NAME: &'static str = "complete";

    fn bytes(item: &CompletionRow) -> usize {
        256 + item.outcome.len() + item.memory.as_ref().map_or(0, MemoryRow::bytes)
    }

    async fn run(
        &self,
        home: &DatabaseRegion,
        items: &[&CompletionRow],
    ) -> Result<Vec<Option<CompletedLease>>, sql::Error> {
        let done = mission_complete(&self.0.db, home, &ordered(items, |item| item.key)).await?;
        for lease in &done {
            let run = lease.leased_at.and_then(|at| (lease.finished_at - at).to_std().ok());
            if let Some(run) = run.filter(|_| !lease.of_drill) {
                metrics::histogram!("scheduler_run_seconds").record(run.as_secs_f64());
            }
            let pool = convert::pool(lease.region.as_deref(), &lease.specialization);
            figures::finished(lifecycle::MissionState::Succeeded, pool.as_ref(), lease.of_drill);
            self.0.tell(lease.key.mission, MissionState::Succeeded, pool);
        }
        // By digest too: of two different results in one batch, only the stored one is answered as stored.
        Ok(answers(items, done, |lease| (lease.key, lease.digest.clone()), |item| (item.key, item.digest.clone())))
    }
}

impl Batch for Fails {
    type Key = DatabaseRegion;
    type Item = FailureRow;
    type Answer = Option<FailedLease>;
    const NAME: &'static str = "fail";

    fn bytes(item: &FailureRow) -> usize {
        256 + item.detail.len() + item.memory.as_ref().map_or(0, MemoryRow::bytes)
    }

    async fn run(&self, home: &DatabaseRegion, items: &[&FailureRow]) -> Result<Vec<Option<FailedLease>>, sql::Error> {
        let done = mission_fail(&self.0.db, home, &ordered(items, |item| item.key)).await?;
        for lease in &done {
            let pool = convert::pool(lease.region.as_deref(), &lease.specialization);
            figures::finished(lease.state, pool.as_ref(), lease.of_drill);
            self.0.tell(lease.key.mission, convert::state(lease.state), pool);
        }
        Ok(answers(items, done, |lease| (lease.key, lease.digest.clone()), |item| (item.key, item.digest.clone())))
    }
}

impl Batch for Releases {
    type Key = DatabaseRegion;
    type Item = ReleaseRow;
    type Answer = Option<ReleasedLease>;
    const NAME: &'static str = "release";

    fn bytes(_item: &ReleaseRow) -> usize {
        256
    }

    async fn run(
        &self,
        home: &DatabaseRegion,
        items: &[&ReleaseRow],
    ) -> Result<Vec<Option<ReleasedLease>>, sql::Error> {
        let done = mission_release(&self.0.db, home, &ordered(items, |item| item.key)).await?;
        for lease in &done {
            let pool = convert::pool(lease.region.as_deref(), &lease.specialization);
            self.0.tell(lease.key.mission, MissionState::Queued, pool);
        }
        Ok(answers(items, done, |lease| lease.key, |item| item.key))
    }
}

impl Batch for Progresses {
    type Key = DatabaseRegion;
    type Item = (LeaseKey, String);
    type Answer = Option<()>;
    const NAME: &'static str = "progress";

    fn bytes(item: &(LeaseKey, String)) -> usize {
        64 + item.1.len()
    }

    async fn run(&self, home: &DatabaseRegion, items: &[&(LeaseKey, String)]) -> Result<Vec<Option<()>>, sql::Error> {
        // Of two in one batch the later one counts.
        let mut latest: Vec<&(LeaseKey, String)> = items.iter().rev().copied().collect();
        latest = ordered(&latest, |item| item.0);
        let done = mission_progress(&self.0.db, home, &latest).await?;
        Ok(items.iter().map(|item| done.contains(&item.0).then_some(())).collect())
    }
}

impl Batch for Finds {
    type Key = DatabaseRegion;
    type Item = MissionId;
    type Answer = Option<MissionRow>;
    const NAME: &'static str = "result_find";

    fn bytes(_item: &MissionId) -> usize {
        // What comes back counts here: a row with its payload and placement.
        32 << 10
    }

    async fn run(&self, home: &DatabaseRegion, items: &[&MissionId]) -> Result<Vec<Option<MissionRow>>, sql::Error> {
        let mut ids: Vec<MissionId> = items.iter().map(|id| **id).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = mission_find(&self.0, home, &ids).await?;
        Ok(answers(items, rows, |row| row.id, |id| *id))
    }
}
