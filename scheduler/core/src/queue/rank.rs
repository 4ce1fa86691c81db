//! Priority that grows with waiting, as a number that never changes.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Rank of a mission in its pool's queue; lower goes first.
///
/// One step of priority is worth one step of `aging` in age, so comparing ranks at any moment is the same as comparing
/// priorities raised by one for each step waited. Nothing has to be updated as time passes.
#[must_use]
pub fn rank(submitted_at: DateTime<Utc>, priority: i32, aging: Duration) -> i64 {
    let step = i64::try_from(aging.as_secs()).unwrap_or(i64::MAX).max(1);
    submitted_at.timestamp().div_euclid(step) - i64::from(priority)
}
