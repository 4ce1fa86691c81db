//! The summary for a terminal.

use crate::journal::{Breakdown, Journal};

use super::figures::{Figures, Line};
use super::{story, words};

/// The run in about twenty lines: verdict and engine, why, objectives beside measured, what became of the missions.
#[must_use]
pub fn summary(journal: &Journal) -> String {
    let mut lines = vec![
        format!("{}  {}, on {}", story::word(journal.verdict), journal.drill.name, story::engine(journal)),
        journal.drill.title.clone(),
        String::new(),
    ];
    lines.extend(story::why(journal).into_iter().map(|sentence| format!("  {sentence}")));
    lines.push(String::new());
    lines.extend(objectives(&Figures::of(journal).0));
    lines.push(String::new());
    lines.extend(facts(journal).into_iter().map(|(name, fact)| format!("  {name:<12}  {fact}").trim_end().to_owned()));
    lines.join("\n") + "\n"
}

fn objectives(lines: &[Line]) -> Vec<String> {
    let heads = ["objective", "wanted", "kept", "had"].map(str::to_owned);
    let told = lines.iter().filter(|line| line.is_telling());
    let told = told.map(|line| [line.name.clone(), line.wanted(), word(line.kept()).to_owned(), line.had()]);
    let rows: Vec<[String; 4]> = std::iter::once(heads).chain(told).collect();
    // The last column holds what was had: a figure that was not measured says why, at length.
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, wanted, kept) = (width(0), width(1), width(2));
    rows.iter()
        .map(|[what, most, held, had]| format!("  {what:<name$}  {most:<wanted$}  {held:<kept$}  {had}"))
        .collect()
}

const fn word(kept: Option<bool>) -> &'static str {
    match kept {
        Some(true) => "kept",
        Some(false) => "missed",
        None => "-",
    }
}

fn facts(journal: &Journal) -> Vec<(&'static str, String)> {
    let check = &journal.check;
    let n = words::count;
    let failed = story::failed(check).map_or_else(String::new, |failed| format!(" ({failed})"));
    vec![
        (
            "missions",
            format!(
                "{} acknowledged: {} {}, {} failed{failed}, {} held back",
                n(check.acknowledged),
                n(check.proven + check.unwatched),
                if check.unjudged.is_empty() { "proven" } else { "ended well by their rows" },
                n(check.failed.values().sum()),
                n(check.held_back)
            ),
        ),
        (
            "runs",
            format!(
                "{} leases moved, {} attempts lost, {} late results kept out by the fence",
                n(journal.measures.moved_leases),
                n(check.lost_attempts),
                n(check.fenced)
            ),
        ),
        (
            "unknown",
            format!(
                "{} without an answer: {}",
                words::pieces(check.indeterminate.all, "operation"),
                story::indeterminate(check)
            ),
        ),
        ("recovery", breakdown(&journal.measures.breakdown)),
        ("left behind", if journal.residue.is_empty() { "nothing".to_owned() } else { journal.residue.join(", ") }),
        ("run", format!("{}, tier {}, seed {}", journal.run, words::tier(journal.tier), journal.seed)),
    ]
}

fn breakdown(Breakdown(pieces): &Breakdown) -> String {
    if pieces.is_empty() {
        return "not measured piece by piece".to_owned();
    }
    let told: Vec<String> = pieces.iter().map(|(name, length)| format!("{name} {}", words::seconds(*length))).collect();
    told.join(" + ")
}
