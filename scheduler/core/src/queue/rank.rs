//! Priority that grows with waiting, as a number that never changes.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Rank of a mission in its pool's queue; lower goes first.
///
/// One step of priority is worth one step of `aging` in age, so comparing ranks at any moment is the same as comparing
/// priorities raised by one for each step waited. Nothing has to be updated as time passes.
#[must_use]
pub fn rank(submitted_at: DateTime<Utc>, priority: i32, aging: Duration) -> i64 {
    let step = i64::try_from(aging.as_secs()).unwrap_or(i64::MAX).max(1);
    submitted_at.timestamp().div_euclid(step) - i64::from(priority)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    const AGING: Duration = Duration::from_secs(600);

    #[test]
    fn one_step_of_priority_is_worth_one_step_of_waiting() {
        let early = DateTime::from_timestamp(1_200_000, 0).unwrap();
        let late = early + TimeDelta::seconds(600);
        assert_eq!(rank(early, 5, AGING), rank(late, 6, AGING));
        assert!(rank(early, 5, AGING) < rank(late, 5, AGING));
        assert!(rank(late, 7, AGING) < rank(early, 5, AGING));
    }

    #[test]
    fn absurd_aging_does_not_divide_by_zero() {
        assert_eq!(rank(DateTime::UNIX_EPOCH, 3, Duration::ZERO), -3);
        assert_eq!(rank(DateTime::UNIX_EPOCH, 3, Duration::MAX), -3);
    }

    proptest! {
        /// The order by rank is the order by priority raised by the steps waited, whenever it is looked at.
        #[test]
        fn rank_is_the_raised_priority(
            a in (0_i64..1_000_000, 0_i32..10),
            b in (0_i64..1_000_000, 0_i32..10),
            look in 1_000_000_i64..2_000_000,
        ) {
            let step = 600;
            let raised = |(at, priority): (i64, i32)| i64::from(priority) + look.div_euclid(step) - at.div_euclid(step);
            let of = |(at, priority)| rank(DateTime::from_timestamp(at, 0).unwrap(), priority, AGING);
            prop_assert_eq!(of(a).cmp(&of(b)), raised(b).cmp(&raised(a)));
        }
    }
}
