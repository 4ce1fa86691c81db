//! How well a candidate fits, on a scale that means the same in every answer.

use serde::{Deserialize, Serialize};

use super::{Asked, Calibration, Found, Fusion, Place, Settings};

/// How well a memory fits the question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Relevance {
    /// The weighted sum of both arms times `trust`; 0 to 1.
    pub value: f64,
    /// The cosine as it came; none where there was no vector.
    pub cosine: Option<f64>,
    /// The vector arm: the cosine on the scale from unrelated = 0 to 1.
    pub similarity: f64,
    /// The keyword arm: the score as a share of what the question's own text would have; 0 to 1.
    pub keyword: f64,
    /// Whether one of the two arms was missing and is taken from the other.
    pub guessed: bool,
    /// How far a question of this length is believed; 0 to 1, the same for all memories of an answer.
    pub trust: f64,
}

pub(super) fn of(asked: &Asked, found: &Found<'_>, settings: &Settings) -> Relevance {
    let arms = arms(asked, found, &settings.calibration);
    let [similarity, keyword] = arms.unwrap_or_default();
    let weight = settings.keyword_weight.clamp(0.0, 1.0);
    let terms = asked.terms as f64;
    let trust = if terms > 0.0 { terms / (terms + settings.half_trusted_terms.max(0.0)) } else { 0.0 };
    Relevance {
        value: (weight * keyword + (1.0 - weight) * similarity) * trust,
        cosine: found.similarity,
        similarity,
        keyword,
        guessed: found.similarity.is_none() || found.keyword.is_none(),
        trust,
    }
}

/// Similarity and keyword share, each from 0 to 1. A missing one is what it mostly is where the other is so high.
fn arms(asked: &Asked, found: &Found<'_>, calibration: &Calibration) -> Option<[f64; 2]> {
    let similarity = found.similarity.map(|cosine| share(cosine - calibration.unrelated, 1.0 - calibration.unrelated));
    let keyword = found.keyword.map(|score| share(score, asked.full_keyword));
    match (similarity, keyword) {
        (Some(similarity), Some(keyword)) => Some([similarity, keyword]),
        (Some(similarity), None) => {
            Some([similarity, share(similarity * calibration.same_keyword, calibration.same_similarity)])
        }
        (None, Some(keyword)) => {
            Some([share(keyword * calibration.same_similarity, calibration.same_keyword), keyword])
        }
        (None, None) => None,
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

/// What candidates are ordered by before the boosts; 0 to 1.
pub(super) fn fused(found: &[Found<'_>], relevances: &[Relevance], fusion: Fusion) -> Vec<f64> {
    match fusion {
        Fusion::Sum => relevances.iter().map(|relevance| relevance.value).collect(),
        Fusion::ReciprocalRanks { k } => {
            let arms = [ranks(found, |found| found.similarity), ranks(found, |found| found.keyword)];
            // First in both arms is 1.
            let scale = f64::from(k + 1) / arms.len() as f64;
            let sum =
                |at: usize| arms.iter().filter_map(|arm| arm[at]).map(|rank| 1.0 / (f64::from(k) + rank)).sum::<f64>();
            (0..found.len()).map(|at| sum(at) * scale).collect()
        }
    }
}

/// The rank of each candidate in one arm, from 1; none where the arm does not know it.
fn ranks(found: &[Found<'_>], arm: impl Fn(&Found<'_>) -> Option<f64>) -> Vec<Option<f64>> {
    let mut order: Vec<usize> =
        (0..found.len()).filter(|&at| arm(&found[at]).is_some_and(|score| score > 0.0)).collect();
    order.sort_by_key(|&at| {
        let score = arm(&found[at]).expect("only those that have one are in the order");
        Place::new(score, found[at].candidate.memory.id)
    });
    let mut ranks = vec![None; found.len()];
    for (position, at) in order.into_iter().enumerate() {
        ranks[at] = Some(position as f64 + 1.0);
    }
    ranks
}
