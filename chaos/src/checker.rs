#![doc = include_str!("checker/README.md")]

mod epochs;
mod judge;
mod key;
mod mission;
mod names;
mod read;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use topology::MissionId;

pub use read::{check, check_within, check_without_runners};
pub use tables::{Checker, Part};

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
    /// What these records cannot show, whether it is so or not; empty where agents and runners wrote theirs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unjudged: BTreeSet<AnomalyKind>,
    /// Acknowledged missions that ended well by their rows, where no runner wrote down whether their work was done.
    #[serde(default)]
    pub unwatched: u64,
}

/// Why something is not judged.
pub const UNJUDGED: &str = "not judged: the runners of this world write nothing down";

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

/// What can be wrong. `README.md` beside the checker says exactly when.
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

impl AnomalyKind {
    /// Those that only agents' records and the runners' ledger show.
    pub const BY_RUNNERS: [Self; 4] = [Self::Duplicated, Self::Overlap, Self::UnfencedWrite, Self::OutcomeLost];

    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Lost,
        Self::Duplicated,
        Self::Orphaned,
        Self::Overlap,
        Self::UnfencedWrite,
        Self::ResidencyBreach,
        Self::EpochNotRaised,
        Self::OutcomeLost,
        Self::KeySplit,
    ];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Orphaned => "orphaned",
            Self::Overlap => "overlap",
            Self::UnfencedWrite => "unfenced_write",
            Self::ResidencyBreach => "residency_breach",
            Self::EpochNotRaised => "epoch_not_raised",
            Self::OutcomeLost => "outcome_lost",
            Self::KeySplit => "key_split",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Lost => "a promised mission is not there, or counts as done without a run that did it",
            Self::Duplicated => "two completions were accepted, or two runs of one lease finished",
            Self::Orphaned => "still leased or waiting, although everything had time to end",
            Self::Overlap => "a run worked on after its successor had begun",
            Self::UnfencedWrite => "a result was accepted from somebody who did not hold the lease",
            Self::ResidencyBreach => "it ran or waited in a region that its residency forbids",
            Self::EpochNotRaised => "a grant or a move kept the fencing token of the one before",
            Self::OutcomeLost => "the stored outcome is not the one that was accepted",
            Self::KeySplit => "one idempotency key stands for two missions",
        }
    }
}

/// Missions with something wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomalies {
    /// How many.
    pub count: u64,
    /// The first of them, at most ten, each with what was seen.
    pub first: Vec<(MissionId, String)>,
}

/// The most missions that are told of each kind.
const TOLD: usize = 10;

impl Anomalies {
    /// Counts a mission, and keeps it where it is among the first.
    fn add(&mut self, mission: MissionId, seen: String) {
        self.count += 1;
        self.keep(mission, seen);
    }

    /// The first are those with the lowest ids, so that the same history is told the same way each time.
    fn keep(&mut self, mission: MissionId, seen: String) {
        let place = self.first.partition_point(|(other, _)| *other <= mission);
        if place < TOLD {
            self.first.insert(place, (mission, seen));
            self.first.truncate(TOLD);
        }
    }
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

    /// Whether, besides, every acknowledged mission ended well.
    #[must_use]
    pub fn all_proven(&self) -> bool {
        self.is_clean() && self.proven == self.acknowledged
    }

    fn found(&mut self, kind: AnomalyKind, mission: MissionId, seen: String) {
        self.anomalies.entry(kind).or_default().add(mission, seen);
    }

    /// Both together: the parts of one history.
    fn and(mut self, other: Self) -> Self {
        self.operations += other.operations;
        self.acknowledged += other.acknowledged;
        self.proven += other.proven;
        for (reason, count) in other.failed {
            *self.failed.entry(reason).or_default() += count;
        }
        self.held_back += other.held_back;
        self.fenced += other.fenced;
        self.lost_attempts += other.lost_attempts;
        self.indeterminate.all += other.indeterminate.all;
        self.indeterminate.done += other.indeterminate.done;
        self.indeterminate.not_done += other.indeterminate.not_done;
        for (kind, found) in other.anomalies {
            let mine = self.anomalies.entry(kind).or_default();
            mine.count += found.count;
            found.first.into_iter().for_each(|(mission, seen)| mine.keep(mission, seen));
        }
        self.unjudged.extend(other.unjudged);
        self.unwatched += other.unwatched;
        self
    }
}

impl Indeterminate {
    fn add(&mut self, times: u64, done: bool) {
        self.all += times;
        *(if done { &mut self.done } else { &mut self.not_done }) += times;
    }
}

#[cfg(test)]
mod tests;
