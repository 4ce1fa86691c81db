//! The plots: throughput, errors, p99, leases.

use super::Frame;
use super::axis::Axis;
use super::bins::Bins;
use super::canvas::{self, Canvas};
use super::scale::Scale;
use super::stack::Regions;
use crate::journal::{Journal, Series};
use crate::report::words;

/// Heights of the plots that are no stacks.
const ERRORS: f64 = 44.0;
const P99: f64 = 84.0;

/// What all plots share.
pub(super) struct Plots<'a> {
    pub(super) frame: &'a Frame,
    pub(super) axis: &'a Axis,
    pub(super) bins: Bins,
}

/// All plots, from the top down.
pub(super) fn draw(canvas: &mut Canvas, journal: &Journal, frame: &Frame, axis: &Axis) {
    let (timeline, regions) = (&journal.timeline, Regions::of(journal));
    let plots = Plots { frame, axis, bins: Bins::of(timeline, frame.bins) };
    let rates = |series: &Series| plots.bins.rates(series);
    plots.stack(canvas, &["Missions a second", "finished, by region"], &regions, &timeline.throughput, rates);
    plots.errors(canvas, &timeline.errors);
    plots.p99(canvas, &timeline.p99_ms);
    plots.stack(canvas, &["Leases", "held, by region"], &regions, &timeline.leases, |series| plots.bins.last(series));
}

impl Plots<'_> {
    /// Lines across the plot, and what they stand for.
    pub(super) fn grid(&self, canvas: &mut Canvas, scale: &Scale) {
        for (y, told) in scale.ticks() {
            canvas::line(canvas.shapes(), "grid", (self.axis.start(), y), (self.axis.end(), y));
            canvas.text("soft end", self.axis.start() - 6.0, y + 4.0, told);
        }
    }

    fn errors(&self, canvas: &mut Canvas, errors: &Series) {
        let rates = self.bins.rates(errors);
        let all: f64 = errors.iter().filter(|figure| figure.is_finite()).sum();
        let told = if all > 0.0 { format!("{} in all", words::number(all)) } else { "none".to_owned() };
        canvas.heading(self.frame, &["Errors a second", "of submits", &told]);
        let top = canvas.plot(ERRORS);
        let scale = Scale::linear(top, ERRORS, rates.iter().copied().fold(0.0, f64::max));
        self.grid(canvas, &scale);
        for (bin, rate) in rates.iter().enumerate().filter(|(_, rate)| **rate > 0.0) {
            let (from, to) = self.bins.span_us(bin);
            let (from, to) = (self.axis.x_of(from), self.axis.x_of(to));
            // One error in a long time is still seen.
            let height = (top + ERRORS - scale.y(*rate)).max(1.0);
            canvas::rect(canvas.shapes(), "error", from, top + ERRORS - height, (to - from).max(1.0), height);
        }
    }

    fn p99(&self, canvas: &mut Canvas, series: &[Option<f64>]) {
        let figures = self.bins.worst(series);
        let worst = figures.iter().flatten().copied().reduce(f64::max);
        let told =
            worst.map_or_else(|| "none was leased".to_owned(), |ms| format!("worst {}", words::milliseconds(ms)));
        canvas.heading(self.frame, &["p99 to leased, ms", "log scale", &told]);
        let top = canvas.plot(P99);
        let scale = Scale::log(top, P99, figures.iter().flatten().copied());
        self.grid(canvas, &scale);
        let points: Vec<Option<(f64, f64)>> = (0..)
            .zip(figures)
            .map(|(bin, figure)| Some((self.axis.x_of(self.bins.middle_us(bin)), scale.y(figure?))))
            .collect();
        // Where nothing was leased the line has a gap.
        for run in points.chunk_by(|one, next| one.is_some() == next.is_some()).filter(|run| run[0].is_some()) {
            // One point alone makes no line: a round cap shows it.
            let data = canvas::joined(run.iter().copied().flatten()) + if run.len() == 1 { "h0" } else { "" };
            canvas::path(canvas.shapes(), "p99", &data);
        }
    }
}
