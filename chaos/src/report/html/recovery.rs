//! The recovery time, piece by piece, as a stacked bar.

use crate::journal::{Breakdown, Journal};
use crate::report::figures::Figures;
use crate::report::markup::Markup;
use crate::report::words;

pub(super) fn section(html: &mut Markup, journal: &Journal) {
    super::begin(html, "recovery", "Recovery time, piece by piece");
    let figures = Figures::of(journal);
    let rto = figures.get("rto_s");
    super::paragraph(html, format_args!("{}: {}", rto.name, rto.had()));
    let Breakdown(pieces) = &journal.measures.breakdown;
    if pieces.is_empty() {
        super::paragraph(html, "It was not measured piece by piece.");
    } else {
        bar(html, &rto.name, pieces);
    }
    super::end(html);
}

fn bar(html: &mut Markup, name: &str, pieces: &[(String, f64)]) {
    let told: Vec<String> = pieces.iter().map(|(name, length)| format!("{name} {}", words::seconds(*length))).collect();
    html.open(
        "div",
        &[("class", &"bar"), ("role", &"img"), ("aria-label", &format_args!("{name}: {}", told.join(", ")))],
    );
    for (index, (_, length)) in pieces.iter().enumerate() {
        let share = if length.is_finite() { length.max(0.0) } else { 0.0 };
        let attributes: [(_, &dyn std::fmt::Display); 2] =
            [("class", &format_args!("p{}", index % 6)), ("style", &format_args!("flex-grow:{share:.4}"))];
        html.element("span", &attributes, index + 1);
    }
    html.raw("</div>\n<ol class=\"pieces\">\n");
    for (index, (name, length)) in pieces.iter().enumerate() {
        html.open("li", &[]).element("span", &[("class", &format_args!("key p{}", index % 6))], index + 1);
        html.raw(" ").text(name).raw(" ").element("b", &[], words::seconds(*length)).raw("</li>\n");
    }
    html.raw("</ol>\n");
}
