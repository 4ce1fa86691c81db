//! Lines of `rows.jsonl` and `events.jsonl`: what the database ends with.

use scheduler_client::wire::MissionState;
use serde::{Deserialize, Serialize};
use topology::{Epoch, MissionId, SessionId};

/// A mission's row. Times are microseconds since the Unix epoch, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The mission.
    pub mission: MissionId,
    /// The client key that stands in its title, where one does.
    pub key: Option<String>,
    /// Its state.
    pub state: MissionState,
    /// Its fencing token.
    pub epoch: Epoch,
    /// Who holds it, or ended it.
    pub session: Option<SessionId>,
    /// The region of its pool.
    pub region: Option<String>,
    /// The database region that homes its row.
    pub home: String,
    /// Its residency rule.
    pub residency: Option<String>,
    /// Regions where that rule lets it run; empty = anywhere.
    #[serde(default)]
    pub allowed: Vec<String>,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// Its priority.
    pub priority: i32,
    /// Digest of its outcome, as `scheduler_client::outcome_digest` makes it.
    pub outcome: Option<String>,
    /// When it was submitted.
    pub submitted_at_us: i64,
    /// When it was last leased.
    pub leased_at_us: Option<i64>,
    /// When it ended.
    pub finished_at_us: Option<i64>,
    /// Failures.
    pub attempts: i32,
    /// Crashes of its holders.
    pub crashes: i32,
    /// Moves.
    pub moves: i32,
}

/// A row of a mission's history in the database: one transition off the straight path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The mission.
    pub mission: MissionId,
    /// When, microseconds since the Unix epoch, by the database's clock.
    pub at_us: i64,
    /// State before.
    pub from: Option<MissionState>,
    /// State after.
    pub to: MissionState,
    /// Fencing token after.
    pub epoch: Epoch,
    /// Who held it before.
    pub session: Option<SessionId>,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// The region of its pool after.
    pub region: Option<String>,
}
