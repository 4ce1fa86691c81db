//! The summary and the rows, word for word.

use insta::assert_snapshot;

use super::fixtures::{aborted, all, bare, deviated, pass};
use crate::journal::Figure;
use crate::report::{footnotes, header, row, summary};

#[test]
fn a_run_that_passed() {
    assert_snapshot!(summary(&pass()));
}

#[test]
fn a_run_that_deviated() {
    assert_snapshot!(summary(&deviated()));
}

#[test]
fn a_run_that_was_broken_off() {
    assert_snapshot!(summary(&aborted()));
}

#[test]
fn a_run_that_never_came_to_a_fault() {
    assert_snapshot!(summary(&bare()));
}

#[test]
fn many_runs_as_a_table() {
    let runs = all().map(|(_, journal)| journal);
    let rows: Vec<String> = runs.iter().map(row).collect();
    assert_snapshot!(format!("{}\n{}\n\n{}", header(), rows.join("\n"), footnotes(&runs)));
}

#[test]
fn the_first_line_names_the_engine_and_what_could_not_fail() {
    for (name, journal) in all() {
        let summary = summary(&journal);
        let first = summary.lines().next().expect("a line");
        assert!(
            first.ends_with("on PostgreSQL 18.0, one database. Could not fail in this run: the database itself."),
            "{name}: {first}"
        );
    }
    let mut journal = pass();
    journal.world.could_not_fail.clear();
    assert!(summary(&journal).contains("one database. Everything could fail in this run."));
}

#[test]
fn the_recovery_time_never_goes_without_its_label() {
    let mut journal = pass();
    journal.measures.rto_label = "with the database's own recovery".to_owned();
    let text = summary(&journal);
    for line in text.lines().filter(|line| line.contains("6.42 s")) {
        assert!(line.contains("(with the database's own recovery)"), "{line}");
    }
    assert!(row(&journal).contains("6.42 s with the database's own recovery"));
}

#[test]
fn a_reason_that_is_empty_is_still_a_word() {
    let mut journal = pass();
    journal.measures.rpo_s = Figure::NotMeasured(String::new());
    let text = summary(&journal);
    let line = text.lines().find(|line| line.trim_start().starts_with("RPO")).expect("a line");
    assert!(line.ends_with("not measured"), "{line}");
}

#[test]
fn a_drill_without_a_victim_tells_what_was_done() {
    let mut journal = pass();
    journal.victim = None;
    assert!(summary(&journal).contains("No region was singled out; what was done: partition us-west both ways."));
    assert!(row(&journal).contains("  -  "), "{}", row(&journal));
}
