//! The recovery time, piece by piece, as a stacked bar.

use crate::journal::{Breakdown, Journal};
use crate::report::figures::Figures;
use crate::report::markup::Markup;
use crate::report::words;

/// Colours of pieces.
const LOOKS: usize = 6;

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

/// Each piece's share of the whole.
fn shares(pieces: &[(String, f64)]) -> Vec<f64> {
    let lengths = pieces.iter().map(|(_, length)| if length.is_finite() { length.max(0.0) } else { 0.0 });
    let whole: f64 = lengths.clone().sum();
    lengths.map(|length| if whole > 0.0 { length / whole } else { 0.0 }).collect()
}

fn bar(html: &mut Markup, name: &str, pieces: &[(String, f64)]) {
    let told: Vec<String> = pieces.iter().map(|(name, length)| format!("{name} {}", words::seconds(*length))).collect();
    html.open(
        "div",
        &[("class", &"bar"), ("role", &"img"), ("aria-label", &format_args!("{name}: {}", told.join(", ")))],
    );
    for (index, share) in shares(pieces).into_iter().enumerate() {
        let (class, grow) = (format!("p{}", index % LOOKS), format!("flex-grow:{share:.4}"));
        html.open("span", &[("class", &class), ("style", &grow)]);
        // A sliver has no room for its number.
        if share > 0.03 {
            html.text(index + 1);
        }
        html.close("span");
    }
    html.raw("</div>\n<ol class=\"pieces\">\n");
    for (index, (name, length)) in pieces.iter().enumerate() {
        html.open("li", &[]).element("span", &[("class", &format_args!("key p{}", index % LOOKS))], index + 1);
        html.raw(" ").text(name).raw(" ").element("b", &[], words::seconds(*length)).raw("</li>\n");
    }
    html.raw("</ol>\n");
}
