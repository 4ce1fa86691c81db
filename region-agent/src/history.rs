//! What the agent asked and heard, for a checker that trusts neither side: each result that it brings to a scheduler is an
//! operation with an `invoke` and, once it is known, an `ok` or a `fail`.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use topology::{Epoch, MissionId, SessionId};

use crate::lines::{Lines, now_us};
use crate::spool::{Finished, FinishedResult};

/// An append-only file of operations.
#[derive(Debug)]
pub struct History {
    lines: Lines,
    next: AtomicU64,
}

/// One operation, from its begin to its end.
#[derive(Debug, Serialize)]
pub struct Operation {
    op: u64,
    call: &'static str,
    mission: MissionId,
    epoch: Epoch,
    session: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    at_us: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    operation: &'a Operation,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl History {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        // Numbers by the clock, so that an agent that is started again uses none of those before it.
        let next = AtomicU64::new(now_us().unsigned_abs());
        Ok(Self { lines: Lines::open(path)?, next })
    }

    /// A result is sent for the first time.
    #[must_use]
    pub fn invoke(&self, finished: &Finished) -> Operation {
        let lease = finished.lease();
        let (call, outcome) = match &finished.result {
            FinishedResult::Complete(body) => ("complete", Some(scheduler_client::outcome_digest(&body.outcome))),
            FinishedResult::Fail(_) => ("fail", None),
        };
        let operation = Operation {
            op: self.next.fetch_add(1, Ordering::Relaxed),
            call,
            mission: finished.mission,
            epoch: lease.epoch,
            session: lease.session,
            outcome,
        };
        self.note("invoke", &operation, None);
        operation
    }

    /// It was accepted.
    pub fn ok(&self, operation: &Operation) {
        self.note("ok", operation, None);
    }

    /// It was refused for good.
    pub fn fail(&self, operation: &Operation, code: Option<&str>) {
        self.note("fail", operation, code);
    }

    fn note(&self, kind: &'static str, operation: &Operation, error: Option<&str>) {
        self.lines.add(&Line { at_us: now_us(), kind, operation, error });
    }
}
