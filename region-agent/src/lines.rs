//! An append-only file of one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use serde::Serialize;

/// The file. Many processes may append to one: every line is one write.
#[derive(Debug)]
pub(crate) struct Lines(Mutex<File>);

impl Lines {
    /// Opens or creates the file.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }

    /// Appends one line. One that cannot be written is missed, and told of.
    pub(crate) fn add(&self, line: &impl Serialize) {
        let mut bytes = serde_json::to_vec(line).expect("a line is plain data");
        bytes.push(b'\n');
        let mut file = self.0.lock().expect("no holder of this lock panics");
        if let Err(error) = file.write_all(&bytes) {
            tracing::error!(%error, "a record misses a line");
        }
    }
}

/// Microseconds since the Unix epoch.
pub(crate) fn now_us() -> i64 {
    chrono::Utc::now().timestamp_micros()
}
