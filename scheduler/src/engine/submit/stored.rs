//! The batch that stores missions, and what became of each.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sql::Db;
use tokio::sync::broadcast;
use topology::{DatabaseRegion, MissionId};

use crate::engine::claims::Hub;
use crate::engine::coalescer::Batch;
use crate::engine::{Change, convert};
use crate::planted::planted;
use crate::store::mission::{NewMission, StoredMission, mission_find, mission_submit};
use crate::store::submission::{Submission, submission_find};

/// Who refuses a mission whose id is there: the ids of a statement are its own.
const STORED_BEFORE: &str = "missions_pkey";

/// What became of one mission of a batch.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// It is durable.
    Stored(StoredMission),
    /// Its key brought another mission before.
    Known(Submission),
    /// Residency has changed since it was placed; nothing was written.
    Stale,
    /// It was not stored now, and why could not be read: an earlier try may have stored it.
    Unknown,
}

/// Stores missions of one home.
pub(crate) struct Submits {
    pub(crate) db: Db,
    pub(crate) actor: String,
    /// Whether submitters have a limit of open missions.
    pub(crate) counted: bool,
    pub(crate) hub: Arc<Hub>,
    pub(crate) changes: broadcast::Sender<Change>,
}

impl Batch for Submits {
    type Key = DatabaseRegion;
    type Item = Arc<NewMission>;
    type Answer = Fate;
    const NAME: &'static str = "submit";

    fn bytes(item: &Arc<NewMission>) -> usize {
        512 + item.payload.len() + item.origin.len() + item.title.len() + item.placement.as_ref().map_or(0, String::len)
    }

    async fn run(&self, home: &DatabaseRegion, items: &[&Arc<NewMission>]) -> Result<Vec<Fate>, sql::Error> {
        let items: Vec<&NewMission> = items.iter().map(|item| &***item).collect();
        let mut ordered = items.clone();
        ordered.sort_by_key(|mission| (&mission.key, &mission.submitter, mission.id));
        let stored = planted!(
            DropAcknowledgement,
            crate::planted::mission_submit_most(&self.db, home, &self.actor, self.counted, &ordered).await,
            mission_submit(&self.db, home, &self.actor, self.counted, &ordered).await
        );
        let stored = match stored {
            Ok(stored) => stored,
            // An earlier try of this very statement has stored them, all at once; its answer was lost.
            Err(error) if error.constraint() == Some(STORED_BEFORE) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut fates: HashMap<MissionId, Fate> = stored.into_iter().map(|one| (one.id, Fate::Stored(one))).collect();
        self.announce(items.iter().copied().filter(|mission| fates.contains_key(&mission.id)));
        let missing: Vec<&NewMission> = items.iter().copied().filter(|m| !fates.contains_key(&m.id)).collect();
        let mut rest = Fate::Stale;
        if !missing.is_empty() {
            match self.explain(home, &missing).await {
                Ok(explained) => fates.extend(explained),
                // The others are durable: none of them may be told that nothing was done.
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(%home, missions = missing.len(), error, "why missions were not stored is not known");
                    rest = Fate::Unknown;
                }
            }
        }
        Ok(items.iter().map(|mission| fates.remove(&mission.id).unwrap_or_else(|| rest.clone())).collect())
    }
}

impl Submits {
    /// Finds out why missions were not stored now: their key was taken, or an earlier try of this very statement had
    /// stored them and its answer was lost, or neither.
    async fn explain(
        &self,
        home: &DatabaseRegion,
        missing: &[&NewMission],
    ) -> Result<HashMap<MissionId, Fate>, sql::Error> {
        let keyed: Vec<_> = missing.iter().filter_map(|m| m.key.as_ref().map(|key| (m, key))).collect();
        let keys: Vec<_> = keyed.iter().map(|(m, key)| (&key.home, m.submitter.as_str(), key.key.as_str())).collect();
        let mut fates = HashMap::new();
        if !keys.is_empty() {
            let found = submission_find(&self.db, &keys).await?;
            for ((mission, _), submission) in keyed.iter().zip(found) {
                if let Some(other) = submission.filter(|submission| submission.mission != mission.id) {
                    fates.insert(mission.id, Fate::Known(other));
                }
            }
        }
        let rest: Vec<MissionId> = missing.iter().map(|m| m.id).filter(|id| !fates.contains_key(id)).collect();
        for row in mission_find(&self.db, home, &rest).await? {
            let stored = StoredMission { id: row.id, submitted_at: row.submitted_at, placed_at: row.placed_at };
            fates.insert(row.id, Fate::Stored(stored));
        }
        self.announce(missing.iter().copied().filter(|m| matches!(fates.get(&m.id), Some(Fate::Stored(_)))));
        Ok(fates)
    }

    fn announce<'a>(&self, stored: impl Iterator<Item = &'a NewMission>) {
        let mut pools = BTreeSet::new();
        for mission in stored {
            let pool = convert::pool(mission.region.as_deref(), &mission.specialization);
            let change = Change { mission: mission.id, state: convert::state(mission.state), pool: pool.clone() };
            // Nobody listens is no error.
            let _ = self.changes.send(change);
            pools.extend(pool);
        }
        self.hub.queued(pools.iter());
    }
}
