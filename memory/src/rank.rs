#![doc = include_str!("rank/README.md")]

mod boosts;
mod estimate;
mod relevance;
mod settings;
mod twins;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Memory, MemoryId};

pub use boosts::Boosts;
pub use estimate::Estimate;
pub use relevance::Relevance;
pub use settings::{Calibration, Fusion, Settings};

/// What is known of the question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// How many different terms it has: [`crate::text::Question::terms`].
    pub terms: usize,
    /// The keyword score of the question's own text: [`crate::text::Question::full_score`].
    pub full_keyword: f64,
    /// The moment of asking, by the database's clock.
    pub now: DateTime<Utc>,
}

/// A memory that may help.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The memory.
    pub memory: Memory,
    /// Cosine of its vector with the question's; none where it has no vector yet.
    pub similarity: Option<f64>,
    /// BM25 of its text: [`crate::text::Question::score`]; none where that was not reckoned.
    pub keyword: Option<f64>,
}

/// A memory that is shown, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The memory.
    pub memory: Memory,
    /// How its score came about.
    pub why: Explanation,
}

/// The parts of a score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// How well it fits, 0 to 1; decides alone whether the memory is shown.
    pub relevance: Relevance,
    /// The least value of `relevance` that is shown.
    pub minimum: f64,
    /// What is ordered by before the boosts: the relevance, or the sum of reciprocal ranks.
    pub fused: f64,
    /// What the memory's age and evidence add or take.
    pub boosts: Boosts,
    /// `fused` times all boosts: the order of what is shown.
    pub score: f64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ranked {
    /// What helped before, the best first.
    pub hits: Vec<Hit>,
    /// What failed before, the most similar first.
    pub warnings: Vec<Hit>,
    /// How the similar missions went; none where there are none.
    pub estimate: Option<Estimate>,
    /// Candidates that were looked at.
    pub considered: usize,
    /// Of these, how many were not relevant enough.
    pub below_minimum: usize,
}

/// The order of hits. Its fields are the policy, the first decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Scores in billionths: what differs by less is equal.
    score: Reverse<u64>,
    id: MemoryId,
}

impl Place {
    fn new(score: f64, id: MemoryId) -> Self {
        Self { score: Reverse((score * 1e9) as u64), id }
    }
}

/// Orders candidates and picks the few that are shown. A function of its arguments alone.
#[must_use]
pub fn rank(asked: &Asked, candidates: &[Candidate], settings: &Settings) -> Ranked {
    let mut hits = scored(asked, candidates, settings);
    let considered = hits.len();
    hits.retain(|hit| hit.why.relevance.value >= settings.minimum);
    hits.sort_by_key(|hit| Place::new(hit.why.score, hit.memory.id));
    let below_minimum = considered - hits.len();
    let (helped, failed): (Vec<Hit>, Vec<Hit>) = hits.into_iter().partition(|hit| helped(&hit.memory));
    Ranked {
        estimate: estimate::of(helped.iter().chain(&failed).map(|hit| &hit.memory)),
        hits: twins::shown_once(helped, settings.hits, settings.twins),
        warnings: twins::shown_once(failed, settings.warnings, settings.twins),
        considered,
        below_minimum,
    }
}

/// Whether what a memory tells worked more often than not; where it is even, its last outcome decides.
pub(crate) fn helped(memory: &Memory) -> bool {
    let failed = memory.evidence - memory.evidence_succeeded;
    match memory.evidence_succeeded.cmp(&failed) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => memory.success,
        std::cmp::Ordering::Greater => true,
    }
}

/// Every candidate with its score; a memory that both arms found, and came twice, counts once with the better of both.
fn scored(asked: &Asked, candidates: &[Candidate], settings: &Settings) -> Vec<Hit> {
    let once = once(candidates);
    let relevances: Vec<Relevance> = once.iter().map(|found| relevance::of(asked, found, settings)).collect();
    let fused = relevance::fused(&once, &relevances, settings.fusion);
    once.iter()
        .zip(relevances.iter().zip(fused))
        .map(|(found, (&relevance, fused))| {
            let boosts = boosts::of(&found.candidate.memory, asked.now, settings);
            let score = fused * boosts.product();
            let why = Explanation { relevance, minimum: settings.minimum, fused, boosts, score };
            Hit { memory: found.candidate.memory.clone(), why }
        })
        .collect()
}

/// A candidate with the finite ones of its scores.
#[derive(Debug, Clone, Copy)]
struct Found<'a> {
    candidate: &'a Candidate,
    similarity: Option<f64>,
    keyword: Option<f64>,
}

fn once(candidates: &[Candidate]) -> Vec<Found<'_>> {
    let mut found: Vec<Found<'_>> = Vec::with_capacity(candidates.len());
    let mut order: Vec<&Candidate> = candidates.iter().collect();
    order.sort_by_key(|candidate| candidate.memory.id);
    for candidate in order {
        let similarity = candidate.similarity.filter(|x| x.is_finite());
        let keyword = candidate.keyword.filter(|x| x.is_finite());
        match found.last_mut().filter(|last| last.candidate.memory.id == candidate.memory.id) {
            Some(last) => {
                last.similarity = better(last.similarity, similarity);
                last.keyword = better(last.keyword, keyword);
            }
            None => found.push(Found { candidate, similarity, keyword }),
        }
    }
    found
}

fn better(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(f64::max)
}
