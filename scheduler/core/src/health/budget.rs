//! How fast missions may be moved, and which first.

use std::time::Duration;

use chrono::{DateTime, Utc};
use topology::{MissionId, RegionName};

/// What a tick may move into each region: its free slots plus a rate, shared out over the schedulers that move.
#[derive(Debug, Clone)]
pub struct Budget {
    rate_per_s: u64,
}

impl Budget {
    /// Missions a second into one region, over all schedulers, beside its free slots.
    pub const RATE_PER_S: u64 = 5_000;

    /// A budget of [`Self::RATE_PER_S`].
    #[must_use]
    pub fn new() -> Self {
        Self { rate_per_s: Self::RATE_PER_S }
    }

    /// Starts a tick: `since_last` since the tick before, `schedulers` share it out, `free` slots by region.
    pub fn refill(
        &mut self,
        since_last: Duration,
        schedulers: usize,
        free: impl IntoIterator<Item = (RegionName, i64)>,
    ) {
        let _ = (since_last, schedulers, free.into_iter().count(), self.rate_per_s);
        todo!()
    }

    /// How many more may go to a region in this tick.
    #[must_use]
    pub fn left(&self, region: &RegionName) -> i64 {
        let _ = region;
        todo!()
    }

    /// Takes one; false where nothing is left.
    pub fn take(&mut self, region: &RegionName) -> bool {
        let _ = region;
        todo!()
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

/// What decides which mission is moved first. Lower goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailoverOrder {
    priority: std::cmp::Reverse<i32>,
    never_started: bool,
    submitted_at: DateTime<Utc>,
    id: MissionId,
}

/// Higher priority first, then what was started already, then age.
#[must_use]
pub const fn failover_order(priority: i32, started: bool, submitted_at: DateTime<Utc>, id: MissionId) -> FailoverOrder {
    FailoverOrder { priority: std::cmp::Reverse(priority), never_started: !started, submitted_at, id }
}
