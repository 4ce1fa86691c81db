//! Statistics and lessons: each home counts its own, and they are added up here. A home that does not answer is named.

use ::memory::lesson::{Lesson, added};
use ::memory::store::lesson::lesson_list;
use ::memory::store::stats::{Stats, stats_of_agent};
use futures_util::future::join_all;
use scheduler_client::wire;
use topology::{DatabaseRegion, RegionName, Specialization};

use super::Memory;
use crate::refusal::{Fault, Refusal};
use crate::view::View;

/// Lessons of one home, at most.
const LESSONS: i64 = 200;
/// Longest name of an agent, in bytes.
const AGENT: usize = 300;

/// What each home said, and those that said nothing.
pub(super) struct Heard<T> {
    pub(super) said: Vec<T>,
    pub(super) degraded: Vec<String>,
}

/// Asks every home at once.
pub(super) async fn everywhere<T, F: Future<Output = Result<T, sql::Error>>>(
    homes: &[DatabaseRegion],
    ask: impl Fn(DatabaseRegion) -> F,
) -> Result<Heard<T>, Refusal> {
    let answers = join_all(homes.iter().map(|home| ask(home.clone()))).await;
    let mut heard = Heard { said: Vec::new(), degraded: Vec::new() };
    let mut last = None;
    for (home, answer) in homes.iter().zip(answers) {
        match answer {
            Ok(said) => heard.said.push(said),
            Err(error) => {
                tracing::warn!(%home, error = &error as &dyn std::error::Error, "a home does not tell what was learned");
                heard.degraded.push(home.to_string());
                last = Some(error);
            }
        }
    }
    match last {
        Some(error) if heard.said.is_empty() => Err(error.into()),
        _ => Ok(heard),
    }
}

impl Memory {
    /// What an agent did, as far as it may be shown to a caller in that region.
    pub async fn stats(&self, caller: &RegionName, agent: String) -> Result<wire::AgentStats, Refusal> {
        if agent.is_empty() || agent.len() > AGENT || agent.contains('\0') {
            return Err(Refusal::invalid(Fault::Length, "/id", format!("an agent's name has 1 to {AGENT} bytes")));
        }
        let view = self.views.current();
        let shown = self.shown(&view, &[caller, &self.region]);
        let (db, name) = (&self.db, agent.as_str());
        let heard = everywhere(&view.topology.database.regions, |home| {
            let shown = shown.clone();
            async move { stats_of_agent(db, &home, name, &shown).await }
        })
        .await?;
        let mut sum = Stats::default();
        heard.said.iter().for_each(|one| sum.add(one));
        Ok(wire::AgentStats {
            missions: sum.missions,
            successes: sum.successes,
            success_rate: (sum.missions > 0).then(|| sum.successes as f64 / sum.missions as f64),
            mean_minutes: sum.mean_minutes(),
            last: sum.last,
            degraded: heard.degraded,
            agent,
        })
    }

    /// Lessons for agents of one kind, or of all, the most believed first.
    pub async fn lessons(&self, caller: &RegionName, of: Option<Specialization>) -> Result<wire::LessonList, Refusal> {
        let view = self.views.current();
        let shown = self.shown(&view, &[caller, &self.region]);
        let (db, kinds) = (&self.db, &kinds(&view, of));
        let heard = everywhere(&view.topology.database.regions, |home| {
            let shown = shown.clone();
            async move { lesson_list(db, &home, kinds, &shown, LESSONS).await }
        })
        .await?;
        let added = added(heard.said.into_iter().flatten());
        let mut lessons: Vec<wire::LessonView> = added.into_iter().map(lesson).collect();
        lessons.sort_by(|a, b| b.low.total_cmp(&a.low).then(a.id.cmp(&b.id)));
        Ok(wire::LessonList { lessons, degraded: heard.degraded })
    }
}

/// The kinds of agents that are meant; all = those that the topology has.
pub(super) fn kinds(view: &View, of: Option<Specialization>) -> Vec<Specialization> {
    let all = || view.topology.pools.iter().map(|pool| pool.id.specialization.clone()).collect();
    let mut kinds: Vec<Specialization> = of.map_or_else(all, |one| vec![one]);
    kinds.sort();
    kinds.dedup();
    kinds
}

fn lesson(lesson: Lesson) -> wire::LessonView {
    let confidence = lesson.counts().confidence();
    wire::LessonView {
        id: lesson.taught.id,
        memory: lesson.taught.memory.0,
        specialization: lesson.taught.specialization,
        lesson: lesson.taught.lesson,
        avoid: lesson.taught.avoid,
        patterns: lesson.taught.patterns,
        confidence: confidence.mean,
        low: confidence.low,
        high: confidence.high,
        missions: confidence.missions,
        succeeded: lesson.succeeded,
    }
}
