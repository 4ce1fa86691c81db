//! Calls that leave the region: a [`Guard`] before each, and a [`StaleCache`] where an old answer serves.

mod guard;
mod stale;

use std::time::Duration;

use sql::breaker::Series;

pub use guard::{Error, Guard, Limits};
pub use stale::{Aged, Life, StaleCache};

/// Longest life of anything that is kept of a memory outside its row. What is forgotten is gone everywhere after it.
pub const LONGEST_LIFE: Duration = Duration::from_secs(60);

/// What the breakers of this crate are called in metrics.
static BREAKERS: Series = Series {
    label: "boundary",
    state: "memory_breaker_state",
    changes: "memory_breaker_changes_total",
    probes: "memory_breaker_probes_total",
    rejected: "memory_breaker_rejected_total",
};
