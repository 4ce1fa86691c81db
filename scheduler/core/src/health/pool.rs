//! The health of a pool.

use std::time::Duration;

use chrono::{DateTime, Utc};
use topology::Scheduling;

/// Whether a pool may take missions: it has a live session, or had one within `down_after`.
///
/// `last_session_at` is the newest heartbeat of any session that offers the pool, ended or not.
#[must_use]
pub fn pool_is_live(
    live_sessions: i64,
    last_session_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    clocks: &Scheduling,
) -> bool {
    live_sessions > 0
        || last_session_at.is_some_and(|at| (now - at).to_std().unwrap_or(Duration::ZERO) <= clocks.down_after)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_pool_outlives_its_last_session_by_down_after() {
        let clocks = Scheduling::default();
        let last = DateTime::UNIX_EPOCH;
        let live = |sessions, at, ms| pool_is_live(sessions, at, last + TimeDelta::milliseconds(ms), &clocks);
        assert!(live(1, None, 0));
        assert!(live(0, Some(last), 6_000));
        assert!(!live(0, Some(last), 6_001));
        assert!(!live(0, None, 0));
    }
}
