//! When to believe nobody, oneself least.

use std::time::Duration;

use topology::Scheduling;

use super::region::Look;

/// What an observer knows of itself, by its own monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observer {
    /// Time since the tick before this one began.
    pub loop_gap: Duration,
    /// Time since its last successful read of the heartbeats.
    pub read_gap: Duration,
}

/// Why nobody is evacuated and no session is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldReason {
    /// Every region looks down or suspect: the fault is more likely here.
    EveryRegionLate,
    /// The observer's own loop stood still.
    LoopLost,
    /// The observer could not read the database.
    DatabaseLost,
}

impl HoldReason {
    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EveryRegionLate => "every_region_late",
            Self::LoopLost => "loop_lost",
            Self::DatabaseLost => "database_lost",
        }
    }
}

/// Whether to hold. Regions of which nothing was ever heard do not count.
#[must_use]
pub fn hold(looks: &[Look], observer: Observer, clocks: &Scheduling) -> Option<HoldReason> {
    let _ = (looks, observer, clocks);
    todo!()
}

/// Whether sessions homed in a database region may be ended: only after the observer's own writes there have
/// succeeded without a gap for a whole session TTL, so that time in which nobody could write never counts.
#[must_use]
pub fn may_end_sessions(writes_ok_for: Duration, held: Option<HoldReason>, clocks: &Scheduling) -> bool {
    held.is_none() && writes_ok_for >= clocks.session_ttl
}
