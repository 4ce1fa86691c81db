//! Load returns gradually to a region that was down.

use chrono::{DateTime, Utc};
use topology::Scheduling;

/// All of its capacity counts.
pub const RAMP_FULL: u16 = 1000;

/// Share of a region's capacity that counts, in thousandths: from a tenth when it comes back to all of it after four
/// times `up_after`, in a straight line. All of it for a region that never was down.
#[must_use]
pub fn ramp_permille(returned_at: Option<DateTime<Utc>>, now: DateTime<Utc>, clocks: &Scheduling) -> u16 {
    let _ = (returned_at, now, clocks);
    todo!()
}
