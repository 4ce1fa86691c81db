//! Durations as the file writes them: a whole number and a unit.

use std::time::Duration;

/// Unit and its milliseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// The duration of a text such as `500ms`, `5s`, `2m` or `1h`.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, millis) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(millis).map(Duration::from_millis)
}

/// The shortest text that [`parse`] reads as this duration, to the millisecond.
#[must_use]
pub fn show(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (name, unit) =
        UNITS.into_iter().rev().find(|(_, unit)| millis >= *unit && millis % unit == 0).unwrap_or(("s", 1));
    format!("{}{name}", millis / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_milliseconds_seconds_minutes_and_hours() {
        for (text, millis) in [("500ms", 500), ("5s", 5000), ("2m", 120_000), ("1h", 3_600_000), ("0s", 0)] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["5", "s", "", "5 s", "-5s", "1.5s", "5d", "99999999999999999999s", "9999999999999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for millis in [0, 1, 500, 1500, 5000, 120_000, 90_000, 3_600_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse(&show(duration)), Some(duration), "{}", show(duration));
        }
    }
}
