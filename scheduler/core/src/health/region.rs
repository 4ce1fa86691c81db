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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
    }

    fn standing(health: RegionHealth) -> Standing {
        Standing { health, since: at(0), returned_at: None }
    }

    #[test]
    fn a_heartbeat_is_late_after_two_missed_ones_and_silent_after_down_after() {
        let clocks = Scheduling::default();
        let looks = [-500, 0, 3_000, 3_001, 6_000, 6_001].map(|age| look(Some(at(0)), at(age), &clocks));
        assert_eq!(looks, [Look::Fresh, Look::Fresh, Look::Fresh, Look::Late, Look::Late, Look::Silent]);
        assert_eq!(look(None, at(0), &clocks), Look::Never);
    }

    /// Columns: fresh, late, silent, never heard; then late and silent while held.
    #[test]
    fn all_pairs() {
        use RegionHealth::{Down, Returning, Suspect, Unknown, Up};
        let clocks = Scheduling::default();
        let table = [
            (Up, [Up, Suspect, Down, Down, Suspect, Suspect]),
            (Suspect, [Up, Suspect, Down, Down, Suspect, Suspect]),
            (Down, [Returning, Down, Down, Down, Down, Down]),
            (Returning, [Returning, Down, Down, Down, Down, Down]),
            (Unknown, [Up, Suspect, Down, Unknown, Suspect, Down]),
        ];
        let now = at(10_000);
        let (fresh, late, silent) = (Some(at(9_500)), Some(at(6_000)), Some(at(1_000)));
        for (before, wanted) in table {
            let looks = [(fresh, false), (late, false), (silent, false), (None, false), (late, true), (silent, true)];
            let got = looks.map(|(newest, held)| judge(standing(before), newest, now, &clocks, held).health);
            assert_eq!(got, wanted, "from {before}");
        }
    }

    #[test]
    fn coming_back_takes_up_after_and_starts_the_ramp() {
        let clocks = Scheduling::default();
        let mut region = standing(RegionHealth::Down);
        let mut seen = Vec::new();
        for second in 1..=17 {
            let now = at(second * 1_000);
            region = judge(region, Some(now), now, &clocks, false);
            seen.push(region.health);
        }
        let up = seen.iter().position(|health| *health == RegionHealth::Up).unwrap();
        assert_eq!(up, 15, "returning from second 1, up at second 16");
        assert_eq!(region.returned_at, Some(at(16_000)));
    }

    #[test]
    fn one_that_falls_silent_while_it_comes_back_starts_anew() {
        let clocks = Scheduling::default();
        let back = judge(standing(RegionHealth::Down), Some(at(1_000)), at(1_000), &clocks, false);
        let silent = judge(back, Some(at(1_000)), at(5_000), &clocks, false);
        assert_eq!((back.health, silent.health), (RegionHealth::Returning, RegionHealth::Down));
        let again = judge(silent, Some(at(14_000)), at(14_000), &clocks, false);
        assert_eq!((again.health, again.since), (RegionHealth::Returning, at(14_000)));
    }

    #[test]
    fn a_suspect_that_is_heard_again_is_up_without_a_ramp() {
        let clocks = Scheduling::default();
        let suspect = judge(standing(RegionHealth::Up), Some(at(0)), at(4_000), &clocks, false);
        let up = judge(suspect, Some(at(4_500)), at(4_500), &clocks, false);
        assert_eq!((suspect.health, up.health, up.returned_at), (RegionHealth::Suspect, RegionHealth::Up, None));
    }

    proptest! {
        /// Over any heartbeats and holds: nobody goes down while held, and up after down takes `up_after`.
        #[test]
        fn no_history_skips_a_step(
            beats in proptest::collection::vec((any::<bool>(), prop::bool::weighted(0.2)), 1..120),
        ) {
            let clocks = Scheduling::default();
            let mut region = standing(RegionHealth::Unknown);
            let (mut newest, mut down_since) = (None, None);
            for (tick, (beat, held)) in beats.into_iter().enumerate() {
                let now = at(tick as i64 * 1_000);
                newest = if beat { Some(now) } else { newest };
                let next = judge(region, newest, now, &clocks, held);
                let falls = next.health == RegionHealth::Down
                    && matches!(region.health, RegionHealth::Up | RegionHealth::Suspect);
                prop_assert!(!(held && falls));
                if next.health == RegionHealth::Down {
                    down_since = Some(now);
                }
                if let (RegionHealth::Up, Some(down)) = (next.health, down_since) {
                    prop_assert!(now - down >= TimeDelta::seconds(15));
                }
                prop_assert!(next.health == region.health || next.since == now);
                region = next;
            }
        }
    }
}
