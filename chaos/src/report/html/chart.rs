//! The picture, in two widths of which one is shown, and its marks as a list.

use crate::journal::{Journal, MarkName};
use crate::report::markup::Markup;
use crate::report::timeline::{self, Frame};
use crate::report::{story, words};

pub(super) fn section(html: &mut Markup, journal: &Journal) {
    super::begin(html, "timeline", "What happened, and when");
    for (class, frame) in [("wide", Frame::WIDE), ("narrow", Frame::NARROW)] {
        html.open("figure", &[("class", &class)]).append(&timeline::draw(journal, &frame)).raw("</figure>\n");
    }
    marks(html, journal);
    super::end(html);
}

fn marks(html: &mut Markup, journal: &Journal) {
    if journal.marks.0.is_empty() {
        return super::paragraph(html, "No instant was marked: no fault was injected.");
    }
    let zero = journal.marks.at(MarkName::Fault).unwrap_or(journal.started_at_us);
    html.raw("<ol class=\"marks\">\n");
    for mark in &journal.marks.0 {
        html.raw("<li>").element("b", &[], story::mark(mark.name)).raw(" ");
        html.element("span", &[("class", &"at")], words::offset(seconds_between(zero, mark.at_us)));
        html.element("small", &[], story::mark_meaning(mark.name)).raw("</li>\n");
    }
    html.raw("</ol>\n");
}

/// Seconds from one instant to another, whatever both are.
pub(super) fn seconds_between(from_us: i64, to_us: i64) -> f64 {
    (to_us as f64 - from_us as f64) / 1e6
}
