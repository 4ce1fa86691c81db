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
