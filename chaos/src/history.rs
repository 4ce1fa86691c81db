//! The history of a run: what was asked and answered, written outside the system under test, one JSON object a line.
//!
//! A folder holds it whole: `submits.jsonl` (the load generator), `agent-*.jsonl` (what the agents asked and heard),
//! `ledger.jsonl` (what the runners did), and, made at the end, `rows.jsonl` (the missions' rows) and `events.jsonl`
//! (their history in the database). An operation is an `invoke` and later one of `ok`, `fail` (surely not done) and
//! `info` (nobody knows); one without an end is `info`.

use serde::{Deserialize, Serialize};
use topology::{Epoch, MissionId, SessionId};

/// A line of `submits.jsonl` or `agent-*.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// When, microseconds since the Unix epoch.
    pub at_us: i64,
    /// Number of the operation, unique in its file. The same from `invoke` to the end.
    pub op: u64,
    /// Begin or end.
    #[serde(rename = "type")]
    pub kind: OpKind,
    /// What is asked.
    #[serde(flatten)]
    pub call: Call,
    /// Why it failed, or why nobody knows: a stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Begin or end of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpKind {
    /// It was asked.
    Invoke,
    /// It was done.
    Ok,
    /// It was surely not done.
    Fail,
    /// Nobody knows.
    Info,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// A mission is submitted.
    Submit {
        /// Its idempotency key, which is also in its title.
        key: String,
        /// The mission; known only from the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mission: Option<MissionId>,
        /// Its priority.
        priority: i32,
        /// Its residency rule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        residency: Option<String>,
        /// Regions where that rule lets it run; empty = anywhere.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        allowed: Vec<String>,
    },
    /// A result is brought.
    Complete {
        /// The mission.
        mission: MissionId,
        /// Fencing token of the run.
        epoch: Epoch,
        /// Whose lease it is.
        session: SessionId,
        /// SHA-256 of the outcome as canonical JSON (keys sorted, no blanks), hexadecimal.
        outcome: String,
    },
    /// A failure is brought.
    Fail {
        /// The mission.
        mission: MissionId,
        /// Fencing token of the run.
        epoch: Epoch,
        /// Whose lease it is.
        session: SessionId,
    },
}
