//! The top of the page: the verdict, the engine and what could not fail, and why.

use crate::journal::{Journal, Verdict};
use crate::report::figures::Figures;
use crate::report::markup::Markup;
use crate::report::{story, words};

/// The banner. The engine is its first line of text.
pub(super) fn banner(html: &mut Markup, journal: &Journal) {
    html.open("header", &[("class", &format_args!("banner {}", class(journal.verdict)))]).raw("<div>\n");
    html.raw("<p class=\"verdict\">");
    sign(html, journal.verdict);
    html.element("span", &[], story::word(journal.verdict)).raw("</p>\n");
    html.element("p", &[("class", &"engine")], story::engine(journal)).line();
    html.element("h1", &[], &journal.drill.title).line();
    html.raw("<div class=\"why\">\n");
    for sentence in story::why(journal) {
        super::paragraph(html, sentence);
    }
    html.raw("</div>\n");
    tiles(html, journal);
    html.raw("</div>").close("header").line();
}

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Deviated => "deviated",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Aborted => "aborted",
        Verdict::Broken => "broken",
    }
}

/// A shape beside the word, so that colour is not all that tells verdicts apart at a glance.
fn sign(html: &mut Markup, verdict: Verdict) {
    let path = match verdict {
        Verdict::Pass => "M9 21l8 8 15-17",
        Verdict::Deviated => "M11 11l18 18M29 11l-18 18",
        Verdict::Inconclusive => "M14 15c0-8 12-8 12 0 0 5-6 5-6 10M20 30v1",
        Verdict::Aborted => "M13 13h14v14h-14z",
        Verdict::Broken => "M20 9v14M20 29v1",
    };
    html.raw("<svg viewBox=\"0 0 40 40\" width=\"48\" height=\"48\" aria-hidden=\"true\">");
    html.raw("<circle cx=\"20\" cy=\"20\" r=\"18.5\"/>").leaf("path", &[("d", &path)]).raw("</svg>");
}

/// The figures that everybody asks for first.
fn tiles(html: &mut Markup, journal: &Journal) {
    let figures = Figures::of(journal);
    let of = format!("of {}", words::pieces(journal.check.acknowledged, "acknowledged mission"));
    html.raw("<dl class=\"tiles\">\n");
    for (name, key, label) in [
        ("Recovery", "rto_s", journal.measures.rto_label.as_str()),
        ("Detection", "detection_s", "until a survivor called the region down"),
        ("Lost", "lost", &of),
        ("Done twice", "duplicated", &of),
    ] {
        let line = figures.get(key);
        let class = if line.is_measured() { "number" } else { "none" };
        html.raw("<div>").element("dt", &[], name).element("dd", &[("class", &class)], line.had());
        html.element("dd", &[], label).raw("</div>\n");
    }
    html.raw("</dl>\n");
}
