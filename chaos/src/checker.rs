//! Decides from history, ledger and the final state what happened. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use topology::MissionId;

/// What the records prove.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Operations that were read.
    pub operations: u64,
    /// Missions that were acknowledged.
    pub acknowledged: u64,
    /// Missions that ended well, with exactly one finished run of the winning epoch.
    pub proven: u64,
    /// Missions that ended as failed or cancelled, with how many of each reason.
    pub failed: BTreeMap<String, u64>,
    /// Acknowledged missions that are pending because residency lets them run nowhere now.
    pub held_back: u64,
    /// Runs that finished and were not accepted: at-least-once work that the fence kept out.
    pub fenced: u64,
    /// Runs that were begun and did not end by themselves: lost attempts.
    pub lost_attempts: u64,
    /// Operations of which nobody knew whether they were done.
    pub indeterminate: Indeterminate,
    /// What is wrong, by kind; empty is good.
    pub anomalies: BTreeMap<AnomalyKind, Anomalies>,
}

/// Operations of which nobody knew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indeterminate {
    /// All of them.
    pub all: u64,
    /// The final state shows that they were done.
    pub done: u64,
    /// The final state shows that they were not.
    pub not_done: u64,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// An acknowledged mission has no row, or succeeded without a finished run of the winning epoch (P1).
    Lost,
    /// A mission has two accepted completions, or two runs of one epoch finished (P2).
    Duplicated,
    /// A mission is still leased, or queued where something serves, when everything had time to end.
    Orphaned,
    /// An effect by an epoch after the first effect of a higher one.
    Overlap,
    /// A completion was accepted under an epoch or session that did not hold the lease.
    UnfencedWrite,
    /// A mission ran, or its row lived, where its residency does not allow it (P4).
    ResidencyBreach,
    /// A grant or a move did not raise the epoch.
    EpochNotRaised,
    /// The row's outcome is not the one that was accepted.
    OutcomeLost,
    /// One client key stands for two missions.
    KeySplit,
}

/// Missions with something wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomalies {
    /// How many.
    pub count: u64,
    /// The first of them, at most ten, each with what was seen.
    pub first: Vec<(MissionId, String)>,
}

impl Summary {
    /// How often something of this kind is wrong.
    #[must_use]
    pub fn count(&self, kind: AnomalyKind) -> u64 {
        self.anomalies.get(&kind).map_or(0, |found| found.count)
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.anomalies.values().all(|found| found.count == 0)
    }
}
