//! One line a drill, for a table of many.

use crate::journal::Journal;

use super::figures::Figures;
use super::{story, words};

/// The columns: heading, and how wide. The last is as wide as it is.
const COLUMNS: [(&str, usize); 10] = [
    ("drill", 24),
    ("verdict", 12),
    ("share", 6),
    ("detection", 12),
    ("RTO", 22),
    ("RPO", 12),
    ("lost", 12),
    ("duplicated", 12),
    ("indeterminate", 13),
    ("budget used", 0),
];

/// What a figure that was not measured is in a row; [`footnotes`] says why.
const NOT_MEASURED: &str = "not measured";

/// The headings over [`row`]s.
#[must_use]
pub fn header() -> String {
    aligned(COLUMNS.map(|(heading, _)| heading.to_owned()))
}

/// A run as one line.
#[must_use]
pub fn row(journal: &Journal) -> String {
    let figures = Figures::of(journal);
    let label = &journal.measures.rto_label;
    let told = |key| {
        let line = figures.get(key);
        if line.is_measured() { line.had() } else { NOT_MEASURED.to_owned() }
    };
    let rto = if figures.get("rto_s").is_measured() { format!("{} {label}", told("rto_s")) } else { told("rto_s") };
    aligned([
        journal.drill.name.clone(),
        story::word(journal.verdict).to_lowercase(),
        journal.victim.as_ref().map_or_else(|| "-".to_owned(), |victim| words::percent(victim.share())),
        told("detection_s"),
        rto,
        told("rpo_s"),
        told("lost"),
        told("duplicated"),
        words::count(journal.check.indeterminate.all),
        told("budget_minutes"),
    ])
}

/// Why figures of these runs were not measured: one line a reason, with the drills that it is about.
#[must_use]
pub fn footnotes<'a>(journals: impl IntoIterator<Item = &'a Journal>) -> String {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for journal in journals {
        let figures = Figures::of(journal);
        for (name, key) in [("detection", "detection_s"), ("RTO", "rto_s"), ("RPO", "rpo_s")] {
            let line = figures.get(key);
            if line.is_measured() {
                continue;
            }
            let note = format!("{name} {}", line.had());
            match notes.iter_mut().find(|(known, _)| *known == note) {
                Some((_, drills)) => drills.push(&journal.drill.name),
                None => notes.push((note, vec![&journal.drill.name])),
            }
        }
    }
    notes.into_iter().map(|(note, drills)| format!("{note} ({})\n", drills.join(", "))).collect()
}

fn aligned(cells: [String; COLUMNS.len()]) -> String {
    let padded = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:<width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
