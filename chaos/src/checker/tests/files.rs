//! The same history from a folder.

use std::path::Path;

use serde::Serialize;

use super::books::Books;
use super::model::{Model, all_lives, mixed};
use crate::checker::{AnomalyKind, check, check_within};
use crate::history::{EVENTS, Error, LEDGER, ROWS, Record, SUBMITS, agent_file};

fn write<T: Serialize>(folder: &Path, name: &str, lines: &[T]) {
    let record = Record::open(&folder.join(name)).unwrap();
    for line in lines {
        record.add(line).unwrap();
    }
}

/// Writes a history, its agents' operations over two files that use the same numbers.
fn write_all(folder: &Path, books: &Books) {
    write(folder, SUBMITS, &books.submits);
    let (mut west, mut east) = (Vec::new(), Vec::new());
    for mut op in books.agents.iter().cloned() {
        let file = if op.op % 2 == 0 { &mut west } else { &mut east };
        op.op /= 2;
        file.push(op);
    }
    write(folder, &agent_file("us-west"), &west);
    write(folder, &agent_file("us-east"), &east);
    write(folder, LEDGER, &books.ledger);
    write(folder, ROWS, &books.rows);
    write(folder, EVENTS, &books.events);
}

#[test]
fn a_folder_is_judged_as_its_lines_are_and_in_parts_as_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = mixed(Model::of(&[all_lives(), all_lives()].concat()).books, 3);
    books.rows.remove(0);
    books.ledger.truncate(books.ledger.len() / 2);
    write_all(folder.path(), &books);
    let summary = books.check();
    assert!(summary.count(AnomalyKind::Lost) > 10, "{summary:?}");
    assert_eq!(check(folder.path()).unwrap(), summary);
    assert_eq!(check_within(folder.path(), 20_000).unwrap(), summary);
}

#[test]
fn a_missing_file_is_no_clean_history() {
    for missing in [SUBMITS, LEDGER, ROWS, EVENTS] {
        let folder = tempfile::tempdir().unwrap();
        write_all(folder.path(), &Model::of(&all_lives()).books);
        std::fs::remove_file(folder.path().join(missing)).unwrap();
        let error = check(folder.path()).unwrap_err();
        assert!(matches!(&error, Error::Io { path, .. } if path.ends_with(missing)), "{error:?}");
    }
}
