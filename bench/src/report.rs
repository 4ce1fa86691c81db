//! One JSON object a line, as `make bench` promises.

use std::io::Write as _;

use serde::Serialize;
use serde_json::Value;

/// One measured figure beside what is wished of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// Stable name.
    pub(crate) bench: &'static str,
    /// What was measured.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// What is wished; none where it could not be computed.
    pub(crate) target: Option<f64>,
    /// Whether the wish is met; none where the peer that it is a multiple of could not run.
    pub(crate) met: Option<bool>,
    /// How it came about: rounds, peers, spread.
    pub(crate) detail: Value,
}

impl Figure {
    /// A figure that should be at least its target.
    pub(crate) fn at_least(bench: &'static str, value: f64, unit: &'static str, target: Option<f64>) -> Self {
        Self { bench, value, unit, target, met: target.map(|target| value >= target), detail: Value::Null }
    }

    /// A figure that should be at most its target.
    pub(crate) fn at_most(bench: &'static str, value: f64, unit: &'static str, target: f64) -> Self {
        Self { bench, value, unit, target: Some(target), met: Some(value <= target), detail: Value::Null }
    }

    /// Says how the figure came about.
    pub(crate) fn with(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Prints one line on standard output.
///
/// # Errors
/// Where nobody reads it any more.
pub(crate) fn print(line: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    writeln!(out)?;
    Ok(())
}

/// The middle of some values; the lower one of two. None for none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The value that a share `q` of all values does not exceed. None for none.
pub(crate) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within the list")]
    let at = ((sorted.len().saturating_sub(1)) as f64 * q).floor() as usize;
    sorted.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_small_lists() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 1.0), Some(4.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
