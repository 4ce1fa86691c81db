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
