//! `chaos report` as a program, over a journal of version 1 as it lies on somebody's disk.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const JOURNAL: &str = include_str!("report/journal.json");

fn chaos_report(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
    command.arg("report").arg(folder).args(more).output().expect("the program runs")
}

fn folder_with(journal: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("journal.json"), journal).expect("written");
    folder
}

#[test]
fn a_report_is_made_again_and_its_summary_printed() {
    let folder = folder_with(JOURNAL);
    let output = chaos_report(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.starts_with("BROKEN  region-cut, on PostgreSQL 18.0, one database. "), "{text}");
    for (name, begins) in [("report.html", "<!DOCTYPE html>"), ("timeline.svg", "<svg "), ("journal.json", JOURNAL)] {
        let file = std::fs::read_to_string(folder.path().join(name)).expect("a file");
        assert!(file.starts_with(begins), "{name}: {file}");
    }
}

#[test]
fn programs_get_verdict_measures_and_judged() {
    let folder = folder_with(JOURNAL);
    let output = chaos_report(folder.path(), &["--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let journal: Value = serde_json::from_str(JOURNAL).expect("JSON");
    let keys: Vec<&String> = told.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["judged", "measures", "verdict"]);
    for key in keys {
        assert_eq!(told[key], journal[key], "{key}");
    }
}

#[test]
fn a_folder_that_is_no_run_is_wrong_usage() {
    for (folder, why) in [
        (tempfile::tempdir().expect("a folder"), "cannot read "),
        (folder_with("{}"), "is no journal of a drill: missing field `version`"),
        (folder_with("{\"version\":9}"), "has version 9; this program reads version 1"),
    ] {
        let output = chaos_report(folder.path(), &[]);
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.code() == Some(2) && text.contains(why), "{text}");
        assert!(!folder.path().join("report.html").exists());
    }
}
