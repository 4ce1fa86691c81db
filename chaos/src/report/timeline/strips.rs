//! Strips of states. What is good is a thin bar, so that the rest is seen; height and texture tell states apart, not
//! colour alone.

use super::Frame;
use super::axis::Axis;
use super::canvas::{self, Canvas};
use crate::journal::{Span, Strip};
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
            "suspect" | "cordoned" | "half_open" => Self::Warn,
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
    let (idle, shown): (Vec<&Strip>, Vec<&Strip>) = strips.iter().partition(|strip| is_idle(strip));
    let known = GROUPS.iter().map(|(group, heading)| (*group, *heading));
    let mut groups: Vec<(&str, &str)> = known.collect();
    for strip in &shown {
        if groups.iter().all(|(group, _)| *group != strip.group) {
            groups.push((&strip.group, &strip.group));
        }
    }
    for (group, heading) in groups {
        let of_group: Vec<&&Strip> = shown.iter().filter(|strip| strip.group == group).collect();
        let idle = idle.iter().filter(|strip| strip.group == group).count();
        if !of_group.is_empty() || idle > 0 {
            canvas.heading(frame, &[&told(heading, of_group.len(), idle)]);
            canvas.skip(if frame.words { 16.0 } else { -4.0 });
        }
        for strip in of_group {
            row(canvas, strip, frame, axis);
        }
    }
}

fn is_idle(strip: &Strip) -> bool {
    strip.group == "breaker" && strip.spans.iter().all(|span| span.state == "closed")
}

fn told(heading: &str, shown: usize, idle: usize) -> String {
    match (shown, idle) {
        (_, 0) => heading.to_owned(),
        (0, idle) => format!("{heading}: {idle} stayed closed"),
        (_, idle) => format!("{heading}; {idle} more stayed closed"),
    }
}

fn row(canvas: &mut Canvas, strip: &Strip, frame: &Frame, axis: &Axis) {
    let y = if frame.words {
        let y = canvas.plot(HEIGHT);
        let name = canvas::fitted(&strip.name, frame.left - 14.0);
        canvas.text("word end", frame.left - 8.0, y + 11.5, name);
        y
    } else {
        canvas.skip(15.0);
        let name = canvas::fitted(&strip.name, frame.width - 4.0);
        let y = canvas.y() - 3.0;
        canvas.text("word", 2.0, y, name);
        canvas.plot(HEIGHT)
    };
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

fn swatch(svg: &mut crate::report::markup::Markup, look: Look, frame: &Frame, (x, y): (f64, f64), width: f64) {
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
