//! Who pays for an expired session.

use chrono::{DateTime, Utc};
use topology::Scheduling;

use super::region::{Look, look};

/// What an expired session does to the missions that it held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// The mission may have killed it: one crash more.
    Crash,
    /// Its region fell silent with it: only a move.
    Move,
}

/// Charges a crash only where the session's region shows other life.
///
/// `newest_other` is the newest heartbeat of the region's schedulers and of its sessions other than the expired ones.
#[must_use]
pub fn charge(newest_other: Option<DateTime<Utc>>, now: DateTime<Utc>, clocks: &Scheduling) -> Charge {
    match look(newest_other, now, clocks) {
        Look::Fresh => Charge::Crash,
        Look::Late | Look::Silent | Look::Never => Charge::Move,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_crash_is_charged_only_where_the_region_shows_other_life() {
        let clocks = Scheduling::default();
        let now = DateTime::UNIX_EPOCH;
        let of = |age| charge(Some(now - TimeDelta::milliseconds(age)), now, &clocks);
        assert_eq!(
            [of(0), of(3_000), of(3_001), of(60_000)],
            [Charge::Crash, Charge::Crash, Charge::Move, Charge::Move]
        );
        assert_eq!(charge(None, now, &clocks), Charge::Move);
    }
}
