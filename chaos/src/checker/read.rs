//! A history's folder through the checker, with bounded memory.

use std::path::{Path, PathBuf};

use super::{Checker, Part, Summary};
use crate::history::{self, EVENTS, Effect, Event, LEDGER, Lines, Op, ROWS, Row};

/// Bytes of history that are judged at a time. What has to be kept of them is about a third of that.
const AT_A_TIME: u64 = 1 << 30;

/// Decides from a history's folder what happened.
///
/// It is read line by line. What is kept of each mission is small, and where the files are large they are read several
/// times, each time for the missions and keys of one part: memory does not grow with the history, time does.
///
/// # Errors
/// [`history::Error`] where a file is missing or a line is not what it should be.
pub fn check(folder: &Path) -> Result<Summary, history::Error> {
    check_within(folder, AT_A_TIME)
}

/// As [`check`], with so many bytes of history judged at a time; about a third of them is kept in memory.
///
/// # Errors
/// As [`check`].
pub fn check_within(folder: &Path, bytes: u64) -> Result<Summary, history::Error> {
    Files::of(folder)?.check_within(bytes)
}

/// As [`check`], of a folder without the records of agents and runners: what only these show is not judged, and the
/// summary says so.
///
/// # Errors
/// As [`check`].
pub fn check_without_runners(folder: &Path) -> Result<Summary, history::Error> {
    Files { ledger: None, ..Files::of(folder)? }.check_within(AT_A_TIME)
}

struct Files {
    ops: Vec<PathBuf>,
    /// None where the runners wrote none.
    ledger: Option<PathBuf>,
    rows: PathBuf,
    events: PathBuf,
}

impl Files {
    fn of(folder: &Path) -> Result<Self, history::Error> {
        let [ledger, rows, events] = [LEDGER, ROWS, EVENTS].map(|name| folder.join(name));
        Ok(Self { ops: history::op_files(folder)?, ledger: Some(ledger), rows, events })
    }

    fn check_within(&self, bytes: u64) -> Result<Summary, history::Error> {
        let parts = self.bytes()?.div_ceil(bytes.max(1));
        Part::all(parts).try_fold(Summary::default(), |sum, part| Ok(sum.and(self.check(part)?)))
    }

    fn bytes(&self) -> Result<u64, history::Error> {
        let all = self.ops.iter().chain(&self.ledger).chain([&self.rows, &self.events]);
        all.map(|path| match path.metadata() {
            Ok(data) => Ok(data.len()),
            Err(source) => Err(history::Error::Io { path: path.clone(), source }),
        })
        .sum()
    }

    fn check(&self, part: Part) -> Result<Summary, history::Error> {
        let mut checker = if self.ledger.is_some() { Checker::new(part) } else { Checker::without_runners(part) };
        for (file, path) in self.ops.iter().enumerate() {
            for op in Lines::<Op>::open(path)? {
                checker.op(file, &op?);
            }
        }
        if let Some(ledger) = &self.ledger {
            for effect in Lines::<Effect>::open(ledger)? {
                checker.effect(&effect?);
            }
        }
        for row in Lines::<Row>::open(&self.rows)? {
            checker.row(&row?);
        }
        for event in Lines::<Event>::open(&self.events)? {
            checker.event(&event?);
        }
        Ok(checker.finish())
    }
}
