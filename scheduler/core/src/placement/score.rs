//! How good a pool is for a mission. The order of the fields is the policy; lower is better.

use serde::{Deserialize, Serialize};
use topology::{PoolId, Role};

use super::wait::Capacity;
use super::world::PoolIx;

/// The order of the candidates (README.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// What must agree for two candidates to share missions.
    pub class: Class,
    /// Round trip, wait and penalties in microseconds.
    pub expected_us: u64,
    /// Makes the order total.
    pub pool: PoolIx,
}

/// The part of a score that no latency outweighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// Its estimated queue wait exceeds `spill_after`.
    pub saturated: bool,
    /// Fallback group: 0 = home jurisdiction, then the declared ones, then anywhere. 0 for all where saturated.
    pub group: u8,
    /// Replicas after primaries. Primary for all where saturated.
    pub role: Role,
}

/// What is added to a pool's round trip and wait, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Penalties {
    /// For being a replica and for a later group, where it is saturated: there the class does not tell them apart.
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
    /// Free slots that were seen.
    pub free: u32,
    /// Slots that count.
    pub slots: u32,
}

impl Choice {
    /// Round trip, wait and penalties.
    #[must_use]
    pub const fn expected_us(&self) -> u64 {
        expected_us(self.rtt_us, self.wait_us, self.penalties)
    }

    /// The part of its score that no latency outweighs.
    #[must_use]
    pub const fn class(&self) -> Class {
        class(self.saturated, self.group, self.role)
    }
}

/// A pool and a mission, before they are weighed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) pool: PoolIx,
    pub(crate) role: Role,
    pub(crate) group: u8,
    pub(crate) rtt_us: u64,
    pub(crate) cost_us: u64,
    pub(crate) spill_after_us: u64,
}

impl Candidate {
    pub(crate) const fn score(&self, capacity: &Capacity) -> Score {
        Score {
            class: class(capacity.saturated, self.group, self.role),
            expected_us: expected_us(self.rtt_us, capacity.wait_us, self.penalties(capacity.saturated)),
            pool: self.pool,
        }
    }

    pub(crate) const fn penalties(&self, saturated: bool) -> Penalties {
        let steps = match (saturated, self.role) {
            (false, _) => 0,
            (true, Role::Primary) => self.group as u64,
            (true, Role::Replica) => self.group as u64 + 1,
        };
        Penalties { spill_us: self.spill_after_us.saturating_mul(steps), cost_us: self.cost_us }
    }
}

const fn class(saturated: bool, group: u8, role: Role) -> Class {
    if saturated { Class { saturated, group: 0, role: Role::Primary } } else { Class { saturated, group, role } }
}

const fn expected_us(rtt_us: u64, wait_us: u64, penalties: Penalties) -> u64 {
    rtt_us.saturating_add(wait_us).saturating_add(penalties.spill_us).saturating_add(penalties.cost_us)
}
