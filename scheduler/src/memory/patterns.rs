//! Issues that come again, over all homes.

use std::collections::HashMap;

use ::memory::lesson::{Occurrence, Pattern, PatternSettings, patterns};
use ::memory::model::{Memory as Remembered, MemoryId};
use ::memory::store::occurrence::memory_occurrences;
use scheduler_client::wire;
use topology::{RegionName, Specialization};

use super::Memory;
use super::sums::{everywhere, kinds};
use crate::refusal::Refusal;

/// Memories of one home that are compared, at most: the work grows with the square of their number.
const COMPARED: i64 = 300;
/// Patterns of one answer, at most.
const PATTERNS: usize = 50;

/// A memory with its vector.
type Seen = (Remembered, Vec<f32>);

impl Memory {
    /// Issues that came again, of one kind of agent or of all, as far as they may be shown to a caller in that region.
    pub async fn patterns(
        &self,
        caller: &RegionName,
        of: Option<Specialization>,
    ) -> Result<wire::MemoryPatternList, Refusal> {
        let view = self.views.current();
        let shown = self.shown(&view, &[caller, &self.region]);
        let (db, space, kinds) = (&self.db, &self.space, &kinds(&view, of));
        let heard = everywhere(&view.topology.database.regions, |home| {
            let shown = shown.clone();
            async move { memory_occurrences(db, &home, space, kinds, &shown, COMPARED).await }
        })
        .await?;
        let is_full = |seen: &Vec<Seen>| i64::try_from(seen.len()).is_ok_and(|seen| seen >= COMPARED);
        let more = heard.said.iter().any(is_full);
        let seen: Vec<Seen> = heard.said.into_iter().flatten().collect();
        // Seconds of arithmetic at worst: not on a thread that serves others.
        let list = tokio::task::spawn_blocking(move || grouped(&seen)).await.map_err(|_| Refusal::Internal)?;
        Ok(wire::MemoryPatternList { truncated: more || list.truncated, degraded: heard.degraded, ..list })
    }
}

fn grouped(seen: &[Seen]) -> wire::MemoryPatternList {
    let occurrences: Vec<Occurrence<'_>> = seen.iter().map(|(memory, vector)| Occurrence { memory, vector }).collect();
    let memories: HashMap<MemoryId, &Remembered> = seen.iter().map(|(memory, _)| (memory.id, memory)).collect();
    let found = patterns(&occurrences, &PatternSettings::default());
    wire::MemoryPatternList {
        truncated: found.len() > PATTERNS,
        patterns: found.into_iter().take(PATTERNS).map(|pattern| told(pattern, &memories)).collect(),
        compared: seen.len(),
        degraded: Vec::new(),
    }
}

fn told(pattern: Pattern, memories: &HashMap<MemoryId, &Remembered>) -> wire::MemoryPattern {
    let solution = |id: MemoryId| {
        let solution = memories[&id].solution.clone().unwrap_or_default();
        wire::PatternSolution { memory: id.0, solution }
    };
    wire::MemoryPattern {
        title: memories[&pattern.memories[0]].title.clone(),
        memories: pattern.memories.into_iter().map(|id| id.0).collect(),
        missions: pattern.counts.applied,
        succeeded: pattern.counts.succeeded,
        confidence: pattern.confidence.mean,
        low: pattern.confidence.low,
        high: pattern.confidence.high,
        proven: pattern.proven.map(solution),
    }
}
