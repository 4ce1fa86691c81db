//! Durations as people write them: `250ms`, `5s`, `2m`, `1h`.

use std::time::Duration;

/// Reads a duration.
///
/// # Errors
/// What is expected, where the text is none.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("{text:?} is no duration such as 250ms, 5s, 2m or 1h")),
    };
    let number: u64 = text[..digits].parse().map_err(|_| format!("{text:?} has no number before its unit"))?;
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| format!("{text:?} is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse("1h"), Ok(Duration::from_secs(3600)));
        for text in ["", "5", "s", "-5s", "5 s", "5d", "99999999999999999999s", "18446744073709551615h"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
