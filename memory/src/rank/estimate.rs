//! How a mission like this went before.

use serde::{Deserialize, Serialize};

use crate::model::Memory;

/// What the similar missions say about this one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The median of the minutes of those that succeeded; none where no such mission's time is known.
    pub minutes: Option<f64>,
    /// Of how many memories `minutes` is the median.
    pub timed: usize,
    /// How many similar missions there were.
    pub missions: i64,
    /// How many of them succeeded.
    pub succeeded: i64,
}

pub(super) fn of<'a>(similar: impl Iterator<Item = &'a Memory>) -> Option<Estimate> {
    let mut estimate = Estimate { minutes: None, timed: 0, missions: 0, succeeded: 0 };
    let mut minutes = Vec::new();
    for memory in similar {
        let missions = memory.evidence.max(1);
        estimate.missions += missions;
        estimate.succeeded += memory.evidence_succeeded.clamp(0, missions);
        minutes.extend(memory.resolution_minutes.filter(|m| memory.success && m.is_finite()));
    }
    estimate.timed = minutes.len();
    estimate.minutes = median(minutes);
    (estimate.missions > 0).then_some(estimate)
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    Some(if numbers.len().is_multiple_of(2) { f64::midpoint(numbers[middle - 1], upper) } else { upper })
}
