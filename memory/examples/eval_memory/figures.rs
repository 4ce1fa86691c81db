//! Figures of a list of ranks, with intervals.

use serde::Serialize;

const RESAMPLES: usize = 2_000;
const SEED: u64 = 7;
/// Ranks below this one count as not found.
const DEPTH: usize = 10;

/// A figure and where it lies in 95 of 100 resamplings of the queries.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The mean over queries.
pub(crate) fn mean(values: &[f64]) -> Figure {
    let count = values.len().max(1);
    let mut random = SEED;
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..count).map(|_| values[next(&mut random) as usize % count]).sum::<f64>() / count as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
    Figure { value: values.iter().sum::<f64>() / count as f64, low: at(0.025), high: at(0.975) }
}

/// Whether each was found within so many.
pub(crate) fn found_within(ranks: &[Option<usize>], depth: usize) -> Vec<f64> {
    ranks.iter().map(|rank| if rank.is_some_and(|rank| rank <= depth) { 1.0 } else { 0.0 }).collect()
}

/// One over the rank; 0 beyond the tenth.
pub(crate) fn reciprocal(ranks: &[Option<usize>]) -> Vec<f64> {
    ranks.iter().map(|rank| rank.filter(|&rank| rank <= DEPTH).map_or(0.0, |rank| 1.0 / rank as f64)).collect()
}

/// `SplitMix64`: the same numbers on every machine.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
