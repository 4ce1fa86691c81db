//! What a memory's age and evidence add to its score, or take from it. Small on purpose: they order what is alike, and
//! never lift what does not fit.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::lesson::Counts;
use crate::model::Memory;

/// The mission count from which more evidence adds nothing.
const MUCH_EVIDENCE: f64 = 10.0;
const SECONDS_A_DAY: f64 = 86_400.0;

/// Factors; 1 is neutral.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Boosts {
    /// New ones first: more than 1 until `neutral_days`, less after.
    pub recency: f64,
    /// Never less than 1: one mission is neutral.
    pub evidence: f64,
    /// How clear the outcome is, be it success or failure; neutral where as many succeeded as failed.
    pub outcome: f64,
}

impl Boosts {
    /// All of them together.
    #[must_use]
    pub fn product(&self) -> f64 {
        self.recency * self.evidence * self.outcome
    }
}

pub(super) fn of(memory: &Memory, now: DateTime<Utc>, settings: &Settings) -> Boosts {
    let most = settings.boost.clamp(0.0, 0.5);
    // Minus 1 to 1, or 0 to 1.
    let boost = |share: f64| 1.0 + most * share;
    let days = ((now - memory.created_at).num_seconds() as f64 / SECONDS_A_DAY).max(0.0);
    let freshness = 0.5_f64.powf(days / settings.neutral_days.max(1.0));
    let missions = memory.evidence.max(1) as f64;
    let counts = Counts { applied: memory.evidence, succeeded: memory.evidence_succeeded };
    Boosts {
        recency: boost(2.0 * freshness - 1.0),
        evidence: boost((missions.ln() / MUCH_EVIDENCE.ln()).min(1.0)),
        outcome: boost((2.0 * counts.mean() - 1.0).abs()),
    }
}
