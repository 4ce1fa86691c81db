//! How figures are told: in as many digits as say something, always with their unit.

use chrono::{DateTime, SecondsFormat};

use crate::drill::TierName;

/// Digits that a figure is told with.
const DIGITS: i32 = 3;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Pieces.
    Pieces,
    /// A multiple of something.
    Times,
}

impl Unit {
    /// A figure with its unit.
    pub(super) fn tell(self, figure: f64) -> String {
        self.tell_in(figure, DIGITS)
    }

    /// A figure beside a bound, in so many digits that the two differ where they do.
    pub(super) fn tell_beside(self, figure: f64, bound: f64) -> String {
        let differs = |told: &String| figure == bound || *told != self.tell(bound);
        (DIGITS..12).map(|digits| self.tell_in(figure, digits)).find(differs).unwrap_or_else(|| self.tell(figure))
    }

    fn tell_in(self, figure: f64, digits: i32) -> String {
        match self {
            Self::Seconds if figure != 0.0 && figure.abs() < 0.9995 => {
                format!("{} ms", number_in(figure * 1_000.0, digits))
            }
            Self::Seconds => format!("{} s", number_in(figure, digits)),
            Self::Minutes => format!("{} min", number_in(figure, digits)),
            Self::Pieces => number_in(figure, digits),
            Self::Times => format!("{} x", number_in(figure, digits)),
        }
    }
}

/// Seconds; under one as milliseconds.
pub(super) fn seconds(figure: f64) -> String {
    Unit::Seconds.tell(figure)
}

/// Milliseconds.
pub(super) fn milliseconds(figure: f64) -> String {
    format!("{} ms", number(figure))
}

/// Seconds after (or before) the instant that counts as zero.
pub(super) fn offset(figure: f64) -> String {
    if figure > 0.0 { format!("+{}", seconds(figure)) } else { seconds(figure) }
}

/// A count, its digits in groups of three.
pub(super) fn count(pieces: u64) -> String {
    grouped(&pieces.to_string())
}

/// A share of one, in per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// Any number; whole ones in full, others in three digits.
pub(super) fn number(figure: f64) -> String {
    number_in(figure, DIGITS)
}

fn number_in(figure: f64, digits: i32) -> String {
    if !figure.is_finite() {
        return "not a number".to_owned();
    }
    if figure.abs() >= 1e15 {
        return format!("{figure:.2e}");
    }
    if figure == figure.trunc() {
        return signed(figure, &format!("{:.0}", figure.abs()));
    }
    let magnitude = figure.abs().log10().floor() as i32;
    let decimals = (digits - 1 - magnitude).clamp(0, 9) as usize;
    if decimals == 0 {
        return signed(figure, &format!("{:.0}", figure.abs()));
    }
    // 0.9998 is not 1, which may be just what is asked.
    let trimmed =
        |decimals| format!("{:.decimals$}", figure.abs()).trim_end_matches('0').trim_end_matches('.').to_owned();
    let told = (decimals..=9).map(trimmed).find(|told| told.contains('.'));
    signed(figure, &told.unwrap_or_else(|| format!("{:.0}", figure.abs())))
}

fn signed(figure: f64, digits: &str) -> String {
    let sign = if figure < 0.0 { "-" } else { "" };
    match digits.split_once('.') {
        Some((whole, rest)) => format!("{sign}{}.{rest}", grouped(whole)),
        None => format!("{sign}{}", grouped(digits)),
    }
}

fn grouped(digits: &str) -> String {
    let mut told = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}

/// An instant in UTC.
pub(super) fn instant(at_us: i64) -> String {
    match DateTime::from_timestamp_micros(at_us) {
        Some(at) => at.to_rfc3339_opts(SecondsFormat::Millis, true).replace('T', " ").replace('Z', " UTC"),
        None => format!("{at_us} us after 1970"),
    }
}

/// A noun with its count: `1 mission`, `2 missions`.
pub(super) fn pieces(how_many: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(how_many), if how_many == 1 { "" } else { "s" })
}

/// The name of a tier.
pub(super) const fn tier(tier: TierName) -> &'static str {
    match tier {
        TierName::Sim => "sim",
        TierName::Local => "local",
        TierName::Cluster => "cluster",
    }
}

/// A name as in files, in words: `half_open` becomes `half open`.
pub(super) fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_in_as_many_digits_as_say_something() {
        let told = [0.0, 0.000_42, 0.013, 0.999_96, 6.4213, 64.21, 432.4, 12_034.0, -2.5].map(seconds);
        let want = ["0 s", "0.42 ms", "13 ms", "0.99996 s", "6.42 s", "64.2 s", "432 s", "12,034 s", "-2.5 s"];
        assert_eq!(told, want);
        assert_eq!([number(1e300), number(f64::NAN)], ["1.00e300", "not a number"]);
        assert_eq!(
            [count(0), count(999), count(1_000), count(u64::MAX)],
            ["0", "999", "1,000", "18,446,744,073,709,551,615"]
        );
    }

    #[test]
    fn a_figure_that_misses_its_bound_by_little_does_not_look_like_it() {
        assert_eq!(Unit::Seconds.tell_beside(7.0004, 7.0), "7.0004 s");
        assert_eq!(Unit::Seconds.tell_beside(6.4213, 7.0), "6.42 s");
        assert_eq!(Unit::Seconds.tell_beside(7.0, 7.0), "7 s");
    }

    #[test]
    fn an_instant_that_no_calendar_holds_is_told_as_it_is() {
        assert_eq!(instant(1_764_225_000_123_456), "2025-11-27 06:30:00.123 UTC");
        assert_eq!(instant(i64::MAX), format!("{} us after 1970", i64::MAX));
    }
}
