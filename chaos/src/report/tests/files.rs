//! The files in the folder of a run.

use std::error::Error as _;
use std::fs;

use super::fixtures::{all, pass};
use crate::journal::Figure;
use crate::report::{Error, HTML, JOURNAL, TIMELINE, html, read, render, summary, timeline, write};

#[test]
fn made_again_from_its_journal_a_report_is_the_same_byte_for_byte() {
    for (name, journal) in all() {
        let folder = tempfile::tempdir().expect("a folder");
        write(&journal, folder.path()).expect("written");
        let files = || [JOURNAL, HTML, TIMELINE].map(|name| fs::read(folder.path().join(name)).expect("a file"));
        let before = files();
        let read = read(folder.path()).expect("read");
        assert_eq!(summary(&read), summary(&journal), "{name}");
        assert!(before[1..] == [html(&read).into_bytes(), timeline(&read).into_bytes()], "{name}");
        fs::remove_file(folder.path().join(HTML)).expect("there");
        render(&read, folder.path()).expect("rendered");
        assert!(files() == before, "{name}");
    }
}

#[test]
fn a_journal_that_nobody_could_read_again_is_no_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = pass();
    journal.measures.rto_s = Figure::Measured(f64::NAN);
    assert!(matches!(write(&journal, folder.path()), Err(Error::NoJournal { .. })));
}

#[test]
fn a_folder_without_a_journal_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = read(folder.path()).expect_err("nothing there");
    assert_eq!(error.to_string(), format!("cannot read {}", folder.path().join(JOURNAL).display()));
    assert!(matches!(error, Error::Read { .. }));
}

#[test]
fn a_file_that_is_no_journal_is_refused_with_the_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |text: &str| {
        fs::write(folder.path().join(JOURNAL), text).expect("written");
        read(folder.path()).expect_err("no journal")
    };
    let error = refused("{\"version\": 1,\n \"run\": 7}");
    assert!(error.to_string().ends_with("is no journal of a drill"), "{error}");
    assert!(error.source().is_some_and(|source| source.to_string().contains("line 2")), "{error:?}");
    assert!(matches!(refused("not JSON"), Error::NoJournal { .. }));
    let error = refused("{\"version\": 2, \"anything\": []}");
    assert!(error.to_string().ends_with("has version 2; this program reads version 1"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = write(&pass(), &folder.path().join("gone")).expect_err("no folder");
    assert!(matches!(error, Error::Write { .. }));
}
