//! Hard filters: what may not take a mission at all, and why.

use serde::{Deserialize, Serialize};

/// Why a pool may not take a mission. The first that applies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The mission's residency rule does not name the region.
    Residency,
    /// The region's roll-out state takes no missions.
    RegionState,
    /// The region is dark and this is not a drill.
    RegionDark,
    /// An operator cordoned the region.
    Cordoned,
    /// An operator drains the region.
    Draining,
    /// Nothing was ever heard of the region.
    RegionUnknown,
    /// Nothing was heard of the region for `down_after`.
    RegionDown,
    /// The region's heartbeats are late.
    RegionSuspect,
    /// The region's heartbeats are back, for less than `up_after`.
    RegionReturning,
    /// The pool has had no live session for `down_after`.
    NoLiveSession,
}

impl Rejection {
    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Residency => "residency",
            Self::RegionState => "region_state",
            Self::RegionDark => "region_dark",
            Self::Cordoned => "cordoned",
            Self::Draining => "draining",
            Self::RegionUnknown => "region_unknown",
            Self::RegionDown => "region_down",
            Self::RegionSuspect => "region_suspect",
            Self::RegionReturning => "region_returning",
            Self::NoLiveSession => "no_live_session",
        }
    }
}
