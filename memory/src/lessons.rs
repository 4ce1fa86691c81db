//! The lessons of all homes, as they are seen from one region: read whole, kept for a while, matched with questions here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use sql::{BreakerState, Db};
use topology::{DatabaseRegion, RegionName, Specialization, Topology};

use crate::boundary::{self, Guard, Limits, StaleCache};
use crate::lawful::{self, Shown};
use crate::lesson::{Applied, Lesson, added, applied};
use crate::memories::through;
use crate::model::MemoryId;
use crate::recall::{Settings, nearest};
use crate::store;
use crate::store::lesson::lesson_list;

/// Lessons of one home, at most: the last counted.
const MOST: i64 = 1_000;

/// What is asked of a home: kinds of agents, and the rules that may be shown.
type Key = (Vec<Specialization>, Shown);

/// What lessons say to a question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// The few that apply, the best first.
    pub lessons: Vec<Applied>,
    /// Homes whose lessons could not be had.
    pub degraded: Vec<DatabaseRegion>,
}

/// The lessons as they are seen from one region.
pub struct Lessons {
    db: Db,
    here: RegionName,
    home: DatabaseRegion,
    settings: Settings,
    homes: Mutex<BTreeMap<DatabaseRegion, Arc<Home>>>,
    /// What was forgotten here lately.
    forgotten: moka::sync::Cache<MemoryId, ()>,
}

impl Lessons {
    /// The lessons as they are seen from the region `here`, whose rows have their home in `home`. Bounds are those of recall.
    #[must_use]
    pub fn new(db: Db, here: RegionName, home: DatabaseRegion, settings: Settings) -> Self {
        let forgotten = moka::sync::Cache::builder().time_to_live(boundary::LONGEST_LIFE).build();
        Self { db, here, home, settings, homes: Mutex::default(), forgotten }
    }

    /// The lessons for some kinds of agents that apply to a question with these terms, of a caller in the region `caller`.
    /// What residency does not let that caller see, or does not let be here, is neither asked for nor kept nor told. As many
    /// homes are asked as for memories; one that failed lately is not waited for.
    pub async fn that_apply(
        &self,
        topology: &Topology,
        caller: &RegionName,
        kinds: &[Specialization],
        question: &BTreeSet<String>,
    ) -> Told {
        let shown = lawful::shown(topology, &[caller, &self.here]);
        let (others, _) = nearest::others(topology, &self.here, &self.home, self.settings.others);
        let homes: Vec<Arc<Home>> = std::iter::once(&self.home).chain(others).map(|home| self.of(home)).collect();
        let parts = join_all(homes.iter().map(|home| home.lessons((kinds.to_vec(), shown.clone())))).await;
        let mut told = Told::default();
        let mut rows: Vec<Lesson> = Vec::new();
        for (home, part) in homes.iter().zip(parts) {
            match part {
                Some(part) => rows.extend(part.iter().cloned()),
                None => told.degraded.push(home.home.clone()),
            }
        }
        rows.retain(|row| {
            shown.allows(row.taught.residency.as_ref()) && !self.forgotten.contains_key(&row.taught.memory)
        });
        told.lessons = applied(&added(rows), question);
        told
    }

    /// Tells nothing any more of what these memories taught; the rows are the store's to take away.
    pub async fn forget(&self, memories: &[MemoryId]) {
        for id in memories {
            self.forgotten.insert(*id, ());
        }
        let homes: Vec<Arc<Home>> = self.homes().values().cloned().collect();
        for home in homes {
            home.cache.forget(|kept| kept.iter().any(|row| memories.contains(&row.taught.memory))).await;
        }
    }

    fn of(&self, home: &DatabaseRegion) -> Arc<Home> {
        let db = || through(&self.db, &self.home, home);
        let make = || Arc::new(Home::new(db(), home.clone(), *home == self.home, self.settings));
        Arc::clone(self.homes().entry(home.clone()).or_insert_with(make))
    }

    fn homes(&self) -> std::sync::MutexGuard<'_, BTreeMap<DatabaseRegion, Arc<Home>>> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One home: asked behind its guard, its lessons kept while they serve.
struct Home {
    db: Db,
    home: DatabaseRegion,
    guard: Guard,
    cache: StaleCache<Key, Arc<Vec<Lesson>>>,
    /// Its last call failed. Until one succeeds nobody waits for it.
    has_failed: AtomicBool,
}

impl Home {
    fn new(db: Db, home: DatabaseRegion, is_own: bool, settings: Settings) -> Self {
        let limits = if is_own { Limits::within(settings.local_timeout) } else { settings.remote };
        let guard = Guard::new(format!("lessons {home}"), limits);
        let cache = StaleCache::new(format!("lessons {home}"), settings.life, weight);
        Self { db, home, guard, cache, has_failed: AtomicBool::new(false) }
    }

    /// None where they cannot be had.
    async fn lessons(self: &Arc<Self>, key: Key) -> Option<Arc<Vec<Lesson>>> {
        let is_well = !self.has_failed.load(Ordering::SeqCst) && self.guard.state() == BreakerState::Closed;
        let load = Arc::clone(self).load(key.clone());
        let kept = if is_well { self.cache.get(key, load).await.ok() } else { self.cache.peek(key, load).await };
        kept.map(|kept| kept.value)
    }

    async fn load(self: Arc<Self>, (kinds, shown): Key) -> Result<Arc<Vec<Lesson>>, boundary::Error<sql::Error>> {
        let rules = store::Shown::under(shown.rules());
        let call = lesson_list(&self.db, &self.home, &kinds, &rules, MOST);
        let is_theirs = |error: &sql::Error| matches!(error, sql::Error::Unavailable(_) | sql::Error::Indeterminate(_));
        let answer = self.guard.call(call, is_theirs).await;
        self.has_failed.store(answer.is_err(), Ordering::SeqCst);
        if let Err(error) = &answer {
            tracing::warn!(home = %self.home, %error, "lessons cannot be had");
        }
        answer.map(Arc::new)
    }
}

/// About how many bytes the lessons of a home take.
fn weight(lessons: &Arc<Vec<Lesson>>) -> u32 {
    let words =
        |lesson: &Lesson| lesson.taught.patterns.iter().map(|word| size_of::<String>() + word.len()).sum::<usize>();
    let of = |lesson: &Lesson| size_of::<Lesson>() + lesson.taught.lesson.len() + words(lesson);
    u32::try_from(lessons.iter().map(of).sum::<usize>()).unwrap_or(u32::MAX).max(1)
}
