//! An append-only file of what runners really did, for judges that trust no row.

use std::path::Path;

use serde::Serialize;
use topology::{Epoch, MissionId, RegionName, SessionId};

use super::Job;
use crate::lines::{Lines, now_us};

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

/// The file. Many processes may append to one.
#[derive(Debug)]
pub struct Ledger(Lines);

impl Ledger {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self(Lines::open(path)?))
    }

    /// Appends one line.
    pub fn note(&self, job: &Job, event: LedgerEvent, ok: Option<bool>) {
        self.0.add(&Line {
            at_us: now_us(),
            event,
            mission: job.grant.mission,
            epoch: job.grant.epoch,
            session: job.session,
            region: &job.region,
            ok,
        });
    }
}
