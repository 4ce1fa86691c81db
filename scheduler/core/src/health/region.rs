//! The health of a region, from its newest heartbeat.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use topology::Scheduling;

/// What the database shows of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegionHealth {
    /// Heartbeats are steady.
    Up,
    /// Two heartbeats late: takes no new work, keeps its leases.
    Suspect,
    /// Nothing was heard for `down_after`.
    Down,
    /// Heartbeats are back, for less than `up_after`.
    Returning,
    /// No session or scheduler was ever heard.
    Unknown,
}

impl RegionHealth {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Up, Self::Suspect, Self::Down, Self::Returning, Self::Unknown];

    /// As the database and the wire write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Down => "down",
            Self::Returning => "returning",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for RegionHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is no health.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a region's health is not {0:?}")]
pub struct UnknownHealth(pub String);

impl FromStr for RegionHealth {
    type Err = UnknownHealth;

    fn from_str(text: &str) -> Result<Self, UnknownHealth> {
        Self::ALL.into_iter().find(|health| health.as_str() == text).ok_or_else(|| UnknownHealth(text.to_owned()))
    }
}

/// A region's health and since when: what its row keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The health.
    pub health: RegionHealth,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it last came back from down, for the ramp; none = never.
    pub returned_at: Option<DateTime<Utc>>,
}

/// What the age of the newest heartbeat says, without memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// In time.
    Fresh,
    /// Two heartbeats late.
    Late,
    /// Older than `down_after`.
    Silent,
    /// None was ever seen.
    Never,
}

/// Looks at the newest heartbeat of any session or scheduler of a region.
#[must_use]
pub fn look(newest: Option<DateTime<Utc>>, now: DateTime<Utc>, clocks: &Scheduling) -> Look {
    let Some(newest) = newest else { return Look::Never };
    // A heartbeat from the future is a clock offset between two gateways: it is as fresh as can be.
    let age = (now - newest).to_std().unwrap_or(Duration::ZERO);
    if age > clocks.down_after {
        Look::Silent
    } else if age > late_after(clocks) {
        Look::Late
    } else {
        Look::Fresh
    }
}

/// Age at which two heartbeats are late: one interval until the first was due, two more.
pub(crate) fn late_after(clocks: &Scheduling) -> Duration {
    clocks.heartbeat * 3
}

/// The next standing of a region. While held, nobody goes down: who was not down yet stays suspect.
#[must_use]
pub fn judge(
    previous: Standing,
    newest: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    clocks: &Scheduling,
    held: bool,
) -> Standing {
    let look = look(newest, now, clocks);
    let steady = (now - previous.since).to_std().unwrap_or(Duration::ZERO) >= clocks.up_after;
    let health = match (previous.health, look) {
        (RegionHealth::Up | RegionHealth::Suspect | RegionHealth::Unknown, Look::Fresh) => RegionHealth::Up,
        (RegionHealth::Down, Look::Fresh) => RegionHealth::Returning,
        (RegionHealth::Returning, Look::Fresh) if steady => RegionHealth::Up,
        (RegionHealth::Returning, Look::Fresh) => RegionHealth::Returning,
        (RegionHealth::Up | RegionHealth::Suspect, Look::Late) => RegionHealth::Suspect,
        (RegionHealth::Unknown, Look::Late) => RegionHealth::Suspect,
        (RegionHealth::Up | RegionHealth::Suspect, Look::Silent | Look::Never) if held => RegionHealth::Suspect,
        (RegionHealth::Up | RegionHealth::Suspect, Look::Silent | Look::Never) => RegionHealth::Down,
        // Steady means without a gap: one that comes back and falls silent again starts anew.
        (RegionHealth::Down | RegionHealth::Returning, Look::Late | Look::Silent | Look::Never) => RegionHealth::Down,
        (RegionHealth::Unknown, Look::Silent) => RegionHealth::Down,
        (RegionHealth::Unknown, Look::Never) => RegionHealth::Unknown,
    };
    if health == previous.health {
        return previous;
    }
    let returned = previous.health == RegionHealth::Returning && health == RegionHealth::Up;
    Standing { health, since: now, returned_at: if returned { Some(now) } else { previous.returned_at } }
}
