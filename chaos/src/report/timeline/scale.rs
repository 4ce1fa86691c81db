//! From figures to heights.

use crate::report::words;

/// A scale from a plot's bottom to its top.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    top: f64,
    height: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// From 0 to this.
    Linear(f64),
    /// From 10 to the first to 10 to the second.
    Log(f64, f64),
}

impl Scale {
    /// From 0 to a round number that is not under the greatest figure.
    pub(super) fn linear(top: f64, height: f64, greatest: f64) -> Self {
        Self { top, height, kind: Kind::Linear(round_up(greatest)) }
    }

    /// Over whole powers of ten, from a tenth on; at least one.
    pub(super) fn log(top: f64, height: f64, figures: impl Iterator<Item = f64>) -> Self {
        let (least, greatest) = figures.fold((f64::INFINITY, 0.1_f64), |(least, greatest), figure| {
            (least.min(figure.max(0.1)), greatest.max(figure))
        });
        let low = if least.is_finite() { least.log10().floor() } else { 0.0 };
        let high = greatest.log10().ceil().max(low + 1.0);
        Self { top, height, kind: Kind::Log(low, high) }
    }

    /// Where a figure is; what lies outside is put at the edge.
    pub(super) fn y(&self, figure: f64) -> f64 {
        let share = match self.kind {
            Kind::Linear(most) => figure / most,
            Kind::Log(low, high) => (figure.max(0.01).log10() - low) / (high - low),
        };
        self.top + self.height * (1.0 - share.clamp(0.0, 1.0))
    }

    /// Figures to write beside the plot.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let ticks = match self.kind {
            Kind::Linear(most) if self.height < 60.0 => vec![0.0, most],
            Kind::Linear(most) => vec![0.0, most / 2.0, most],
            Kind::Log(low, high) => {
                let every = ((high - low) / 4.0).ceil().max(1.0);
                std::iter::successors(Some(low), |power| Some(power + every))
                    .take_while(|power| *power <= high)
                    .map(|power| 10_f64.powf(power))
                    .collect()
            }
        };
        ticks.into_iter().map(|figure| (self.y(figure), compact(figure))).collect()
    }
}

/// A round number that is not under the figure, and not so small that it takes many letters.
fn round_up(figure: f64) -> f64 {
    let figure = figure.max(0.1);
    let power = 10_f64.powf(figure.log10().floor());
    let rounds = [1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0].map(|step| step * power);
    rounds.into_iter().find(|round| *round >= figure).unwrap_or(10.0 * power)
}

/// In few letters: the place beside a plot is small.
fn compact(figure: f64) -> String {
    let units = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let (size, unit) = units.into_iter().find(|(size, _)| figure >= *size).unwrap_or((1.0, ""));
    format!("{}{unit}", words::number(figure / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_number_and_keeps_figures_inside() {
        let scale = Scale::linear(10.0, 100.0, 178.0);
        assert_eq!(scale.ticks(), [(110.0, "0".to_owned()), (60.0, "100".to_owned()), (10.0, "200".to_owned())]);
        assert_eq!(scale.y(1e9), 10.0);
    }

    #[test]
    fn a_log_scale_spans_whole_powers_of_ten() {
        let scale = Scale::log(0.0, 90.0, [4.0, 812.0].into_iter());
        let ticks: Vec<String> = scale.ticks().into_iter().map(|(_, told)| told).collect();
        assert_eq!(ticks, ["1", "10", "100", "1k"]);
        assert_eq!(scale.y(10.0).round(), 60.0);
        assert_eq!(Scale::log(0.0, 90.0, [].into_iter()).ticks().len(), 2);
    }
}
