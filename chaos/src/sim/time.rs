//! Virtual time: microseconds since the run began, for everybody the same.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A moment, or a span, in microseconds of virtual time.
pub(super) type Us = i64;

pub(super) const MS: Us = 1_000;
pub(super) const SECOND: Us = 1_000_000;

/// What the clocks show when a run begins, in seconds since the Unix epoch.
const BEGIN_S: i64 = 1_800_000_000;

/// The moment as the pure core wants it.
pub(super) fn date(at: Us) -> DateTime<Utc> {
    DateTime::from_timestamp(BEGIN_S, 0).expect("a moment of this age") + TimeDelta::microseconds(at)
}

pub(super) fn us(span: Duration) -> Us {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn span(us: Us) -> Duration {
    Duration::from_micros(us.max(0).unsigned_abs())
}

pub(super) fn seconds(us: Us) -> f64 {
    us as f64 / SECOND as f64
}
