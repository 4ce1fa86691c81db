//! Series in as many points as there is room for.

use crate::journal::Timeline;

/// More than this is drawn as this; no picture shows the difference.
const MOST: f64 = 1e15;

/// How the steps of a timeline are put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bins {
    from_us: f64,
    step_us: f64,
    steps: usize,
    a_bin: usize,
}

/// How many steps a timeline has; none where their length says nothing.
pub(super) fn steps(timeline: &Timeline) -> usize {
    if timeline.step_us <= 0 {
        return 0;
    }
    let series = timeline.throughput.values().chain(timeline.leases.values()).chain([&timeline.errors]);
    series.map(Vec::len).chain([timeline.p99_ms.len()]).max().unwrap_or(0)
}

impl Bins {
    /// At most so many bins of equally many steps.
    pub(super) fn of(timeline: &Timeline, most: usize) -> Self {
        let steps = steps(timeline);
        let a_bin = steps.div_ceil(most).max(1);
        Self { from_us: timeline.from_us as f64, step_us: timeline.step_us as f64, steps, a_bin }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.steps.div_ceil(self.a_bin)
    }

    /// When a bin begins and ends, in microseconds.
    pub(super) fn span_us(&self, bin: usize) -> (f64, f64) {
        let edge = |steps: usize| self.from_us + steps.min(self.steps) as f64 * self.step_us;
        (edge(bin * self.a_bin), edge((bin + 1) * self.a_bin))
    }

    /// The middle of a bin, in microseconds.
    pub(super) fn middle_us(&self, bin: usize) -> f64 {
        let (from, to) = self.span_us(bin);
        from.midpoint(to)
    }

    /// How many a second.
    pub(super) fn rates(&self, series: &[f64]) -> Vec<f64> {
        (0..self.count())
            .map(|bin| {
                let (from, to) = self.span_us(bin);
                let sum: f64 = self.slice(series, bin).iter().copied().map(sound).sum();
                sound(sum / ((to - from) / 1e6))
            })
            .collect()
    }

    /// What there was at the end of each bin.
    pub(super) fn last(&self, series: &[f64]) -> Vec<f64> {
        (0..self.count()).map(|bin| self.slice(series, bin).last().copied().map_or(0.0, sound)).collect()
    }

    /// The worst of each bin, where there was any.
    pub(super) fn worst(&self, series: &[Option<f64>]) -> Vec<Option<f64>> {
        (0..self.count())
            .map(|bin| self.slice(series, bin).iter().flatten().copied().map(sound).reduce(f64::max))
            .collect()
    }

    fn slice<'a, T>(&self, series: &'a [T], bin: usize) -> &'a [T] {
        let clamp = |at: usize| at.min(series.len());
        &series[clamp(bin * self.a_bin)..clamp((bin + 1) * self.a_bin)]
    }
}

/// A figure that can be drawn.
fn sound(figure: f64) -> f64 {
    if figure.is_nan() { 0.0 } else { figure.clamp(0.0, MOST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(errors: Vec<f64>) -> Timeline {
        Timeline { step_us: 500_000, errors, ..Timeline::default() }
    }

    #[test]
    fn steps_become_rates_a_second_also_in_the_last_bin_which_is_shorter() {
        let timeline = timeline(vec![1.0, 3.0, 2.0, 2.0, 7.0]);
        let bins = Bins::of(&timeline, 3);
        assert_eq!(bins.rates(&timeline.errors), [4.0, 4.0, 14.0]);
        assert_eq!(bins.last(&timeline.errors), [3.0, 2.0, 7.0]);
        assert_eq!(bins.span_us(2), (2e6, 2.5e6));
    }

    #[test]
    fn a_short_series_ends_early_and_a_wild_figure_is_tamed() {
        let timeline = timeline(vec![1.0; 4]);
        let bins = Bins::of(&timeline, 4);
        assert_eq!(bins.rates(&[f64::NAN, -4.0]), [0.0; 4]);
        assert_eq!(bins.rates(&[f64::MAX])[0], MOST);
        assert_eq!(bins.worst(&[Some(3.0), None]), [Some(3.0), None, None, None]);
    }
}
