//! Asks its own region and the others for what may help, and says what is missing. Ranking is somebody else's.

mod answer;
pub(crate) mod nearest;
mod query;
mod remote;
mod source;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{join, join_all};
use sql::BreakerState;
use topology::{DatabaseRegion, RegionName, Topology};

use crate::boundary::{LONGEST_LIFE, Life, Limits};
use crate::lawful::{self, Shown};
use crate::model::MemoryId;
use remote::{Part, Remote};

pub use answer::{Answer, Completeness};
pub use query::Query;
pub use source::{Error, Found, Source};

/// Bounds of recall.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Longest time that the own region is waited for.
    pub local_timeout: Duration,
    /// Bounds of a call to another region.
    pub remote: Limits,
    /// How long another region's answer serves, and how much of one region is kept.
    pub life: Life,
    /// Other homes that one question goes to, at most: the nearest.
    pub others: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            local_timeout: Duration::from_millis(500),
            remote: Limits::within(Duration::from_millis(500)),
            life: Life { fresh: Duration::from_secs(5), stale: Duration::from_secs(45), bytes: 4 << 20 },
            others: 4,
        }
    }
}

/// Recall as it is done in one region.
pub struct Recall<S> {
    here: RegionName,
    home: DatabaseRegion,
    source: Arc<S>,
    settings: Settings,
    remotes: Mutex<BTreeMap<DatabaseRegion, Arc<Remote<S>>>>,
    /// What was forgotten here lately: it is not shown even where an answer of before is still on its way.
    forgotten: moka::sync::Cache<MemoryId, ()>,
}

impl<S: Source> Recall<S> {
    /// Recall in the region `here`, whose rows have their home in `home`. An answer of `source` that is old when it comes
    /// is kept for so much less, so that both together are never more than [`LONGEST_LIFE`].
    #[must_use]
    pub fn new(here: RegionName, home: DatabaseRegion, source: S, mut settings: Settings) -> Self {
        settings.life.stale = settings.life.stale.min(LONGEST_LIFE.saturating_sub(source.staleness()));
        let forgotten = moka::sync::Cache::builder().time_to_live(LONGEST_LIFE).build();
        Self { here, home, source: Arc::new(source), settings, remotes: Mutex::default(), forgotten }
    }

    /// What may help a caller who stands in the region `caller`. The own region is asked anew, the nearest others only where
    /// no answer of theirs serves; one that failed lately is not waited for. What residency does not let this caller see, or
    /// does not let be here, is neither asked for nor kept nor shown.
    ///
    /// # Errors
    /// [`Error::Refused`] where the own region answers that it cannot be asked so. A region that does not answer is no
    /// error: see [`Completeness`].
    pub async fn ask(&self, topology: &Topology, caller: &RegionName, query: Query) -> Result<Answer, Error> {
        let (query, shown) = (Arc::new(query), Arc::new(lawful::shown(topology, &[caller, &self.here])));
        let (homes, skipped) = nearest::others(topology, &self.here, &self.home, self.settings.others);
        let others = self.remotes_of(homes);
        let others = others.iter().map(|remote| remote.part(&query, &shown));
        let (local, others) = join(self.local(&query, &shown), join_all(others)).await;
        let mut answer = Answer::of(std::iter::once(local?).chain(others));
        answer.completeness.regions_skipped = skipped;
        answer.found.retain(|found| {
            shown.allows(found.memory.residency.as_ref()) && !self.forgotten.contains_key(&found.memory.id)
        });
        Ok(answer)
    }

    /// Forgets memories: no answer of this process shows them from now on, and no cache of it holds them. Their rows are
    /// the store's to take away.
    pub async fn forget(&self, ids: &[MemoryId]) {
        for id in ids {
            self.forgotten.insert(*id, ());
        }
        let remotes: Vec<Arc<Remote<S>>> = self.remotes().values().cloned().collect();
        for remote in remotes {
            remote.forget(ids).await;
        }
    }

    /// How long after it was forgotten elsewhere a memory may still be shown here: the age of an answer when it comes, and
    /// its life in the cache.
    #[must_use]
    pub fn horizon(&self) -> Duration {
        self.source.staleness() + self.settings.life.stale
    }

    /// The breakers of the regions that were asked so far.
    #[must_use]
    pub fn breakers(&self) -> Vec<(DatabaseRegion, BreakerState)> {
        self.remotes().iter().map(|(home, remote)| (home.clone(), remote.state())).collect()
    }

    async fn local(&self, query: &Query, shown: &Shown) -> Result<Part, Error> {
        let call = self.source.candidates(&self.home, query, shown);
        match tokio::time::timeout(self.settings.local_timeout, call).await {
            Ok(Ok(found)) => Ok(Part::new(&self.home, found)),
            Ok(Err(Error::Refused(error))) => Err(Error::Refused(error)),
            Ok(Err(Error::Unreachable(error))) => {
                tracing::warn!(home = %self.home, %error, "the own region's memories cannot be had");
                Ok(Part::missing(&self.home))
            }
            Err(_) => {
                tracing::warn!(home = %self.home, "the own region's memories did not come in time");
                Ok(Part::missing(&self.home))
            }
        }
    }

    fn remotes_of(&self, homes: Vec<&DatabaseRegion>) -> Vec<Arc<Remote<S>>> {
        let mut remotes = self.remotes();
        let remote = |home: &DatabaseRegion| {
            let remote = || Arc::new(Remote::new(home.clone(), Arc::clone(&self.source), self.settings));
            Arc::clone(remotes.entry(home.clone()).or_insert_with(remote))
        };
        homes.into_iter().map(remote).collect()
    }

    fn remotes(&self) -> std::sync::MutexGuard<'_, BTreeMap<DatabaseRegion, Arc<Remote<S>>>> {
        self.remotes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
