//! What agents learned, as this scheduler serves it: searches, rows, statistics over all homes, and what memory is worth.

mod convert;
mod holdout;
mod patterns;
mod sums;
mod worth;

use std::sync::Arc;

use ::memory::embed::choice::Any;
use ::memory::embed::{Embedder as _, Space};
use ::memory::lawful;
use ::memory::lessons::{self, Lessons};
use ::memory::memories::{Ask, Memories};
use ::memory::model::{MemoryId, Scope, SuccessSource};
use ::memory::recall::{Error, Settings};
use ::memory::store::Shown;
use ::memory::store::forget::{links_forget, memory_forget, twins_forget};
use ::memory::store::row::{Stored, memory_find};
use ::memory::store::success::success_change;
use ::memory::text;
use chrono::Utc;
use scheduler_client::wire;
use sql::Db;
use topology::{DatabaseRegion, MissionId, RegionName};
use uuid::Uuid;

use crate::engine::check;
use crate::refusal::{Fault, Refusal};
use crate::store::mission::mission_find;
use crate::view::{View, Views};

pub use holdout::Holdout;

/// Most bytes of a problem's text.
const DESCRIPTION: usize = 32 << 10;
/// Longest title, in characters.
const TITLE: usize = 500;
/// Most hits of one answer.
const HITS: u8 = 50;

/// The memory as this scheduler serves it.
pub struct Memory {
    db: Db,
    region: RegionName,
    views: Arc<Views>,
    memories: Memories<Any>,
    lessons: Lessons,
    /// The space that is searched.
    space: Space,
    holdout: Holdout,
}

impl Memory {
    /// Serves the memory in a region.
    #[must_use]
    pub fn new(
        db: Db,
        region: RegionName,
        views: Arc<Views>,
        embedder: Arc<Any>,
        holdout: Holdout,
        settings: Settings,
    ) -> Self {
        let view = views.current();
        let home = home_of(&view, &region);
        let space = embedder.space().clone();
        let lessons = Lessons::new(db.clone(), region.clone(), home.clone(), settings);
        let memories = Memories::new(db.clone(), region.clone(), home, embedder, settings);
        Self { db, region, views, memories, lessons, space, holdout }
    }

    /// What helps with a problem.
    pub async fn search(&self, caller: &RegionName, body: wire::MemorySearch) -> Result<wire::MemoryAnswer, Refusal> {
        check::text("/title", &body.title, TITLE)?;
        bounded("/description", &body.description)?;
        if body.limit.is_some_and(|limit| limit == 0 || limit > HITS) {
            return Err(Refusal::invalid(Fault::Range, "/limit", format!("1 to {HITS} hits can be asked for")));
        }
        if body.mission.is_some_and(|mission| self.holdout.takes(mission, body.pool.as_ref())) {
            return Ok(wire::MemoryAnswer::default());
        }
        let by_words = !self.may_be_embedded(body.mission).await;
        let ask = Ask {
            title: body.title,
            description: body.description,
            scope: scope(body.scope)?,
            success: body.success,
            hits: body.limit.map(usize::from),
            by_words,
        };
        let started = std::time::Instant::now();
        let view = self.views.current();
        let lessons = self.lessons_for(&view, caller, &ask);
        let (told, lessons) = tokio::join!(self.memories.ask(&view.topology, caller, ask.clone(), Utc::now()), lessons);
        let told = told.map_err(refused)?;
        metrics::histogram!("scheduler_recall_seconds").record(started.elapsed().as_secs_f64());
        Ok(convert::answer(told, lessons))
    }

    /// Whether the question of a mission may be given to the embedder: an API elsewhere may not see what is under a rule. A
    /// mission that cannot be found may be under one. Who names no mission answers for the question.
    async fn may_be_embedded(&self, mission: Option<MissionId>) -> bool {
        let view = self.views.current();
        let closed = |rule| !self.memories.may_see(Some(rule));
        let Some(mission) = mission.filter(|_| view.topology.residency.keys().any(closed)) else { return true };
        let own = home_of(&view, &self.region);
        let others = view.topology.database.regions.iter().filter(|home| **home != own);
        for home in std::iter::once(&own).chain(others) {
            let found = mission_find(&self.db, home, &[mission]).await.unwrap_or_default();
            if let Some(row) = found.first() {
                let rule =
                    row.residency.as_ref().map(|rule| rule.parse().expect("only names of residency rules are stored"));
                return self.memories.may_see(rule.as_ref());
            }
        }
        false
    }

    /// One memory, where it may be shown to a caller in that region.
    pub async fn show(&self, caller: &RegionName, id: Uuid) -> Result<wire::MemoryView, Refusal> {
        let view = self.views.current();
        let shown = self.shown(&view, &[caller, &self.region]);
        let (_, stored) = self.find(&view, MemoryId(id), &shown).await?;
        Ok(convert::view(stored.memory, None))
    }

    /// Forgets a memory, and what else says exactly the same, wherever it is. Where a home does not answer, the rest is done,
    /// and it is to be asked again: a tombstone tells what is meant.
    pub async fn forget(&self, id: Uuid, by: &str) -> Result<wire::Forgotten, Refusal> {
        let (view, id) = (self.views.current(), MemoryId(id));
        let mut gone = match self.find(&view, id, &Shown::under(view.topology.residency.keys())).await {
            Ok((home, _)) => memory_forget(&self.db, &home, id, by, text::terms).await?,
            Err(Refusal::MemoryNotFound) => Vec::new(),
            Err(refusal) => return Err(refusal),
        };
        let mut failed = None;
        for home in &view.topology.database.regions {
            match self.forget_rest(home, &gone, id, by).await {
                Ok(twins) => gone.extend(twins),
                Err(error) => failed = Some(error),
            }
        }
        self.memories.forget(&gone).await;
        self.lessons.forget(&gone).await;
        match failed {
            Some(error) => Err(error.into()),
            None if gone.is_empty() => Err(Refusal::MemoryNotFound),
            None => {
                let forgotten = gone.into_iter().map(|id| id.0).collect();
                Ok(wire::Forgotten { forgotten, horizon_s: self.memories.horizon().as_secs() })
            }
        }
    }

    /// Takes away what a home still has of a forgotten memory: the same words, and lessons.
    async fn forget_rest(
        &self,
        home: &DatabaseRegion,
        gone: &[MemoryId],
        id: MemoryId,
        by: &str,
    ) -> Result<Vec<MemoryId>, sql::Error> {
        let twins = twins_forget(&self.db, home, &[id], by, text::terms).await?;
        links_forget(&self.db, home, &[gone, &twins, &[id]].concat()).await?;
        Ok(twins)
    }

    /// Takes what a review or a merge says of a mission.
    pub async fn judge(&self, id: Uuid, verdict: wire::MemoryVerdict) -> Result<wire::VerdictAnswer, Refusal> {
        let view = self.views.current();
        let (home, _) = self.find(&view, MemoryId(id), &Shown::under(view.topology.residency.keys())).await?;
        let source = match verdict.source {
            wire::VerdictSource::Review => SuccessSource::Review,
            wire::VerdictSource::Merge => SuccessSource::Merge,
        };
        let stands = success_change(&self.db, &home, MemoryId(id), verdict.success, source).await?;
        Ok(wire::VerdictAnswer { stands })
    }

    /// The memory's row and home: the own home is asked first. Where a home does not answer and no other has it, nobody knows.
    async fn find(&self, view: &View, id: MemoryId, shown: &Shown) -> Result<(DatabaseRegion, Stored), Refusal> {
        let own = home_of(view, &self.region);
        let mut unknown = None;
        let others = view.topology.database.regions.iter().filter(|home| **home != own);
        for home in std::iter::once(&own).chain(others) {
            match memory_find(&self.db, home, &[id], shown).await {
                Ok(found) => {
                    if let Some(stored) = found.into_iter().next() {
                        return Ok((home.clone(), stored));
                    }
                }
                Err(error) => unknown = Some(error),
            }
        }
        Err(unknown.map_or(Refusal::MemoryNotFound, Refusal::from))
    }

    /// The lessons that apply to a question. An agent's own memories have none: a lesson is of all that used it.
    async fn lessons_for(&self, view: &View, caller: &RegionName, ask: &Ask) -> lessons::Told {
        let kinds = match &ask.scope {
            Scope::Agent(_) => return lessons::Told::default(),
            Scope::Specialization(one) => sums::kinds(view, Some(one.clone())),
            Scope::Everyone => sums::kinds(view, None),
        };
        let question = text::term_set(&text::problem(&ask.title, &ask.description));
        let mut told = self.lessons.that_apply(&view.topology, caller, &kinds, &question).await;
        told.lessons.retain(|lesson| ask.success.is_none_or(|success| success != lesson.avoid));
        told
    }

    fn shown(&self, view: &View, through: &[&RegionName]) -> Shown {
        Shown::under(lawful::shown(&view.topology, through).rules())
    }
}

/// Where a region's rows are. A region that the topology does not have reads those of the primary region.
fn home_of(view: &View, region: &RegionName) -> DatabaseRegion {
    let known = view.topology.region(region).map(|region| region.database_region.clone());
    known.unwrap_or_else(|| view.topology.database.primary_region.clone())
}

fn bounded(pointer: &str, text: &str) -> Result<(), Refusal> {
    check::nul_free(pointer, text)?;
    if text.len() > DESCRIPTION {
        return Err(Refusal::invalid(Fault::TooLarge, pointer, format!("at most {DESCRIPTION} bytes")));
    }
    Ok(())
}

fn scope(scope: wire::MemoryScope) -> Result<Scope, Refusal> {
    match scope {
        wire::MemoryScope::Agent(agent) => check::text("/scope/agent", &agent, TITLE).map(|()| Scope::Agent(agent)),
        wire::MemoryScope::Specialization(kind) => kind.parse().map(Scope::Specialization).map_err(|_| {
            Refusal::invalid(Fault::Malformed, "/scope/specialization", "no specialization has such a name")
        }),
        wire::MemoryScope::Everyone => Ok(Scope::Everyone),
    }
}

fn refused(error: Error) -> Refusal {
    match error {
        Error::Unreachable(_) => Refusal::Unavailable,
        Error::Refused(error) => {
            tracing::error!(error = &*error as &dyn std::error::Error, "the memory could not be asked");
            Refusal::Internal
        }
    }
}
