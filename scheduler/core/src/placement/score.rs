//! How good a pool is for a mission. The order of the fields is the policy; lower is better.

use serde::{Deserialize, Serialize};
use topology::{PoolId, Role};

use super::world::PoolIx;

/// The order of the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// Its estimated queue wait exceeds `spill_after`.
    pub saturated: bool,
    /// Fallback group: 0 = home jurisdiction, then the declared ones, then anywhere. 0 for all where saturated.
    pub group: u8,
    /// Replicas only after primaries. Primary for all where saturated.
    pub role: Role,
    /// Round trip, wait and penalties in microseconds.
    pub expected_us: u64,
    /// Makes the order total.
    pub pool: PoolIx,
}

/// What is added to a pool's network and wait, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Penalties {
    /// For being a replica, or of a later group, where everything is saturated.
    pub spill_us: u64,
    /// For the region's cost.
    pub cost_us: u64,
}

/// A pool that may take the mission, and what speaks for and against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The pool.
    pub pool: PoolId,
    /// Its role.
    pub role: Role,
    /// Fallback group: 0 = home jurisdiction.
    pub group: u8,
    /// Whether its estimated wait exceeds `spill_after`.
    pub saturated: bool,
    /// Weighted round trip.
    pub rtt_us: u64,
    /// Estimated queue wait.
    pub wait_us: u64,
    /// What is added.
    pub penalties: Penalties,
    /// The sum.
    pub expected_us: u64,
    /// Free slots that were seen.
    pub free: i64,
}
