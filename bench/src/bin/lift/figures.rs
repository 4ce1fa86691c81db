//! Shares and lifts with their intervals of 95 %.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

const RESAMPLES: usize = 2_000;

/// A figure and the interval that holds it in 95 of 100 runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) n: usize,
}

/// A share, with Wilson's interval; none of nothing.
pub(crate) fn share(of: impl Iterator<Item = bool>) -> Option<Figure> {
    let (mut hits, mut all) = (0_usize, 0_usize);
    for hit in of {
        hits += usize::from(hit);
        all += 1;
    }
    if all == 0 {
        return None;
    }
    let (n, p, z) = (all as f64, hits as f64 / all as f64, 1.96_f64);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Some(Figure { value: p, low: (middle - half).max(0.0), high: (middle + half).min(1.0), n: all })
}

/// What part of the time is saved, by resampling both arms; none where an arm is empty.
pub(crate) fn lift(with: &[f64], without: &[f64]) -> Option<Figure> {
    if with.is_empty() || without.is_empty() {
        return None;
    }
    let mut random = StdRng::seed_from_u64(7);
    let mut resampled = |values: &[f64]| -> f64 {
        (0..values.len()).map(|_| values[random.random_range(0..values.len())]).sum::<f64>() / values.len() as f64
    };
    let mut all: Vec<f64> = (0..RESAMPLES).map(|_| 1.0 - resampled(with) / resampled(without)).collect();
    all.sort_by(f64::total_cmp);
    let at = |share: f64| all[(share * (RESAMPLES - 1) as f64).round() as usize];
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let value = 1.0 - mean(with) / mean(without);
    Some(Figure { value, low: at(0.025), high: at(0.975), n: with.len() + without.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_wilsons_interval() {
        let found = share((0..100).map(|n| n < 70)).unwrap();
        // By the formula, reckoned by hand.
        assert!((found.value - 0.7).abs() < 1e-9 && (found.low - 0.6042).abs() < 1e-3, "{found:?}");
        assert!((found.high - 0.7811).abs() < 1e-3 && found.n == 100, "{found:?}");
        assert_eq!(share(std::iter::empty()), None);
    }

    #[test]
    fn a_lift_is_the_part_that_is_saved() {
        let found = lift(&[6.0, 6.0, 6.0], &[10.0, 10.0]).unwrap();
        assert!((found.value - 0.4).abs() < 1e-9 && (found.low - 0.4).abs() < 1e-9, "{found:?}");
        let none = lift(&[9.0, 11.0, 10.0, 8.0, 12.0], &[10.0, 9.0, 11.0, 12.0, 8.0]).unwrap();
        assert!(none.low < 0.0 && none.high > 0.0, "{none:?}");
    }
}
