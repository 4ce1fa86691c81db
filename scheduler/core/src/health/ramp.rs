//! Load returns gradually to a region that was down.

use chrono::{DateTime, Utc};
use topology::Scheduling;

/// All of its capacity counts.
pub const RAMP_FULL: u16 = 1000;

/// What counts when it has just come back.
const RAMP_START: u16 = 100;

/// The ramp's length in `up_after`.
const SPANS: u32 = 4;

/// Share of a region's capacity that counts, in thousandths: from a tenth when it comes back to all of it after four
/// times `up_after`, in a straight line. All of it for a region that never was down.
#[must_use]
pub fn ramp_permille(returned_at: Option<DateTime<Utc>>, now: DateTime<Utc>, clocks: &Scheduling) -> u16 {
    let Some(returned_at) = returned_at else { return RAMP_FULL };
    let passed = (now - returned_at).to_std().unwrap_or_default().as_micros();
    let whole = (clocks.up_after * SPANS).as_micros();
    if passed >= whole {
        return RAMP_FULL;
    }
    let gained = u128::from(RAMP_FULL - RAMP_START) * passed / whole;
    RAMP_START + u16::try_from(gained).expect("a share of a thousand is below it")
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn load_returns_in_a_straight_line_over_a_minute() {
        let clocks = Scheduling::default();
        let back = DateTime::UNIX_EPOCH;
        let shares: Vec<u16> = [-1, 0, 15, 30, 45, 59, 60, 3_600]
            .map(|s| ramp_permille(Some(back), back + TimeDelta::seconds(s), &clocks))
            .to_vec();
        assert_eq!(shares, [100, 100, 325, 550, 775, 985, 1000, 1000]);
        assert_eq!(ramp_permille(None, back, &clocks), RAMP_FULL);
    }
}
