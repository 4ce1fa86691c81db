//! What agent and supervisor say to each other.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Boot;

/// Longest standard output of a runner.
pub const OUTPUT_MAX: usize = 1 << 20;

/// How much of the end of its standard error is kept.
pub const STDERR_KEPT: usize = 4 << 10;

/// A line from the agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The first line: what to run.
    Start(Box<Start>),
    /// The lease was renewed.
    Extend(Deadlines),
    /// The agent lives, though the lease was not renewed.
    Alive,
    /// Kill the runner.
    Stop,
}

/// What to run, and until when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Where it runs.
    pub dir: PathBuf,
    /// Its standard input.
    pub input: String,
    /// When its time is over.
    pub run_until: Boot,
    /// The lease so far.
    pub deadlines: Deadlines,
}

/// Until when the lease holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// From here on the runner stands still.
    pub fence_at: Boot,
    /// From here on it is killed, unless the agent speaks.
    pub expires_at: Boot,
}

/// A line from the supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The runner runs, in a process group of this number.
    Started {
        /// The group, which is the first process's id too.
        group: i32,
    },
    /// The runner says how far it is.
    Progress(Value),
    /// The last line: how it ended.
    Ended(Box<Ended>),
}

/// How a runner ended and what it wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub how: How,
    /// Its standard output, up to [`OUTPUT_MAX`] bytes; none = not UTF-8.
    pub stdout: Option<String>,
    /// The end of its standard error, up to [`STDERR_KEPT`] bytes.
    pub stderr: String,
}

/// How a runner ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// By a signal that the supervisor did not send.
    Signalled {
        /// The signal.
        signal: i32,
    },
    /// Killed: it wrote more than [`OUTPUT_MAX`] bytes.
    OutputTooLarge,
    /// Killed: its time was over.
    RunLimit,
    /// Killed: the lease was over and the agent silent.
    Expired,
    /// Killed: the agent's pipe closed.
    Orphaned,
    /// Killed: the agent said so.
    Told,
    /// It could not be started.
    NotStarted {
        /// Why.
        error: String,
    },
}
