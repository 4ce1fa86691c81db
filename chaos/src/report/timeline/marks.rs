//! Marks: a line through everything, and a flag above it. Many may lie within one second; their flags never overlap.

use super::Frame;
use super::axis::Axis;
use super::canvas;
use crate::journal::{MarkName, Marks};
use crate::report::markup::Markup;
use crate::report::{story, words};

/// Height of a flag with the gap to the next.
const LANE: f64 = 19.0;

/// How much wider bold words are.
const BOLD: f64 = 1.08;

/// A mark with the place of its flag.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flag {
    name: MarkName,
    words: String,
    /// Where its line is.
    at: f64,
    /// Where its box begins.
    x: f64,
    /// How wide its box is.
    width: f64,
    /// How far up it is; 0 is next to the plots.
    lane: usize,
}

/// The flags of all marks, in the order of time.
pub(super) fn flags(marks: &Marks, axis: &Axis, frame: &Frame) -> Vec<Flag> {
    let mut flags: Vec<Flag> = marks
        .0
        .iter()
        .enumerate()
        .map(|(index, mark)| {
            let words = if frame.words {
                format!("{} {}", story::mark(mark.name), words::offset(axis.seconds(mark.at_us)))
            } else {
                (index + 1).to_string()
            };
            let (at, width) = (axis.x(mark.at_us), canvas::width_of(&words) * BOLD + 10.0);
            Flag { name: mark.name, words, at, x: at.min(frame.width - width - 1.0), width, lane: 0 }
        })
        .collect();
    flags.sort_by(|one, other| one.at.total_cmp(&other.at));
    place(&mut flags);
    flags
}

/// From right to left, each flag goes just above whatever it would cover: another flag, or the line of one. So the flags
/// of a crowd are stairs that come down to the right.
fn place(flags: &mut [Flag]) {
    for index in (0..flags.len()).rev() {
        let (before, placed) = flags.split_at_mut(index + 1);
        let flag = &mut before[index];
        let end = flag.x + flag.width + 2.0;
        let covered = |other: &&Flag| other.x.min(other.at) < end && flag.x < other.x + other.width + 2.0;
        flag.lane = placed.iter().filter(covered).map(|other| other.lane + 1).max().unwrap_or(0);
    }
}

/// How much room the flags take.
pub(super) fn height(flags: &[Flag]) -> f64 {
    flags.iter().map(|flag| flag.lane + 1).max().unwrap_or(0) as f64 * LANE
}

/// Draws lines and flags.
pub(super) fn draw(svg: &mut Markup, flags: &[Flag], top: f64, bottom: f64) {
    for flag in flags {
        let y = top - (flag.lane + 1) as f64 * LANE;
        canvas::line(svg, &format!("pole {}", class(flag.name)), (flag.at, y), (flag.at, bottom + 4.0));
    }
    for flag in flags {
        let y = top - (flag.lane + 1) as f64 * LANE;
        svg.open("g", &[("class", &format_args!("flag {}", class(flag.name)))]);
        svg.element("title", &[], story::mark_meaning(flag.name));
        canvas::rect(svg, "cloth", flag.x, y, flag.width, LANE - 3.0);
        let (x, y) = (canvas::Px(flag.x + 5.0), canvas::Px(y + 12.0));
        svg.element("text", &[("x", &x), ("y", &y)], &flag.words);
        svg.close("g").line();
    }
}

/// The fault and its end look alike; recovery is what all wait for.
const fn class(name: MarkName) -> &'static str {
    match name {
        MarkName::Fault | MarkName::Healed => "hit",
        MarkName::Recovered => "well",
        MarkName::DatabaseSilent
        | MarkName::DatabaseMoved
        | MarkName::Suspected
        | MarkName::Detected
        | MarkName::Decided
        | MarkName::Steered
        | MarkName::FailedBack => "step",
    }
}
