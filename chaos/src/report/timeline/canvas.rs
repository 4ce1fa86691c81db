//! Shapes, and where on the page the next one goes.

use std::fmt;

use super::Frame;
use crate::report::markup::Markup;

/// A length or coordinate, to a tenth. Never anything but a number: what is none becomes 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = if self.0.is_finite() { (self.0 * 10.0).round() } else { 0.0 };
        if tenths % 10.0 == 0.0 { write!(f, "{:.0}", tenths / 10.0 + 0.0) } else { write!(f, "{:.1}", tenths / 10.0) }
    }
}

/// A rectangle.
pub(super) fn rect(svg: &mut Markup, class: &str, x: f64, y: f64, width: f64, height: f64) {
    svg.leaf(
        "rect",
        &[("class", &class), ("x", &Px(x)), ("y", &Px(y)), ("width", &Px(width)), ("height", &Px(height))],
    );
    svg.line();
}

/// A straight line.
pub(super) fn line(svg: &mut Markup, class: &str, from: (f64, f64), to: (f64, f64)) {
    svg.leaf(
        "line",
        &[("class", &class), ("x1", &Px(from.0)), ("y1", &Px(from.1)), ("x2", &Px(to.0)), ("y2", &Px(to.1))],
    );
    svg.line();
}

/// A path.
pub(super) fn path(svg: &mut Markup, class: &str, data: &str) {
    svg.leaf("path", &[("class", &class), ("d", &data)]).line();
}

/// Points as the data of a path, joined by lines.
pub(super) fn joined(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut data = String::new();
    for (index, (x, y)) in points.into_iter().enumerate() {
        data.push_str(&format!("{}{} {}", if index == 0 { "M" } else { "L" }, Px(x), Px(y)));
    }
    data
}

/// About how wide words are. On the safe side: the reader's font is not known here.
pub(super) fn width_of(words: &str) -> f64 {
    words.chars().map(|letter| if letter.is_ascii() { 6.9 } else { 12.5 }).sum()
}

/// Words cut so that they fit.
pub(super) fn fitted(words: &str, width: f64) -> String {
    if width_of(words) <= width {
        return words.to_owned();
    }
    let mut kept = String::new();
    for letter in words.chars() {
        kept.push(letter);
        if width_of(&kept) + 12.5 > width {
            kept.pop();
            break;
        }
    }
    kept.trim_end().to_owned() + "\u{2026}"
}

/// What is drawn so far, from the top down.
///
/// Words lie over the lines of the marks, everything else under them.
#[derive(Debug)]
pub(super) struct Canvas {
    shapes: Markup,
    words: Markup,
    y: f64,
    plot_bottom: f64,
}

impl Canvas {
    pub(super) fn new(top: f64) -> Self {
        Self { shapes: Markup::default(), words: Markup::default(), y: top, plot_bottom: top }
    }

    /// Where the next thing goes.
    pub(super) const fn y(&self) -> f64 {
        self.y
    }

    /// Where the last plot or strip ended.
    pub(super) const fn plot_bottom(&self) -> f64 {
        self.plot_bottom
    }

    /// Goes down.
    pub(super) fn skip(&mut self, by: f64) {
        self.y += by;
    }

    /// Takes so much for a plot and tells where it begins.
    pub(super) fn plot(&mut self, height: f64) -> f64 {
        let top = self.y;
        self.y += height;
        self.plot_bottom = self.y;
        top
    }

    /// Where shapes go.
    pub(super) const fn shapes(&mut self) -> &mut Markup {
        &mut self.shapes
    }

    /// Writes words.
    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, words: impl fmt::Display) {
        self.words.element("text", &[("class", &class), ("x", &Px(x)), ("y", &Px(y))], words).line();
    }

    /// Shapes and words.
    pub(super) fn finish(self) -> (Markup, Markup) {
        (self.shapes, self.words)
    }

    /// The heading of what comes next: in the left margin where there is one, else in a line above.
    pub(super) fn heading(&mut self, frame: &Frame, lines: &[&str]) {
        if !frame.words {
            self.y += 32.0;
            return self.text("heading", 2.0, self.y - 10.0, fitted(&lines.join(", "), frame.width - 4.0));
        }
        self.y += 24.0;
        for (index, line) in lines.iter().enumerate() {
            let class = if index == 0 { "heading" } else { "soft" };
            self.text(class, 2.0, self.y + 10.0 + 15.0 * index as f64, fitted(line, frame.left - 44.0));
        }
    }

    /// A remark in the place of a plot.
    pub(super) fn note(&mut self, frame: &Frame, words: &str) {
        self.y += 40.0;
        self.text("soft", frame.left + 8.0, self.y - 16.0, words);
        self.plot_bottom = self.y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_is_always_a_number() {
        let told = [1.0, 1.25, -0.01, f64::NAN, f64::INFINITY].map(|px| Px(px).to_string());
        assert_eq!(told, ["1", "1.3", "0", "0", "0"]);
    }

    #[test]
    fn words_that_are_too_long_are_cut_and_show_it() {
        assert_eq!(fitted("us-west", 100.0), "us-west");
        let cut = fitted("a region with a very long name", 100.0);
        assert!(cut.ends_with('\u{2026}') && width_of(&cut) <= 100.0, "{cut}");
    }
}
