//! What many missions say together: what a memory teaches, how far that is believed, where it may be and what it applies
//! to, and which issues come again. Pure; no model of language is asked.

mod apply;
mod beta;
mod pattern;
mod residency;
mod taught;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use topology::DatabaseRegion;

pub use apply::{Applied, applied};
pub use pattern::{Occurrence, Pattern, PatternSettings, Proven, patterns, proven};
pub use residency::{Strictest, strictest};
pub use taught::{Lesson, Taught, added, lesson_id, taught};

/// Missions where a lesson applied, and how many of them succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Where it applied.
    pub applied: i64,
    /// Of these, those that succeeded.
    pub succeeded: i64,
}

impl Counts {
    /// Every region counts its own missions; no row is written by all of them.
    #[must_use]
    pub fn of_regions(regions: &BTreeMap<DatabaseRegion, Self>) -> Self {
        regions.values().fold(Self::default(), |sum, counts| Self {
            applied: sum.applied.saturating_add(counts.applied),
            succeeded: sum.succeeded.saturating_add(counts.succeeded),
        })
    }

    /// The mean of the posterior: one success and one failure are assumed beforehand, so that nothing is ever certain.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let (alpha, beta) = self.posterior();
        alpha / (alpha + beta)
    }

    /// How far a lesson with these counts is believed.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        let (alpha, beta) = self.posterior();
        Confidence {
            mean: self.mean(),
            low: beta::quantile(0.025, alpha, beta),
            high: beta::quantile(0.975, alpha, beta),
            missions: self.applied.max(0),
        }
    }

    fn posterior(&self) -> (f64, f64) {
        let applied = self.applied.max(0);
        let succeeded = self.succeeded.clamp(0, applied);
        (succeeded as f64 + 1.0, (applied - succeeded) as f64 + 1.0)
    }
}

/// How likely a mission is to succeed where a lesson applies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// The mean of the posterior.
    pub mean: f64,
    /// With a probability of 95 % it is at least this ...
    pub low: f64,
    /// ... and at most this.
    pub high: f64,
    /// Of how many missions this is said.
    pub missions: i64,
}

#[cfg(test)]
mod tests;
