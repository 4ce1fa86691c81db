//! What many missions say together: lessons that apply, and issues that come again.

use serde::{Deserialize, Serialize};
use topology::Specialization;
use utoipa::ToSchema;
use uuid::Uuid;

/// A lesson that applies to the problem that was asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AppliedLesson {
    /// Its id.
    pub id: Uuid,
    /// The memory that taught it.
    pub memory: Uuid,
    /// Kind of agent that it is from.
    #[schema(value_type = String)]
    pub specialization: Specialization,
    /// What to do; what to avoid where `avoid` says so.
    pub lesson: String,
    /// Whether it is what to avoid: its memory failed, or most missions that used it did.
    pub avoid: bool,
    /// The words of it that the problem has, stemmed.
    pub words: Vec<String>,
    /// Mean of the posterior that a mission which uses it succeeds.
    pub confidence: f64,
    /// Missions that used it.
    pub missions: i64,
    /// Of these, how many succeeded.
    pub succeeded: i64,
}

/// Issues that are the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryPattern {
    /// Title of the first of them.
    pub title: String,
    /// Their memories, the first of them first.
    pub memories: Vec<Uuid>,
    /// Missions that they stand for.
    pub missions: i64,
    /// Of these, how many succeeded.
    pub succeeded: i64,
    /// Mean of the posterior that the next one succeeds.
    pub confidence: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The solution that has proven itself most; absent where none succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<PatternSolution>,
}

/// The solution of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PatternSolution {
    /// Whose it is.
    pub memory: Uuid,
    /// What was done.
    pub solution: String,
}

/// Answer of `GET /v1/memory/patterns`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct MemoryPatternList {
    /// The patterns, those of most missions first.
    pub patterns: Vec<MemoryPattern>,
    /// Memories that were compared: the newest of each home.
    pub compared: usize,
    /// Whether there may be more, of older memories or of fewer missions.
    pub truncated: bool,
    /// Database regions that do not answer.
    pub degraded: Vec<String>,
}
