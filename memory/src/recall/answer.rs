//! What came, and what is missing of it.

use serde::{Deserialize, Serialize};
use topology::DatabaseRegion;

use super::Found;
use super::remote::Part;

/// How complete an answer is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Completeness {
    /// Homes whose memories were asked for.
    pub regions_asked: usize,
    /// Of these, how many gave something, now or in the last minute.
    pub regions_answered: usize,
    /// Homes that were not asked, since others are nearer.
    pub regions_skipped: usize,
    /// Homes that do not answer: nothing is here of them, or only what they gave before.
    pub degraded: Vec<DatabaseRegion>,
    /// Age of the oldest part, in milliseconds.
    pub stale_ms: u64,
}

/// The candidates of all homes, in no order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The candidates.
    pub found: Vec<Found>,
    /// What is missing.
    pub completeness: Completeness,
}

impl Answer {
    pub(super) fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut answer = Self::default();
        for part in parts {
            answer.add(part);
        }
        answer
    }

    fn add(&mut self, part: Part) {
        let Part { home, found, age, is_degraded } = part;
        let complete = &mut self.completeness;
        complete.regions_asked += 1;
        complete.regions_answered += usize::from(found.is_some());
        complete.stale_ms = complete.stale_ms.max(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        if is_degraded {
            metrics::counter!("memory_recall_degraded_total", "home" => home.to_string()).increment(1);
            complete.degraded.push(home);
        }
        self.found.extend(found.unwrap_or_default());
    }
}
