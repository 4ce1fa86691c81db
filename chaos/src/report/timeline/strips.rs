//! Strips of states. What is good is a thin bar, so that the rest is seen; height and texture tell states apart, not
//! colour alone.

use super::Frame;
use super::axis::Axis;
use super::canvas::{self, Canvas};
use crate::journal::{Span, Strip};
use crate::report::markup::Markup;
use crate::report::words;

/// Groups in the order in which they are shown, with their headings; others come after them under their own names.
const GROUPS: [(&str, &str); 4] =
    [("fault", "Faults"), ("region", "Regions"), ("breaker", "Breakers"), ("probe", "Probes")];

/// Height of a strip.
const HEIGHT: f64 = 15.0;

/// How a state looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Good,
    Warn,
    Bad,
    Active,
    Other,
}

impl Look {
    fn of(state: &str) -> Self {
        match state {
            "up" | "closed" | "holds" => Self::Good,
            "suspect" | "cordoned" | "draining" | "half_open" => Self::Warn,
            "down" | "open" | "breached" => Self::Bad,
            "active" => Self::Active,
            _ => Self::Other,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Good => "state good",
            Self::Warn => "state warn",
            Self::Bad => "state bad",
            Self::Active => "state active",
            Self::Other => "state other",
        }
    }
}

/// All strips by group. Breakers that never opened are counted, not drawn.
pub(super) fn draw(canvas: &mut Canvas, strips: &[Strip], frame: &Frame, axis: &Axis) {
    let mut groups = GROUPS.to_vec();
    for Strip { group, .. } in strips {
        if groups.iter().all(|(known, _)| known != group) {
            groups.push((group, group));
        }
    }
    for (group, heading) in groups {
        let of_group = strips.iter().filter(|strip| strip.group == group);
        let (idle, shown): (Vec<&Strip>, Vec<&Strip>) = of_group.partition(|strip| is_idle(strip));
        if idle.is_empty() && shown.is_empty() {
            continue;
        }
        canvas.heading(frame, &[heading]);
        canvas.skip(if frame.words { 16.0 } else { -4.0 });
        for strip in &shown {
            row(canvas, strip, frame, axis);
        }
        if !idle.is_empty() {
            let more = if shown.is_empty() { "" } else { " more" };
            name(canvas, "soft", &format!("{}{more} stayed closed", idle.len()), frame);
        }
    }
}

fn is_idle(strip: &Strip) -> bool {
    strip.group == "breaker" && strip.spans.iter().all(|span| span.state == "closed")
}

/// What a row is: in the left margin where there is one, else in a line above. Tells where its strip begins.
fn name(canvas: &mut Canvas, class: &str, words: &str, frame: &Frame) -> f64 {
    if frame.words {
        let y = canvas.plot(HEIGHT);
        canvas.text(&format!("{class} end"), frame.left - 8.0, y + 11.5, canvas::fitted(words, frame.left - 14.0));
        return y;
    }
    canvas.skip(15.0);
    canvas.text(class, 2.0, canvas.y() - 3.0, canvas::fitted(words, frame.width - 4.0));
    canvas.y()
}

fn row(canvas: &mut Canvas, strip: &Strip, frame: &Frame, axis: &Axis) {
    let y = name(canvas, "word", &strip.name, frame);
    if !frame.words {
        canvas.plot(HEIGHT);
    }
    for span in &strip.spans {
        state(canvas, &strip.name, span, (y, frame), axis);
    }
    canvas.skip(4.0);
}

fn state(canvas: &mut Canvas, name: &str, span: &Span, (y, frame): (f64, &Frame), axis: &Axis) {
    let (from, to) = (axis.x(span.from_us), axis.x(span.to_us));
    // What lasted only an instant is still seen.
    let width = (to - from).max(1.5);
    let look = Look::of(&span.state);
    let word = words::spaced(&span.state);
    let offset = |at_us| words::offset(axis.seconds(at_us));
    let svg = canvas.shapes();
    svg.open("g", &[]);
    svg.element("title", &[], format_args!("{name}: {word}, {} to {}", offset(span.from_us), offset(span.to_us)));
    swatch(svg, look, frame, (from, y), width);
    svg.close("g").line();
    if look != Look::Good && canvas::width_of(&word) + 10.0 <= width {
        canvas.text(look.class(), from + 5.0, y + 11.5, word);
    }
}

fn swatch(svg: &mut Markup, look: Look, frame: &Frame, (x, y): (f64, f64), width: f64) {
    let (inset, height) = if look == Look::Good { (HEIGHT / 2.0 - 2.0, 4.0) } else { (0.0, HEIGHT) };
    canvas::rect(svg, look.class(), x, y + inset, width, height);
    if look == Look::Warn {
        svg.leaf(
            "rect",
            &[
                ("fill", &format_args!("url(#{}-warn)", frame.id)),
                ("x", &canvas::Px(x)),
                ("y", &canvas::Px(y)),
                ("width", &canvas::Px(width)),
                ("height", &canvas::Px(height)),
            ],
        );
    }
}

/// What the looks mean; below everything else.
pub(super) fn key(canvas: &mut Canvas, strips: &[Strip], frame: &Frame) {
    if strips.iter().all(is_idle) {
        return;
    }
    let (mut x, mut y) = (if frame.words { frame.left } else { 2.0 }, canvas.y() + 10.0);
    for (look, words) in [
        (Look::Active, "fault active"),
        (Look::Good, "up, closed, holds"),
        (Look::Warn, "suspect, cordoned, half open"),
        (Look::Bad, "down, open, breached"),
    ] {
        let width = canvas::width_of(words) + 48.0;
        swatch(canvas.shapes(), look, frame, (x, y), 22.0);
        canvas.text("word", x + 28.0, y + 11.5, words);
        if frame.words { x += width } else { y += HEIGHT + 5.0 }
    }
    canvas.skip(if frame.words { 10.0 + HEIGHT } else { y - canvas.y() });
}
