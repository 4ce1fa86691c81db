//! Objectives beside what was measured.

use super::table::table;
use crate::journal::Journal;
use crate::report::figures::{Figures, Line};
use crate::report::markup::Markup;

pub(super) fn section(html: &mut Markup, journal: &Journal) {
    super::begin(html, "objectives", "Objectives beside what was measured");
    let rows = Figures::of(journal)
        .0
        .into_iter()
        .map(|line| vec![name(&line), Markup::of(line.wanted()), Markup::of(line.had()), kept(&line)])
        .collect();
    table(html, "objectives", "compact", &["objective", "wanted", "had", "kept"], rows);
    super::end(html);
}

fn name(line: &Line) -> Markup {
    let mut html = Markup::default();
    html.element("strong", &[], &line.name);
    html.element("small", &[], &line.what);
    html
}

fn kept(line: &Line) -> Markup {
    let (class, told) = match line.kept() {
        Some(true) => ("mark good", "\u{2713} kept"),
        Some(false) => ("mark bad", "\u{2717} missed"),
        None if line.is_asked() => ("mark", "not judged"),
        None => ("mark", "not asked"),
    };
    let mut html = Markup::default();
    html.element("span", &[("class", &class)], told);
    html
}
