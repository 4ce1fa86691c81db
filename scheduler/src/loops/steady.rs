//! How long a scheduler's own writes have succeeded without a gap, by database region.
//!
//! Time in which nobody could write a heartbeat never counts as silence. Nobody can know what others could write, so a
//! scheduler goes by itself: it judges the sessions of a database region only after a whole session TTL of own writes
//! there. A fresh scheduler therefore waits that long, too.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use topology::DatabaseRegion;

#[derive(Debug, Default)]
pub(super) struct Steady(Mutex<BTreeMap<DatabaseRegion, Streak>>);

#[derive(Debug, Clone, Copy)]
struct Streak {
    first: Instant,
    last: Instant,
}

impl Steady {
    /// A write succeeded at `at`. A pause longer than `gap` since the one before starts the streak anew.
    pub(super) fn wrote(&self, home: &DatabaseRegion, at: Instant, gap: Duration) {
        let mut streaks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let streak = streaks.entry(home.clone()).or_insert(Streak { first: at, last: at });
        if at.saturating_duration_since(streak.last) > gap {
            streak.first = at;
        }
        streak.last = at;
    }

    /// A write failed.
    pub(super) fn failed(&self, home: &DatabaseRegion) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(home);
    }

    /// Length of the streak; nothing where the last write is longer ago than `gap`.
    pub(super) fn ok_for(&self, home: &DatabaseRegion, now: Instant, gap: Duration) -> Duration {
        let streaks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match streaks.get(home) {
            Some(streak) if now.saturating_duration_since(streak.last) <= gap => {
                now.saturating_duration_since(streak.first)
            }
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_secs(3);

    fn home(name: &str) -> DatabaseRegion {
        name.parse().unwrap()
    }

    #[test]
    fn a_streak_is_as_long_as_its_writes_without_a_gap() {
        let (steady, here) = (Steady::default(), home("here"));
        let start = Instant::now();
        for second in 0..=5 {
            steady.wrote(&here, start + Duration::from_secs(second), GAP);
        }
        let now = start + Duration::from_secs(5);
        assert_eq!(steady.ok_for(&here, now, GAP), Duration::from_secs(5));
        assert_eq!(steady.ok_for(&home("there"), now, GAP), Duration::ZERO, "each home has its own");
    }

    #[test]
    fn a_pause_a_failure_and_silence_end_a_streak() {
        let (steady, here) = (Steady::default(), home("here"));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        steady.wrote(&here, at(0), GAP);
        steady.wrote(&here, at(10), GAP);
        assert_eq!(steady.ok_for(&here, at(11), GAP), Duration::from_secs(1), "the pause starts it anew");
        assert_eq!(steady.ok_for(&here, at(20), GAP), Duration::ZERO, "no write for longer than the gap");
        steady.wrote(&here, at(12), GAP);
        steady.failed(&here);
        assert_eq!(steady.ok_for(&here, at(12), GAP), Duration::ZERO, "a failed write ends it");
    }
}
