//! What a decision about a mission relies on: part of its row.

use chrono::{DateTime, Utc};
use topology::{Epoch, SessionId};

use super::reason::Reason;
use super::state::MissionState;

/// A mission that has crashed so many holders is granted only to a session that holds nothing else.
pub const ALONE_FROM_CRASHES: i32 = 2;

/// What the lifecycle reads of a mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissionFacts {
    /// Where it stands.
    pub state: MissionState,
    /// Fencing token: the last one that was given out.
    pub epoch: Epoch,
    /// Failures since submit or retry.
    pub attempts: i32,
    /// Crashed holders since submit or retry.
    pub crashes: i32,
    /// Moves between holders or pools, ever.
    pub moves: i32,
    /// Failures after which it fails for good.
    pub max_attempts: i32,
    /// Crashes after which it is poison.
    pub max_crashes: i32,
    /// Who holds it; where it ended by its holder's word, who that was.
    pub session: Option<SessionId>,
    /// Digest of the stored outcome.
    pub digest: Option<String>,
    /// Not granted before.
    pub not_before: DateTime<Utc>,
    /// Fails if it waits longer.
    pub start_by: Option<DateTime<Utc>>,
    /// End of the present run, where leased.
    pub run_until: Option<DateTime<Utc>>,
    /// Why it is pending or has ended.
    pub reason: Option<Reason>,
}

impl MissionFacts {
    /// Whether only a session that holds nothing may take it.
    #[must_use]
    pub const fn alone(&self) -> bool {
        self.crashes >= ALONE_FROM_CRASHES
    }
}
