//! Whatever is done to a good file, reading it ends, and every finding points at a place inside the text.

use proptest::prelude::*;
use topology::config::{self, Finding, Findings};

const BASES: [&str; 3] =
    [include_str!("../topology.yaml"), include_str!("data/ten-mistakes.yaml"), include_str!("data/shorthand.yaml")];

/// What YAML and the parser trip over.
const SPLINTERS: [&str; 24] = [
    "\0",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "ž",
    "𝛺",
    "&a ",
    "*a",
    "!!int ",
    "---\n",
    "...\n",
    "? ",
    ": ",
    "- ",
    "[",
    "}",
    "\"",
    "'",
    "|\n",
    "# ",
    "99999999999999999999",
    "%YAML 9.9\n",
];

/// One change of a text; places are shares of its length.
#[derive(Debug, Clone)]
enum Change {
    Insert(f64, usize),
    Put(f64, char),
    Delete(f64, usize),
    Double(f64, f64),
    Cut(f64),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0.0..1.0, 0..SPLINTERS.len()).prop_map(|(at, which)| Change::Insert(at, which)),
        (0.0..1.0, any::<char>()).prop_map(|(at, c)| Change::Put(at, c)),
        (0.0..1.0, 1_usize..40).prop_map(|(at, count)| Change::Delete(at, count)),
        (0.0..1.0, 0.0..1.0).prop_map(|(from, to)| Change::Double(from, to)),
        (0.0..1.0).prop_map(Change::Cut),
    ]
}

fn changed(mut text: String, change: &Change) -> String {
    let place = |text: &str, share: f64| text.floor_char_boundary((text.len() as f64 * share) as usize);
    match *change {
        Change::Insert(at, which) => text.insert_str(place(&text, at), SPLINTERS[which]),
        Change::Put(at, c) => text.insert(place(&text, at), c),
        Change::Delete(at, count) => {
            let start = place(&text, at);
            let end = text.ceil_char_boundary((start + count).min(text.len()));
            text.replace_range(start..end, "");
        }
        Change::Double(from, to) => {
            let piece = text[place(&text, from.min(to))..place(&text, from.max(to))].to_owned();
            text.insert_str(place(&text, to), &piece);
        }
        Change::Cut(at) => text.truncate(place(&text, at)),
    }
    text
}

/// Whether line and column are of a character of the text, or just behind the last one of the line.
fn is_inside(text: &str, finding: &Finding) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.split('\n').nth(finding.line - 1);
    line.is_some_and(|line| finding.column >= 1 && finding.column <= line.chars().count() + 1)
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let (findings, refused): (Findings, bool) = match config::parse(text, "f") {
        Ok(parsed) => (parsed.warnings, false),
        Err(findings) => (findings, true),
    };
    prop_assert_eq!(findings.errors().next().is_some(), refused, "refused files have an error, others none");
    for finding in findings.list() {
        prop_assert!(is_inside(text, finding), "{}", finding);
    }
    prop_assert!(findings.is_empty() || !findings.render(false).is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read_to_the_end_and_its_findings_lie_inside_it(
        base in 0..BASES.len(),
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        let text = changes.iter().fold(BASES[base].to_owned(), changed);
        check(&text)?;
    }

    #[test]
    fn any_text_is_read_to_the_end(text in "\\PC{0,200}|[-:?\\[\\]{},&*!|>'\"%@`# \n\tab0-9]{0,200}") {
        check(&text)?;
    }
}
