//! The history of a run: what was asked and answered, written outside the system under test, one JSON object a line.
//!
//! A folder holds it whole: `submits.jsonl` (the load generator), `agent-*.jsonl` (what the agents asked and heard),
//! `ledger.jsonl` (what the runners did), and, made at the end, `rows.jsonl` (the missions' rows) and `events.jsonl`
//! (their history in the database). An operation is an `invoke` and later one of `ok`, `fail` (surely not done) and
//! `info` (nobody knows); one without an end is `info`.

mod dump;
mod effect;
mod flat;
mod lines;
mod state;
mod title;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use topology::{Epoch, MissionId, SessionId};

pub use dump::dump;
pub use effect::{Effect, EffectKind};
pub use lines::{Error, Line, Lines, Record};
pub use state::{Event, Row};
pub use title::{key_of, titled};

/// What the load generator asked and heard.
pub const SUBMITS: &str = "submits.jsonl";
/// What the runners did.
pub const LEDGER: &str = "ledger.jsonl";
/// The missions' rows.
pub const ROWS: &str = "rows.jsonl";
/// Their history in the database.
pub const EVENTS: &str = "events.jsonl";

/// What the agent of a region asked and heard: a file of the folder.
#[must_use]
pub fn agent_file(region: &str) -> String {
    format!("agent-{region}.jsonl")
}

/// The files of operations in a folder: the load generator's, then the agents' by name.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be read.
pub fn op_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |source| Error::Io { path: folder.to_owned(), source };
    let mut agents = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("agent-") && name.ends_with(".jsonl") {
            agents.push(path);
        }
    }
    agents.sort();
    agents.insert(0, folder.join(SUBMITS));
    Ok(agents)
}

/// A line of `submits.jsonl` or `agent-*.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "flat::Flat")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// A mission is submitted.
    Submit {
        /// Its idempotency key, which is also in its title.
        key: String,
        /// The mission; known only from the answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        mission: Option<MissionId>,
        /// Its priority.
        priority: i32,
        /// Its residency rule.
        #[serde(skip_serializing_if = "Option::is_none")]
        residency: Option<String>,
        /// Regions where that rule lets it run; empty = anywhere.
        #[serde(skip_serializing_if = "Vec::is_empty")]
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
