//! Issues that come again, and the solution that is proven for them.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{Confidence, Counts};
use crate::model::{Memory, MemoryId};
use crate::rank::{Hit, Ranked};
use crate::text::{overlap, term_set};

/// When issues are the same, and when a solution is offered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatternSettings {
    /// The least cosine of two issues that are the same.
    pub same: f64,
    /// The least number of missions that make a pattern.
    pub repeated: i64,
    /// The least relevance of a memory whose solution is offered at once.
    pub relevance: f64,
    /// The least confidence in it.
    pub confidence: f64,
    /// By what part the relevance of another solution, or of a failure, is lower.
    pub ahead: f64,
}

impl Default for PatternSettings {
    fn default() -> Self {
        Self { same: 0.8, repeated: 2, relevance: 0.55, confidence: 0.6, ahead: 0.3 }
    }
}

/// A memory with its vector; all of one space.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    /// The memory.
    pub memory: &'a Memory,
    /// Its vector, of length 1.
    pub vector: &'a [f32],
}

/// Issues that are the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// The memories, the first of them first.
    pub memories: Vec<MemoryId>,
    /// Missions they stand for, and how many succeeded.
    pub counts: Counts,
    /// How likely the next one is to succeed.
    pub confidence: Confidence,
    /// The memory whose solution has proven itself most; none where none succeeded.
    pub proven: Option<MemoryId>,
}

/// A solution that is offered at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proven {
    /// Whose it is.
    pub memory: MemoryId,
    /// What was done.
    pub solution: String,
    /// How well it fits.
    pub relevance: f64,
    /// How often it helped.
    pub confidence: Confidence,
}

/// Groups of the same issues, the largest first. In the order in which the issues came up, each joins the group whose
/// first issue is nearest, if it is near enough, else it begins one; the work is issues times groups.
#[must_use]
pub fn patterns(occurrences: &[Occurrence<'_>], settings: &PatternSettings) -> Vec<Pattern> {
    let mut order: Vec<&Occurrence<'_>> = occurrences.iter().collect();
    order.sort_by_key(|occurrence| (occurrence.memory.created_at, occurrence.memory.id));
    order.dedup_by_key(|occurrence| occurrence.memory.id);
    let mut groups: Vec<Vec<&Occurrence<'_>>> = Vec::new();
    for occurrence in order {
        let nearest = groups
            .iter()
            .enumerate()
            .map(|(at, group)| (cosine(group[0].vector, occurrence.vector), at))
            .filter(|&(cosine, _)| cosine >= settings.same)
            .max_by(|(one, first), (other, second)| one.total_cmp(other).then(second.cmp(first)));
        match nearest {
            Some((_, at)) => groups[at].push(occurrence),
            None => groups.push(vec![occurrence]),
        }
    }
    let mut patterns: Vec<Pattern> = groups.iter().map(|group| pattern(group)).collect();
    patterns.retain(|pattern| pattern.counts.applied >= settings.repeated);
    patterns.sort_by_key(|pattern| (Reverse(pattern.counts.applied), pattern.memories[0]));
    patterns
}

/// The solution of the best hit, where it fits well, has proven itself, and nothing that says otherwise is near.
#[must_use]
pub fn proven(ranked: &Ranked, settings: &PatternSettings) -> Option<Proven> {
    let best = ranked.hits.iter().max_by(|one, other| {
        one.why.relevance.value.total_cmp(&other.why.relevance.value).then(other.memory.id.cmp(&one.memory.id))
    })?;
    let relevance = best.why.relevance.value;
    let confidence = counts(&best.memory).confidence();
    if relevance < settings.relevance || confidence.mean < settings.confidence {
        return None;
    }
    let solution = best.memory.solution.as_ref().filter(|solution| !solution.trim().is_empty())?;
    let near = |hit: &&Hit| hit.why.relevance.value > relevance * (1.0 - settings.ahead);
    let words = term_set(solution);
    let another =
        |hit: &Hit| hit.memory.solution.as_ref().is_none_or(|other| overlap(&term_set(other), &words) < settings.same);
    let rivals = ranked.hits.iter().filter(|hit| hit.memory.id != best.memory.id).filter(near);
    let disputed = rivals.into_iter().any(another) || ranked.warnings.iter().any(|hit| near(&hit));
    (!disputed).then(|| Proven { memory: best.memory.id, solution: solution.clone(), relevance, confidence })
}

fn pattern(group: &[&Occurrence<'_>]) -> Pattern {
    let sum = group.iter().map(|occurrence| counts(occurrence.memory)).fold(Counts::default(), |sum, one| Counts {
        applied: sum.applied + one.applied,
        succeeded: sum.succeeded + one.succeeded,
    });
    let with_solution = group.iter().map(|occurrence| occurrence.memory).filter(|memory| memory.solution.is_some());
    let proven = with_solution.filter(|memory| memory.evidence_succeeded > 0).max_by(|one, other| {
        counts(one).confidence().low.total_cmp(&counts(other).confidence().low).then(other.id.cmp(&one.id))
    });
    Pattern {
        memories: group.iter().map(|occurrence| occurrence.memory.id).collect(),
        counts: sum,
        confidence: sum.confidence(),
        proven: proven.map(|memory| memory.id),
    }
}

fn counts(memory: &Memory) -> Counts {
    Counts { applied: memory.evidence, succeeded: memory.evidence_succeeded }
}

/// Of vectors of length 1. Those of two spaces have another number of dimensions or are the caller's mistake.
fn cosine(one: &[f32], other: &[f32]) -> f64 {
    if one.len() != other.len() {
        return 0.0;
    }
    one.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
