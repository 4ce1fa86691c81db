//! When to believe nobody, oneself least.

use std::time::Duration;

use topology::Scheduling;

use super::region::Look;

/// What an observer knows of itself, by its own monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observer {
    /// Time since the tick before this one began.
    pub loop_gap: Duration,
    /// Time since its last successful read of the heartbeats.
    pub read_gap: Duration,
}

/// Why nobody is evacuated and no session is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldReason {
    /// Every region looks down or suspect: the fault is more likely here.
    EveryRegionLate,
    /// The observer's own loop stood still.
    LoopLost,
    /// The observer could not read the database.
    DatabaseLost,
}

impl HoldReason {
    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EveryRegionLate => "every_region_late",
            Self::LoopLost => "loop_lost",
            Self::DatabaseLost => "database_lost",
        }
    }
}

/// Whether to hold. Regions of which nothing was ever heard do not count; where only those exist there is no hold.
///
/// The observer trusts itself while neither its loop nor its reads stood still for `down_after` less two heartbeats:
/// by then a region could look down to it only because it did not look.
#[must_use]
pub fn hold(looks: &[Look], observer: Observer, clocks: &Scheduling) -> Option<HoldReason> {
    let patience = clocks.down_after.saturating_sub(clocks.heartbeat * 2);
    if observer.loop_gap > patience {
        return Some(HoldReason::LoopLost);
    }
    if observer.read_gap > patience {
        return Some(HoldReason::DatabaseLost);
    }
    let heard = looks.iter().filter(|look| **look != Look::Never).count();
    let late = looks.iter().filter(|look| matches!(look, Look::Late | Look::Silent)).count();
    (heard > 0 && late == heard).then_some(HoldReason::EveryRegionLate)
}

/// Whether sessions homed in a database region may be ended: only after the observer's own writes there have
/// succeeded without a gap for a whole session TTL, so that time in which nobody could write never counts.
#[must_use]
pub fn may_end_sessions(writes_ok_for: Duration, held: Option<HoldReason>, clocks: &Scheduling) -> bool {
    held.is_none() && writes_ok_for >= clocks.session_ttl
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Observer = Observer { loop_gap: Duration::from_millis(500), read_gap: Duration::from_millis(500) };

    #[test]
    fn nobody_is_believed_when_everybody_is_late() {
        use Look::{Fresh, Late, Never, Silent};
        let clocks = Scheduling::default();
        let every = Some(HoldReason::EveryRegionLate);
        let cases: [(&[Look], Option<HoldReason>); 7] = [
            (&[], None),
            (&[Never, Never], None),
            (&[Fresh, Silent, Silent], None),
            (&[Late, Silent], every),
            (&[Silent, Never], every),
            (&[Late], every),
            (&[Fresh], None),
        ];
        for (looks, wanted) in cases {
            assert_eq!(hold(looks, QUIET, &clocks), wanted, "{looks:?}");
        }
    }

    #[test]
    fn an_observer_that_stood_still_believes_nobody() {
        let clocks = Scheduling::default();
        let long = Duration::from_millis(4_001);
        let looks = [Look::Fresh, Look::Silent];
        assert_eq!(hold(&looks, Observer { loop_gap: long, ..QUIET }, &clocks), Some(HoldReason::LoopLost));
        assert_eq!(hold(&looks, Observer { read_gap: long, ..QUIET }, &clocks), Some(HoldReason::DatabaseLost));
        let just = Duration::from_secs(4);
        assert_eq!(hold(&looks, Observer { loop_gap: just, read_gap: just }, &clocks), None);
    }

    #[test]
    fn sessions_end_only_after_a_whole_ttl_of_own_writes() {
        let clocks = Scheduling::default();
        assert!(may_end_sessions(clocks.session_ttl, None, &clocks));
        assert!(!may_end_sessions(clocks.session_ttl - Duration::from_millis(1), None, &clocks));
        assert!(!may_end_sessions(clocks.session_ttl * 9, Some(HoldReason::EveryRegionLate), &clocks));
    }
}
