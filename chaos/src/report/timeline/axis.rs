//! The axis of time, in seconds relative to the fault.

use super::Frame;
use super::canvas::{self, Canvas};
use crate::journal::{Journal, MarkName, Timeline};

/// From instants to places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    from_us: f64,
    to_us: f64,
    zero_us: f64,
    after: &'static str,
    left: f64,
    right: f64,
    ticks: usize,
}

impl Axis {
    /// An axis on which everything that the journal tells has a place.
    pub(super) fn of(journal: &Journal, frame: &Frame) -> Self {
        let instants = instants(journal);
        let least = instants.iter().copied().fold(f64::INFINITY, f64::min);
        let most = instants.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (from_us, to_us) = if instants.is_empty() {
            (journal.started_at_us as f64, journal.ended_at_us as f64)
        } else {
            (least, most)
        };
        let (zero_us, after) = match journal.marks.at(MarkName::Fault) {
            Some(fault) => (fault as f64, "seconds after the fault"),
            None => (from_us, "seconds; no fault was injected"),
        };
        let (left, right) = (frame.left, frame.plot_end());
        Self { from_us, to_us: to_us.max(from_us + 1e6), zero_us, after, left, right, ticks: frame.ticks }
    }

    /// Where an instant is.
    pub(super) fn x(&self, at_us: i64) -> f64 {
        self.x_of(at_us as f64)
    }

    /// The same for an instant between two microseconds.
    pub(super) fn x_of(&self, at_us: f64) -> f64 {
        let share = (at_us - self.from_us) / (self.to_us - self.from_us);
        self.left + share * (self.right - self.left)
    }

    pub(super) const fn start(&self) -> f64 {
        self.left
    }

    pub(super) const fn end(&self) -> f64 {
        self.right
    }

    /// Seconds after the instant that counts as zero.
    pub(super) fn seconds(&self, at_us: i64) -> f64 {
        (at_us as f64 - self.zero_us) / 1e6
    }

    /// Ticks below the last plot, their lines through all of them, and what they count.
    pub(super) fn draw(&self, canvas: &mut Canvas, top: f64) {
        let bottom = canvas.plot_bottom();
        canvas::line(canvas.shapes(), "axis", (self.left, bottom + 4.0), (self.right, bottom + 4.0));
        for second in self.tick_seconds() {
            let x = self.x_of(self.zero_us + second * 1e6);
            canvas::line(canvas.shapes(), "grid", (x, top), (x, bottom + 4.0));
            canvas::line(canvas.shapes(), "axis", (x, bottom + 4.0), (x, bottom + 9.0));
            canvas.text("soft mid", x, bottom + 22.0, crate::report::words::number(second));
        }
        canvas.text("soft mid", self.left.midpoint(self.right), bottom + 39.0, self.after);
        canvas.skip(bottom + 44.0 - canvas.y());
    }

    fn tick_seconds(&self) -> Vec<f64> {
        let (from, to) = ((self.from_us - self.zero_us) / 1e6, (self.to_us - self.zero_us) / 1e6);
        let steps = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];
        let longer = std::iter::successors(Some(7_200.0), |step| Some(step * 2.0));
        let fits = |step: &f64| (to - from) / step <= self.ticks as f64;
        let step =
            steps.into_iter().chain(longer).find(fits).expect("doubled often enough, a step is longer than any axis");
        let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
        (first..=last).map(|tick| tick as f64 * step).collect()
    }
}

fn instants(journal: &Journal) -> Vec<f64> {
    let timeline: &Timeline = &journal.timeline;
    let mut instants: Vec<f64> = journal.marks.0.iter().map(|mark| mark.at_us as f64).collect();
    for span in timeline.strips.iter().flat_map(|strip| &strip.spans) {
        instants.extend([span.from_us as f64, span.to_us as f64]);
    }
    let steps = super::bins::steps(timeline);
    if steps > 0 {
        let from = timeline.from_us as f64;
        instants.extend([from, from + steps as f64 * timeline.step_us as f64]);
    }
    instants
}
