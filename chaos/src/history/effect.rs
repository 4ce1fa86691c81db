//! A line of `ledger.jsonl`.

use serde::{Deserialize, Serialize};
use topology::{Epoch, MissionId, SessionId};

/// A side effect of a run, written by its runner when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// When, microseconds since the Unix epoch.
    pub at_us: i64,
    /// What happened.
    pub event: EffectKind,
    /// The mission.
    pub mission: MissionId,
    /// Fencing token of the run.
    pub epoch: Epoch,
    /// Whose lease it is.
    pub session: SessionId,
    /// The region of the runner.
    pub region: String,
    /// Whether its end was a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
}

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// It began.
    Start,
    /// It ended by itself.
    End,
    /// It was stopped before its end: no effect, only the end of one.
    Stop,
}
