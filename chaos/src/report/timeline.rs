//! `timeline.svg`: everything over one axis of time. Drawn in two widths; the words of the narrow one are not smaller,
//! so that a phone shows them in a readable size.

mod axis;
mod bins;
mod canvas;
mod marks;
mod panels;
mod scale;
mod stack;
mod strips;

use crate::journal::{Journal, MarkName};

use super::markup::Markup;
use super::{story, words};
use axis::Axis;
use canvas::Canvas;

/// Looks, light and dark. No variables: not every program that shows SVG knows them.
const STYLE: &str = include_str!("timeline/style.css");

/// How wide the picture is, and what goes into its margins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Begins every id, so that two pictures fit on one page.
    pub(super) id: &'static str,
    /// Width, in units of which a letter is about seven wide.
    pub(super) width: f64,
    /// Where the plots begin.
    pub(super) left: f64,
    /// What is kept free to their right: for keys and the words of late marks.
    pub(super) right: f64,
    /// Whether marks bear their words; else their numbers, with the words elsewhere on the page.
    pub(super) words: bool,
    /// Most points of a series that are drawn.
    pub(super) bins: usize,
    /// Most ticks of the time axis.
    pub(super) ticks: usize,
}

impl Frame {
    /// For a desktop, and on its own.
    pub(super) const WIDE: Self =
        Self { id: "wide", width: 1080.0, left: 190.0, right: 140.0, words: true, bins: 240, ticks: 14 };

    /// For a phone.
    pub(super) const NARROW: Self =
        Self { id: "narrow", width: 352.0, left: 36.0, right: 24.0, words: false, bins: 110, ticks: 6 };

    /// Where the plots end.
    fn plot_end(&self) -> f64 {
        self.width - self.right
    }
}

/// The picture by itself.
pub(super) fn svg(journal: &Journal) -> String {
    let mut svg = draw(journal, &Frame::WIDE);
    svg.line();
    svg.finish()
}

/// The picture in a frame.
pub(super) fn draw(journal: &Journal, frame: &Frame) -> Markup {
    let axis = Axis::of(journal, frame);
    let flags = marks::flags(&journal.marks, &axis, frame);
    let top = 10.0 + marks::height(&flags);
    let mut canvas = Canvas::new(top);
    if bins::steps(&journal.timeline) == 0 {
        canvas.note(frame, "No figures over time were recorded.");
    } else {
        panels::draw(&mut canvas, journal, frame, &axis);
    }
    strips::draw(&mut canvas, &journal.timeline.strips, frame, &axis);
    axis.draw(&mut canvas, top);
    let bottom = canvas.plot_bottom();
    strips::key(&mut canvas, &journal.timeline.strips, frame);
    let height = canvas.y() + 8.0;

    let mut svg = root(journal, frame, height);
    band(&mut svg, journal, &axis, top, bottom);
    let (shapes, words) = canvas.finish();
    svg.append(&shapes);
    marks::draw(&mut svg, &flags, top, bottom);
    svg.append(&words);
    svg.close("svg");
    svg
}

fn root(journal: &Journal, frame: &Frame, height: f64) -> Markup {
    let (id, width) = (frame.id, canvas::Px(frame.width));
    let height = canvas::Px(height);
    let mut svg = Markup::default();
    svg.open(
        "svg",
        &[
            ("xmlns", &"http://www.w3.org/2000/svg"),
            ("class", &"timeline"),
            ("viewBox", &format_args!("0 0 {width} {height}")),
            ("width", &width),
            ("height", &height),
            ("role", &"img"),
            ("aria-labelledby", &format_args!("{id}-title {id}-desc")),
        ],
    );
    svg.element("title", &[("id", &format_args!("{id}-title"))], format_args!("Timeline of {}", journal.drill.title));
    svg.element("desc", &[("id", &format_args!("{id}-desc"))], description(journal)).line();
    svg.open("style", &[]).raw(STYLE).close("style").line();
    stack::textures(&mut svg, frame);
    svg.leaf("rect", &[("class", &"paper"), ("width", &width), ("height", &height)]).line();
    svg
}

fn description(journal: &Journal) -> String {
    let zero = journal.marks.at(MarkName::Fault).unwrap_or(journal.started_at_us);
    let marks =
        journal.marks.0.iter().map(|mark| {
            format!("{} {}", story::mark(mark.name), words::offset((mark.at_us as f64 - zero as f64) / 1e6))
        });
    let marks: Vec<String> = marks.collect();
    let marks = if marks.is_empty() { "none".to_owned() } else { marks.join(", ") };
    format!(
        "Throughput by region, errors, p99 from submit to leased, leases by region and states over time. Marks: {marks}."
    )
}

/// Shades the time of the fault.
fn band(svg: &mut Markup, journal: &Journal, axis: &Axis, top: f64, bottom: f64) {
    let Some(fault) = journal.marks.at(MarkName::Fault) else { return };
    let from = axis.x(fault);
    let to = journal.marks.at(MarkName::Healed).map_or_else(|| axis.end(), |at| axis.x(at));
    canvas::rect(svg, "band", from, top, (to - from).max(0.0), bottom - top);
}
