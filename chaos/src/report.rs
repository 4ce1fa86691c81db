//! The report of a drill: `journal.json` in words and pictures.
//!
//! Everything here is made of the journal alone and has neither clock nor randomness: made again, a report is the same
//! byte for byte. It is well-formed, fetches nothing and needs no script. A figure that was not measured is told in words,
//! never as 0 and never as nothing.

mod figures;
mod html;
mod markup;
mod row;
mod story;
mod summary;
mod timeline;
mod words;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use crate::journal::Journal;

pub use row::{footnotes, header, row};
pub use summary::summary;

/// The journal's name in the folder of a run.
pub const JOURNAL: &str = "journal.json";
/// The page's name.
pub const HTML: &str = "report.html";
/// The picture's name.
pub const TIMELINE: &str = "timeline.svg";

/// Why a report could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no journal.
    #[error("{} is no journal of a drill", path.display())]
    NoJournal {
        /// The file.
        path: PathBuf,
        /// Why, with the place.
        source: serde_json::Error,
    },
    /// A journal of another version.
    #[error("{} has version {found}; this program reads version {}", path.display(), Journal::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: u32,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The page of a run.
#[must_use]
pub fn html(journal: &Journal) -> String {
    html::page(journal)
}

/// The picture of a run, by itself.
#[must_use]
pub fn timeline(journal: &Journal) -> String {
    timeline::svg(journal)
}

/// Reads the journal in the folder of a run.
///
/// # Errors
/// Where there is none, where it is none, or where it has another version.
pub fn read(folder: &Path) -> Result<Journal, Error> {
    let path = folder.join(JOURNAL);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(Error::Read { path, source }),
    };
    // The version comes first: what else is in a journal of another one is not known here.
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    match serde_json::from_str::<Versioned>(&text) {
        Ok(Versioned { version }) if version != Journal::VERSION => {
            return Err(Error::Version { path, found: version });
        }
        Ok(_) => {}
        Err(source) => return Err(Error::NoJournal { path, source }),
    }
    serde_json::from_str(&text).map_err(|source| Error::NoJournal { path, source })
}

/// Writes page and picture into the folder of a run.
///
/// # Errors
/// Where a file cannot be written.
pub fn render(journal: &Journal, folder: &Path) -> Result<(), Error> {
    write_file(folder.join(HTML), &html(journal))?;
    write_file(folder.join(TIMELINE), &timeline(journal))
}

/// Writes the journal, its page and its picture into the folder of a run. The journal goes first: the rest is made of it
/// as it will be read, so that it comes out the same when it is made again.
///
/// # Errors
/// Where a file cannot be written, or where the journal could not be read again.
pub fn write(journal: &Journal, folder: &Path) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(journal).expect("plain data with text keys");
    write_file(folder.join(JOURNAL), &(text + "\n"))?;
    render(&read(folder)?, folder)
}

fn write_file(path: PathBuf, text: &str) -> Result<(), Error> {
    fs::write(&path, text).map_err(|source| Error::Write { path, source })
}
