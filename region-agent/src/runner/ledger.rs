//! An append-only file of what runners really did, for judges that trust no row.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use serde::Serialize;
use topology::{Epoch, MissionId, RegionName, SessionId};

use super::Job;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerEvent {
    /// A run began.
    Start,
    /// It ended by itself, with success or without.
    End,
    /// It was stopped before its end.
    Stop,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    at_us: i64,
    event: LedgerEvent,
    mission: MissionId,
    epoch: Epoch,
    session: SessionId,
    region: &'a RegionName,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
}

/// The file. Many processes may append to one: every line is one write.
#[derive(Debug)]
pub struct Ledger(Mutex<File>);

impl Ledger {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }

    /// Appends one line.
    pub fn note(&self, job: &Job, event: LedgerEvent, ok: Option<bool>) {
        let line = Line {
            at_us: chrono::Utc::now().timestamp_micros(),
            event,
            mission: job.grant.mission,
            epoch: job.grant.epoch,
            session: job.session,
            region: &job.region,
            ok,
        };
        let mut bytes = serde_json::to_vec(&line).expect("a line is plain data");
        bytes.push(b'\n');
        let mut file = self.0.lock().expect("no holder of this lock panics");
        if let Err(error) = file.write_all(&bytes) {
            tracing::error!(%error, "the ledger misses a line");
        }
    }
}
