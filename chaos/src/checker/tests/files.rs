//! The same history from a folder.

use std::path::Path;

use serde::Serialize;

use super::books::Books;
use super::model::{Model, all_lives, mixed};
use crate::checker::{AnomalyKind, Summary, check, check_within, check_without_runners};
use crate::history::{Call, EVENTS, Error, LEDGER, ROWS, Record, SUBMITS, agent_file};

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

#[test]
fn without_runners_only_what_they_alone_show_is_left_open() {
    let folder = tempfile::tempdir().unwrap();
    let history = Model::of(&all_lives()).books;
    write(folder.path(), SUBMITS, &history.submits);
    write(folder.path(), ROWS, &history.rows);
    write(folder.path(), EVENTS, &history.events);
    let whole = check_without_runners(folder.path()).unwrap();
    assert!(whole.is_clean() && whole.unjudged == AnomalyKind::BY_RUNNERS.into(), "{whole:?}");
    assert!(whole.unwatched > 0 && whole.proven == 0, "{whole:?}");

    let promised = history.submits.iter().find_map(|op| match op.call {
        Call::Submit { mission, .. } => mission,
        Call::Complete { .. } | Call::Fail { .. } => None,
    });
    let rows: Vec<_> = history.rows.iter().filter(|row| Some(row.mission) != promised).cloned().collect();
    std::fs::remove_file(folder.path().join(ROWS)).unwrap();
    write(folder.path(), ROWS, &rows);
    let lost: Summary = check_without_runners(folder.path()).unwrap();
    assert_eq!(lost.count(AnomalyKind::Lost), 1, "{lost:?}");
}
