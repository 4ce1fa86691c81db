//! The table that explains a placement to people.

use serde::Serialize;
use topology::{PoolId, Role};

use super::filter::Rejection;
use super::solve::Placement;

/// One pool in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The pool.
    pub pool: PoolId,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it was rejected.
    pub reason: Option<Rejection>,
    /// Its role, where it was a candidate.
    pub role: Option<Role>,
    /// Fallback group.
    pub group: Option<u8>,
    /// Weighted round trip.
    pub rtt_us: Option<u64>,
    /// Estimated queue wait.
    pub wait_us: Option<u64>,
    /// Penalties.
    pub penalty_us: Option<u64>,
    /// The sum.
    pub expected_us: Option<u64>,
    /// Free slots.
    pub free: Option<i64>,
}

/// What became of a pool in a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Takes the mission.
    Chosen,
    /// Could have taken it.
    Alternative,
    /// May not take it.
    Rejected,
}

/// The rows of the table: the chosen pool, the alternatives best first, then the rejected.
#[must_use]
pub fn rows(placement: &Placement) -> Vec<Row> {
    let _ = placement;
    todo!()
}
