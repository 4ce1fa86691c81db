//! Another region: asked behind its guard, its answers kept while they serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sql::BreakerState;
use topology::DatabaseRegion;

use super::query::Key;
use super::{Error, Found, Query, Settings, Source};
use crate::boundary::{self, Guard, StaleCache};
use crate::lawful::Shown;
use crate::model::MemoryId;

/// What one home gave.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) home: DatabaseRegion,
    /// None where it gave nothing.
    pub(super) found: Option<Vec<Found>>,
    /// How old that may be.
    pub(super) age: Duration,
    /// It does not answer, and what it gave is not fresh.
    pub(super) is_degraded: bool,
}

impl Part {
    pub(super) fn new(home: &DatabaseRegion, found: Vec<Found>) -> Self {
        Self { home: home.clone(), found: Some(found), age: Duration::ZERO, is_degraded: false }
    }

    pub(super) fn missing(home: &DatabaseRegion) -> Self {
        Self { home: home.clone(), found: None, age: Duration::ZERO, is_degraded: true }
    }
}

pub(super) struct Remote<S> {
    home: DatabaseRegion,
    source: Arc<S>,
    guard: Guard,
    cache: StaleCache<Key, Arc<Vec<Found>>>,
    /// Its last call failed. Until one succeeds nobody waits for it: a dead region costs its time limit once, and neither
    /// the calls that are left until its breaker opens, nor a probe, are on anybody's way.
    has_failed: AtomicBool,
}

impl<S: Source> Remote<S> {
    pub(super) fn new(home: DatabaseRegion, source: Arc<S>, settings: Settings) -> Self {
        let guard = Guard::new(format!("recall {home}"), settings.remote);
        let cache = StaleCache::new(format!("recall {home}"), settings.life, weight);
        Self { home, source, guard, cache, has_failed: AtomicBool::new(false) }
    }

    pub(super) fn state(&self) -> BreakerState {
        self.guard.state()
    }

    pub(super) async fn part(self: &Arc<Self>, query: &Arc<Query>, shown: &Arc<Shown>) -> Part {
        let (key, load) = (Key::of(query, shown), Arc::clone(self).load(Arc::clone(query), Arc::clone(shown)));
        let kept = if self.is_well() { self.cache.get(key, load).await.ok() } else { self.cache.peek(key, load).await };
        let Some(kept) = kept else { return Part::missing(&self.home) };
        Part {
            home: self.home.clone(),
            found: Some(kept.value.to_vec()),
            age: kept.age + self.source.staleness(),
            is_degraded: kept.is_stale && !self.is_well(),
        }
    }

    pub(super) async fn forget(&self, ids: &[MemoryId]) {
        self.cache.forget(|kept| kept.iter().any(|found| ids.contains(&found.memory.id))).await;
    }

    /// Everything that the cache holds.
    #[cfg(test)]
    pub(super) fn kept(&self) -> Vec<Found> {
        self.cache.values().into_iter().flat_map(|kept| kept.to_vec()).collect()
    }

    fn is_well(&self) -> bool {
        !self.has_failed.load(Ordering::SeqCst) && self.guard.state() == BreakerState::Closed
    }

    /// Only what may be shown is kept, whatever the source gave.
    async fn load(
        self: Arc<Self>,
        query: Arc<Query>,
        shown: Arc<Shown>,
    ) -> Result<Arc<Vec<Found>>, boundary::Error<Error>> {
        let call = self.source.candidates(&self.home, &query, &shown);
        let answer = self.guard.call(call, |error| matches!(error, Error::Unreachable(_))).await;
        self.has_failed.store(answer.is_err(), Ordering::SeqCst);
        if let Err(boundary::Error::Failed(Error::Refused(error))) = &answer {
            tracing::warn!(home = %self.home, %error, "another region refused a question");
        }
        let mut found = answer?;
        found.retain(|found| shown.allows(found.memory.residency.as_ref()));
        Ok(Arc::new(found))
    }
}

/// About how many bytes an answer takes.
fn weight(found: &Arc<Vec<Found>>) -> u32 {
    let text = |found: &Found| {
        let memory = &found.memory;
        memory.title.len() + memory.description.len() + memory.solution.as_ref().map_or(0, String::len)
    };
    let bytes = found.iter().map(|found| size_of::<Found>() + text(found)).sum::<usize>();
    u32::try_from(bytes).unwrap_or(u32::MAX).max(1)
}
