//! Files of one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write as _};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::de::value::{Error as Unknown, StrDeserializer};
use serde::{Deserialize, Serialize};

use super::{Effect, EffectKind, Event, Op, Row};

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 18;

/// Why a history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("could not use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("{}:{line}: not a line of this file", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The database did not tell its rows.
    #[error("could not read the missions")]
    Database(#[source] tokio_postgres::Error),
    /// The database told something that a mission cannot be.
    #[error("a mission's {what} is {value:?}")]
    Value {
        /// The column.
        what: &'static str,
        /// What stands in it.
        value: String,
    },
}

/// An append-only file of one JSON object a line, each written by one call.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: Mutex<File>,
}

impl Record {
    /// Opens a record, making it where it is not there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        match OpenOptions::new().create(true).append(true).open(&path) {
            Ok(file) => Ok(Self { path, file: Mutex::new(file) }),
            Err(source) => Err(Error::Io { path, source }),
        }
    }

    /// Appends one line.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn add(&self, entry: &impl Serialize) -> Result<(), Error> {
        let mut line = serde_json::to_vec(entry).expect("the lines of a history are plain data");
        line.push(b'\n');
        let written = self.file.lock().expect("no holder of this lock panics").write_all(&line);
        written.map_err(|source| Error::Io { path: self.path.clone(), source })
    }
}

/// What stands in a line of a history.
pub trait Line: Sized {
    /// Reads a line; none where it is of a kind that this version does not know.
    ///
    /// # Errors
    /// Where it is not a line of this file.
    fn parse(text: &[u8]) -> serde_json::Result<Option<Self>>;
}

impl Line for Op {
    fn parse(text: &[u8]) -> serde_json::Result<Option<Self>> {
        serde_json::from_slice(text).map(Some)
    }
}

impl Line for Row {
    fn parse(text: &[u8]) -> serde_json::Result<Option<Self>> {
        serde_json::from_slice(text).map(Some)
    }
}

impl Line for Event {
    fn parse(text: &[u8]) -> serde_json::Result<Option<Self>> {
        serde_json::from_slice(text).map(Some)
    }
}

impl Line for Effect {
    fn parse(text: &[u8]) -> serde_json::Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Named {
            event: String,
        }
        serde_json::from_slice(text).map(Some).or_else(|error| match serde_json::from_slice::<Named>(text) {
            Ok(Named { event }) if EffectKind::deserialize(StrDeserializer::<Unknown>::new(&event)).is_err() => {
                Ok(None)
            }
            Ok(_) | Err(_) => Err(error),
        })
    }
}

/// The lines of a file, one after the other. A last line without its line break was cut off by a kill and is left out.
#[derive(Debug)]
pub struct Lines<T> {
    path: PathBuf,
    reader: BufReader<File>,
    text: Vec<u8>,
    line: u64,
    of: PhantomData<T>,
}

impl<T: Line> Lines<T> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        match File::open(&path) {
            Ok(file) => {
                let reader = BufReader::with_capacity(BUFFER, file);
                Ok(Self { path, reader, text: Vec::new(), line: 0, of: PhantomData })
            }
            Err(source) => Err(Error::Io { path, source }),
        }
    }
}

impl<T: Line> Iterator for Lines<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.text.clear();
            if let Err(source) = self.reader.read_until(b'\n', &mut self.text) {
                return Some(Err(Error::Io { path: self.path.clone(), source }));
            }
            if self.text.last() != Some(&b'\n') {
                return None;
            }
            self.line += 1;
            match T::parse(&self.text) {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => {}
                Err(source) => {
                    return Some(Err(Error::Line { path: self.path.clone(), line: self.line, source }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
