//! Whatever is done to a good file, reading it ends: with a drill, or with findings that lie inside the text.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::GOOD;
use crate::drill::{Blast, catalogue, file};

/// What the reader trips over.
const SPLINTERS: [&str; 16] =
    ["\0", "\t", "ž", "&a ", "*a", "---\n", ": ", "- ", "[", "}", "\"", "$", "${", "$x", "1e999", "-1"];

/// One change of a text; places are shares of its length.
#[derive(Debug, Clone)]
enum Change {
    Insert(f64, usize),
    Put(f64, char),
    Delete(f64, usize),
    /// A line is left out, and put in elsewhere.
    MoveLine(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0.0..1.0, 0..SPLINTERS.len()).prop_map(|(at, which)| Change::Insert(at, which)),
        (0.0..1.0, any::<char>()).prop_map(|(at, c)| Change::Put(at, c)),
        (0.0..1.0, 1_usize..30).prop_map(|(at, count)| Change::Delete(at, count)),
        (0_usize..80, 0_usize..80).prop_map(|(from, to)| Change::MoveLine(from, to)),
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
        Change::MoveLine(from, to) => {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            let line = lines.remove(from % lines.len());
            lines.insert(to % (lines.len() + 1), line);
            return lines.concat();
        }
    }
    text
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match file::read(text, "f.yaml", &BTreeMap::new()) {
        Ok(drill) => {
            let blast = Blast::of(&drill.method, drill.world.regions);
            prop_assert!(blast.regions_at_a_time <= drill.blast_radius.regions_max);
            prop_assert!(drill.undoable().count() == drill.undo_order().len());
        }
        Err(findings) => {
            prop_assert!(!findings.is_empty(), "what is refused has a reason");
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            for finding in findings.list() {
                let line = text.split('\n').nth(finding.line - 1);
                let inside = line.is_some_and(|line| finding.column <= line.chars().count() + 1);
                prop_assert!(inside && finding.column >= 1, "{}", finding);
            }
            prop_assert!(!findings.render(false).is_empty());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_gives_a_drill_or_findings_inside_it(
        base in 0..=catalogue::all().len(),
        changes in proptest::collection::vec(change(), 1..5),
    ) {
        let base = catalogue::all().get(base).map_or(GOOD, |drill| drill.text);
        check(&changes.iter().fold(base.to_owned(), changed))?;
    }
}
