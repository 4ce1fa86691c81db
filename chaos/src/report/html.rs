//! `report.html`: one page that fetches nothing.

mod chart;
mod missions;
mod objectives;
mod proof;
mod record;
mod recovery;
mod table;
mod verdict;

use crate::journal::Journal;

use super::markup::Markup;
use super::story;

/// Looks, for screens of any width, light and dark, and for paper.
const STYLE: &str = include_str!("html/style.css");

/// The page of a run.
pub(super) fn page(journal: &Journal) -> String {
    let mut html = Markup::default();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n");
    head(&mut html, journal);
    html.raw("<body>\n");
    verdict::banner(&mut html, journal);
    html.raw("<main>\n");
    objectives::section(&mut html, journal);
    recovery::section(&mut html, journal);
    missions::section(&mut html, journal);
    missions::anomalies(&mut html, journal);
    chart::section(&mut html, journal);
    record::steady_state(&mut html, journal);
    record::activities(&mut html, journal);
    record::residue(&mut html, journal);
    proof::section(&mut html, journal);
    html.raw("</main>\n</body>\n</html>\n");
    html.finish()
}

fn head(html: &mut Markup, journal: &Journal) {
    html.raw("<head>\n<meta charset=\"utf-8\"/>\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\"/>\n");
    html.element("title", &[], format_args!("{}: {}", story::word(journal.verdict), journal.drill.title)).line();
    html.raw("<style>\n").raw(STYLE).raw("</style>\n</head>\n");
}

/// Begins a section with its heading.
fn begin(html: &mut Markup, id: &'static str, heading: &'static str) {
    html.open("section", &[("aria-labelledby", &id)]);
    html.element("h2", &[("id", &id)], heading).line();
}

fn end(html: &mut Markup) {
    html.close("section").line();
}

/// A paragraph.
fn paragraph(html: &mut Markup, text: impl std::fmt::Display) {
    html.element("p", &[], text).line();
}
