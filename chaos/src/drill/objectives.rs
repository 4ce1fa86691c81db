//! What must be kept, and what may be hit.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::TierName;

/// What must be kept. An absent one is measured and told, but decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Objectives {
    /// Seconds from the first fault to the first instant after which every probe stays in tolerance until the fault ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_s: Option<f64>,
    /// Seconds from the first fault until a survivor calls the region down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection_s: Option<f64>,
    /// Seconds of acknowledged writes that are missing at the end. Judged only where the fault touched the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo_s: Option<f64>,
    /// Acknowledged missions that never ended or ended without their work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// Missions with two accepted completions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicated: Option<u64>,
    /// Effects by an epoch after the first effect of a higher one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<u64>,
    /// Minutes with a probe out of tolerance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_minutes: Option<f64>,
    /// p99 from submitted to leased in the surviving regions during the fault, as a multiple of its steady value, or
    /// of 50 ms where that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survivors_p99_ratio: Option<f64>,
    /// Submits that ended in an error after the heal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failback_errors: Option<u64>,
    /// Missions that were leased after one of lower priority which was queued later in the same pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_inversions: Option<u64>,
}

/// What a drill may hit at most; one that would hit more is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlastRadius {
    /// Regions that faults name at a time.
    pub regions_max: usize,
    /// Regions that no fault names.
    pub min_healthy_regions: usize,
    /// Where it may run.
    pub tiers: BTreeSet<TierName>,
}
