//! Whether a drill is to be broken off, by its own rules. Pure.

use std::time::Duration;

use super::Observed;
use crate::drill::{Abort, AbortWhen};

/// The first rule that holds now, as a sentence.
///
/// `observed` is in the order of time; what was seen before `since_us` does not count. A figure that could not be had is
/// as bad as one out of bounds: nobody should go on blind. `fault_at_us` is when the first fault was acknowledged.
#[must_use]
pub fn reason_to_abort(
    rules: &[Abort],
    observed: &[Observed],
    since_us: i64,
    fault_at_us: Option<i64>,
    now_us: i64,
) -> Option<String> {
    let bad_for = |probe: &str, for_time: Duration, is_bad: &dyn Fn(f64) -> bool| {
        let bad_since = bad_since(observed, probe, since_us, is_bad)?;
        (now_us - bad_since >= micros(for_time)).then_some(())
    };
    rules.iter().find_map(|rule| match &rule.when {
        AbortWhen::Below { probe, figure, for_time } => {
            bad_for(probe, *for_time, &|seen| seen < *figure)?;
            Some(format!("{probe} was below {figure} for {} s", for_time.as_secs_f64()))
        }
        AbortWhen::Above { probe, figure, for_time } => {
            bad_for(probe, *for_time, &|seen| seen > *figure)?;
            Some(format!("{probe} was above {figure} for {} s", for_time.as_secs_f64()))
        }
        AbortWhen::After(time) => {
            (now_us - fault_at_us? >= micros(*time)).then(|| format!("the first fault is {} s ago", time.as_secs_f64()))
        }
    })
}

/// Since when every figure of a probe has been bad; none where the last one is good, or there is none.
fn bad_since(observed: &[Observed], probe: &str, since_us: i64, is_bad: &dyn Fn(f64) -> bool) -> Option<i64> {
    let seen = observed.iter().rev().filter(|seen| seen.probe == probe && seen.at_us >= since_us);
    seen.take_while(|seen| seen.figure.is_none_or(is_bad)).last().map(|seen| seen.at_us)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    /// The ratio at 10 s, 11 s, ...
    fn ratios(figures: &[Option<f64>]) -> Vec<Observed> {
        let look = |(at, figure): (i64, &Option<f64>)| Observed {
            at_us: (10 + at) * S,
            probe: "ratio".to_owned(),
            figure: *figure,
            holds: false,
        };
        (0..).zip(figures).map(look).collect()
    }

    fn below(figure: f64, seconds: u64) -> Abort {
        let for_time = Duration::from_secs(seconds);
        Abort { when: AbortWhen::Below { probe: "ratio".to_owned(), figure, for_time } }
    }

    fn above(figure: f64, seconds: u64) -> Abort {
        let for_time = Duration::from_secs(seconds);
        Abort { when: AbortWhen::Above { probe: "ratio".to_owned(), figure, for_time } }
    }

    /// What it is, the rule, the figures, the second of now, and whether it breaks off.
    type Case<'a> = (&'a str, Abort, &'a [Option<f64>], i64, bool);

    #[test]
    fn a_figure_out_of_bounds_breaks_off_when_it_lasts() {
        let (good, bad, none) = (Some(0.9), Some(0.4), None);
        let cases: [Case<'_>; 11] = [
            ("nothing was seen", below(0.5, 2), &[], 30, false),
            ("bad for long", below(0.5, 2), &[bad, bad, bad], 12, true),
            ("bad, but not yet for long", below(0.5, 2), &[bad, bad], 11, false),
            ("the figure itself is not below it", below(0.5, 0), &[Some(0.5)], 10, false),
            ("good in between", below(0.5, 2), &[bad, good, bad, bad], 13, false),
            ("good at last", below(0.5, 2), &[bad, bad, bad, good], 13, false),
            ("no figure is bad", below(0.5, 2), &[bad, none, none], 12, true),
            ("at once", below(0.5, 0), &[bad], 10, true),
            ("above", above(0.5, 2), &[good, good, good], 12, true),
            ("not above", above(0.5, 2), &[bad, bad, bad], 12, false),
            ("no figure is above, too", above(0.5, 2), &[none, none, none], 12, true),
        ];
        for (case, rule, figures, now, expected) in cases {
            let reason = reason_to_abort(&[rule], &ratios(figures), 0, None, now * S);
            assert_eq!(reason.is_some(), expected, "{case}: {reason:?}");
        }
    }

    #[test]
    fn what_was_seen_before_the_method_does_not_count() {
        let seen = ratios(&[Some(0.1), Some(0.1), Some(0.1)]);
        assert!(reason_to_abort(&[below(0.5, 2)], &seen, 11 * S, None, 12 * S).is_none());
        assert!(reason_to_abort(&[below(0.5, 2)], &seen, 11 * S, None, 13 * S).is_some());
    }

    #[test]
    fn time_is_counted_from_the_first_fault() {
        let rule = [Abort { when: AbortWhen::After(Duration::from_secs(5)) }];
        assert!(reason_to_abort(&rule, &[], 0, None, 100 * S).is_none());
        assert!(reason_to_abort(&rule, &[], 0, Some(96 * S), 100 * S).is_none());
        assert!(reason_to_abort(&rule, &[], 0, Some(95 * S), 100 * S).is_some());
    }

    #[test]
    fn the_first_rule_that_holds_is_told() {
        let rules = [below(0.05, 0), below(0.5, 1), above(0.0, 1)];
        let reason = reason_to_abort(&rules, &ratios(&[Some(0.1), Some(0.1)]), 0, None, 11 * S);
        assert_eq!(reason.as_deref(), Some("ratio was below 0.5 for 1 s"));
    }
}
