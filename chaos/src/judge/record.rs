//! The three records as files: one JSON object a line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use scheduler_client::wire::MissionState;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use topology::{Epoch, MissionId};

/// A 2xx answer to a submit, written by the submitter when it had read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The mission that was promised.
    pub mission: MissionId,
    /// When the answer was read, microseconds since the Unix epoch.
    pub at_us: i64,
}

/// A side effect of a run, written by its runner when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The mission.
    pub mission: MissionId,
    /// Fencing token of the run.
    pub epoch: Epoch,
    /// What happened.
    pub event: EffectKind,
    /// When, microseconds since the Unix epoch.
    pub at_us: i64,
    /// The region of the runner.
    #[serde(default)]
    pub region: String,
}

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// It began.
    Start,
    /// Its work was done.
    End,
    /// The scheduler accepted its completion.
    Accepted,
}

/// A mission's row as the database ends with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The mission.
    pub mission: MissionId,
    /// Its state.
    pub state: MissionState,
    /// Its fencing token.
    pub epoch: Epoch,
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("could not read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("{}:{line}: not a line of this record", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads a file of one JSON object a line. A last line without its line break was cut off by a kill and is left out.
///
/// # Errors
/// [`ReadError`] with the file and the line.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let (mut all, mut text, mut line) = (Vec::new(), String::new(), 0);
    while reader.read_line(&mut text).map_err(io)? > 0 {
        line += 1;
        if text.ends_with('\n') {
            let parsed = serde_json::from_str(&text);
            all.push(parsed.map_err(|source| ReadError::Line { path: path.to_owned(), line, source })?);
        }
        text.clear();
    }
    Ok(all)
}
