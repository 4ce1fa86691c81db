//! What a memory is, and who asks.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use topology::{DatabaseRegion, Epoch, MissionId, ResidencyName, Specialization};
use uuid::Uuid;

/// A memory. One that a mission left has the mission's own id, so that a completion that is written twice is one row; one
/// that was imported has an id that is computed from where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemoryId(pub Uuid);

/// Who says that a mission succeeded. A later one in this order has the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuccessSource {
    /// The agent that ran it.
    Agent,
    /// A review of its pull request.
    Review,
    /// The pull request was merged, or closed without that.
    Merge,
}

impl SuccessSource {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Review, Self::Merge];

    /// Its name in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Review => "review",
            Self::Merge => "merge",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == name)
    }
}

/// What a finished mission left: the row of `agent_memories`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Its id.
    pub id: MemoryId,
    /// The mission that left it; none where it was imported.
    pub mission: Option<MissionId>,
    /// What kind of agent did it.
    pub specialization: Specialization,
    /// The agent, as its session named itself.
    pub agent: String,
    /// The issue, such as `owner/repository#12`.
    pub issue: Option<String>,
    /// Title of the issue or mission.
    pub title: String,
    /// What the problem was.
    pub description: String,
    /// What was done about it; of a failure, what was tried.
    pub solution: Option<String>,
    /// The pull request.
    pub pr_number: Option<i64>,
    /// Whether it succeeded, as far as is known by now.
    pub success: bool,
    /// Who says so.
    pub success_source: SuccessSource,
    /// Minutes from the lease that ended it to its end.
    pub resolution_minutes: Option<f64>,
    /// The rule about where it may be; none = anywhere.
    pub residency: Option<ResidencyName>,
    /// Where its row is.
    pub home: DatabaseRegion,
    /// The epoch of the lease that wrote it; 0 where it was imported.
    pub epoch: Epoch,
    /// SHA-256 of what it says, hexadecimal: equal content of one specialization is kept once. Empty until it is indexed.
    pub content_hash: String,
    /// Missions that left the same or nearly the same; 1 for itself.
    pub evidence: i64,
    /// Of these, how many succeeded.
    pub evidence_succeeded: i64,
    /// When the mission ended.
    pub created_at: DateTime<Utc>,
}

impl Memory {
    /// What is embedded and whose words are searched.
    #[must_use]
    pub fn text(&self) -> String {
        crate::text::problem(&self.title, &self.description)
    }
}

/// SHA-256 of what a memory says, hexadecimal: title, description and solution, each ended by a byte that no text has.
#[must_use]
pub fn content_hash(memory: &Memory) -> String {
    let mut hash = Sha256::new();
    for part in [&memory.title, &memory.description, memory.solution.as_ref().unwrap_or(&String::new())] {
        hash.update(part.as_bytes());
        hash.update([0xff]);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing into a String cannot fail");
        hex
    })
}

/// Whose memories are searched.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One agent's own.
    Agent(String),
    /// Those of agents of one kind.
    Specialization(Specialization),
    /// Everybody's.
    Everyone,
}
