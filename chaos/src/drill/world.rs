//! The world that a drill starts, and what is submitted to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use topology::RegionName;

use crate::checker::AnomalyKind;

/// A world of the tiers `sim` and `local`. Its regions are, in this order: us-west, europe-west, asia-east, us-east,
/// south-america. Every region has a pool of every specialization. Residency rules: `only-R` for each region R, and
/// `pair-R` = R and the region after it.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldSpec {
    /// How many regions, 2 to 5.
    pub regions: usize,
    /// How many specializations.
    pub specializations: usize,
    /// Slots of each region, over all its pools.
    pub slots: u32,
    /// Regions with another number of slots.
    pub slots_of: BTreeMap<RegionName, u32>,
    /// Shortest and longest run of a mission, in milliseconds.
    pub run_ms: (u64, u64),
    /// A bug that is planted in the schedulers; only a build with the feature `planted-bugs` has them.
    pub planted_bug: Option<PlantedBug>,
}

/// The regions that a world may have, in their order.
pub const REGIONS: [&str; 5] = ["us-west", "europe-west", "asia-east", "us-east", "south-america"];

impl WorldSpec {
    /// Its regions, in their order.
    #[must_use]
    pub fn region_names(&self) -> Vec<RegionName> {
        let names = REGIONS.iter().take(self.regions);
        names.map(|name| name.parse().expect("the names above are names")).collect()
    }

    /// Slots of all regions.
    #[must_use]
    pub fn all_slots(&self) -> u32 {
        self.region_names().iter().map(|region| self.slots_of.get(region).copied().unwrap_or(self.slots)).sum()
    }
}

/// A bug that is planted so that a drill must find it: a mutation of the oracle. Each breaks one promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlantedBug {
    /// Some submits are answered 2xx and stored nowhere (P1).
    DropAcknowledgement,
    /// A completion is accepted without looking at epoch and session (P2).
    CompleteWithoutEpochCheck,
    /// A mission that is placed again keeps its epoch (P2).
    MoveWithoutRaisingEpoch,
    /// A mission that is placed again may go anywhere (P4).
    ForgetResidency,
    /// A lease that heartbeats do not name stays where it is (P5).
    IgnoreUnnamedLease,
    /// A completion is accepted and its outcome dropped (P1).
    LoseOutcome,
}

impl PlantedBug {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DropAcknowledgement,
        Self::CompleteWithoutEpochCheck,
        Self::MoveWithoutRaisingEpoch,
        Self::ForgetResidency,
        Self::IgnoreUnnamedLease,
        Self::LoseOutcome,
    ];

    /// What it breaks, and so what it must be found by: any of these.
    #[must_use]
    pub const fn shows_as(self) -> &'static [AnomalyKind] {
        match self {
            Self::DropAcknowledgement => &[AnomalyKind::Lost],
            Self::CompleteWithoutEpochCheck => &[AnomalyKind::UnfencedWrite, AnomalyKind::Duplicated],
            Self::MoveWithoutRaisingEpoch => &[AnomalyKind::EpochNotRaised],
            Self::ForgetResidency => &[AnomalyKind::ResidencyBreach],
            Self::IgnoreUnnamedLease => &[AnomalyKind::Orphaned],
            Self::LoseOutcome => &[AnomalyKind::OutcomeLost],
        }
    }

    /// The name in files, variables and flags.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DropAcknowledgement => "drop_acknowledgement",
            Self::CompleteWithoutEpochCheck => "complete_without_epoch_check",
            Self::MoveWithoutRaisingEpoch => "move_without_raising_epoch",
            Self::ForgetResidency => "forget_residency",
            Self::IgnoreUnnamedLease => "ignore_unnamed_lease",
            Self::LoseOutcome => "lose_outcome",
        }
    }
}

/// What is submitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Missions a second, spread evenly over the regions by their origins.
    pub per_second: f64,
    /// Seconds of load before the steady state is measured.
    pub warm_s: f64,
    /// Seconds over which the steady state is measured.
    pub steady_s: f64,
    /// Share of missions under a residency rule, half of them `only-R` and half `pair-R`.
    pub residency_share: f64,
    /// Priorities, drawn evenly.
    pub priorities: Vec<i32>,
    /// Seed of everything that is drawn.
    pub seed: u64,
}
