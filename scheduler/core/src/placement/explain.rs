//! The table that explains a placement to people.

use serde::Serialize;
use topology::{PoolId, Role};

use super::filter::Rejection;
use super::score::Choice;
use super::solve::Placement;

/// One pool in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The pool.
    pub pool: PoolId,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Rejection>,
    /// Its figures, where it was a candidate.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// What a candidate was weighed by, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figures {
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
    /// Spill and cost.
    pub penalty_us: u64,
    /// The sum.
    pub expected_us: u64,
    /// Free slots.
    pub free: u32,
    /// Slots that count.
    pub slots: u32,
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
    let chosen = placement.chosen.iter().map(|choice| candidate(choice, Verdict::Chosen));
    let alternatives = placement.alternatives.iter().map(|choice| candidate(choice, Verdict::Alternative));
    let rejected = placement.rejected.iter().map(|rejected| Row {
        pool: rejected.pool.clone(),
        verdict: Verdict::Rejected,
        reason: Some(rejected.reason),
        figures: None,
    });
    chosen.chain(alternatives).chain(rejected).collect()
}

fn candidate(choice: &Choice, verdict: Verdict) -> Row {
    let figures = Figures {
        role: choice.role,
        group: choice.group,
        saturated: choice.saturated,
        rtt_us: choice.rtt_us,
        wait_us: choice.wait_us,
        penalty_us: choice.penalties.spill_us.saturating_add(choice.penalties.cost_us),
        expected_us: choice.expected_us(),
        free: choice.free,
        slots: choice.slots,
    };
    Row { pool: choice.pool.clone(), verdict, reason: None, figures: Some(figures) }
}
