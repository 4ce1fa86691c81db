//! What agents learned: what is asked of the memory, and what it tells.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use topology::{MissionId, PoolId, RegionName, ResidencyName, Specialization};
use utoipa::ToSchema;
use uuid::Uuid;

use super::AppliedLesson;

/// Body of `POST /v1/memory/search`: a problem, and whose memories of such problems are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemorySearch {
    /// Title of the problem, at most 500 characters.
    pub title: String,
    /// The problem, at most 32 KiB.
    #[serde(default)]
    pub description: String,
    /// Whose memories.
    #[serde(default)]
    pub scope: MemoryScope,
    /// Where the caller stands; absent = where the scheduler does. What may be shown to both is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub region: Option<RegionName>,
    /// The mission it is asked for: a share of missions is answered without memory, so that its use can be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    pub mission: Option<MissionId>,
    /// The pool that runs the mission: the share may be its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::wire::schema::PoolId>)]
    pub pool: Option<PoolId>,
    /// Only successes, or only failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// Most hits, 1 to 50; absent = 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 50)]
    pub limit: Option<u8>,
}

/// Whose memories are searched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryScope {
    /// One agent's own.
    Agent(String),
    /// Those of agents of one kind.
    Specialization(String),
    /// Everybody's.
    #[default]
    Everyone,
}

/// A memory that is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryView {
    /// Its id: a mission's memory has the mission's.
    pub id: Uuid,
    /// Kind of agent that did it.
    #[schema(value_type = String)]
    pub specialization: Specialization,
    /// The agent.
    pub agent: String,
    /// The issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Title of the problem.
    pub title: String,
    /// The problem.
    pub description: String,
    /// What was done about it; of a failure, what was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
    /// The pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pr_number: Option<i64>,
    /// Whether it succeeded, as far as is known.
    pub success: bool,
    /// Who says so: `agent`, `review` or `merge`.
    pub success_source: String,
    /// Minutes from lease to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_minutes: Option<f64>,
    /// Missions that left the same.
    pub evidence: i64,
    /// Of these, how many succeeded.
    pub evidence_succeeded: i64,
    /// The rule about where it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub residency: Option<ResidencyName>,
    /// Database region of its row.
    pub home: String,
    /// When the mission ended.
    pub created_at: DateTime<Utc>,
    /// How its score came about; absent where it was not searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Value>,
}

/// How similar missions went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryEstimate {
    /// Median minutes of those that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Similar missions.
    pub missions: i64,
    /// Of these, how many succeeded.
    pub succeeded: i64,
}

/// A solution that has proven itself for this very problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProvenSolution {
    /// Whose it is.
    pub memory: Uuid,
    /// What was done.
    pub solution: String,
    /// How well it fits, 0 to 1.
    pub relevance: f64,
    /// How likely it is to help again, 0 to 1.
    pub confidence: f64,
    /// Missions that this is computed from.
    pub missions: i64,
}

/// Answer of `POST /v1/memory/search`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct MemoryAnswer {
    /// False where this mission goes without memory, to compare.
    pub with_memory: bool,
    /// What helped before, the best first; empty where nothing is near enough.
    pub hits: Vec<MemoryView>,
    /// What failed before.
    pub warnings: Vec<MemoryView>,
    /// What missions taught that applies here, at most two; to avoid where it says so.
    #[serde(default)]
    pub lessons: Vec<AppliedLesson>,
    /// How similar missions went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<MemoryEstimate>,
    /// A solution that can be taken at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<ProvenSolution>,
    /// The space of vectors that was searched; absent where words alone were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// Database regions that were asked.
    pub regions_asked: usize,
    /// Of these, how many answered, now or within the last minute.
    pub regions_answered: usize,
    /// Database regions that were not asked, since others are nearer.
    pub regions_skipped: usize,
    /// Those that do not answer.
    pub degraded: Vec<String>,
    /// Age of the oldest part.
    pub stale_ms: u64,
}

/// Answer of `GET /v1/agents/{id}/stats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentStats {
    /// The agent.
    pub agent: String,
    /// Missions that left a memory.
    pub missions: i64,
    /// Of these, how many succeeded.
    pub successes: i64,
    /// Share that succeeded; absent without a mission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// Mean minutes from lease to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_minutes: Option<f64>,
    /// When the last one ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<DateTime<Utc>>,
    /// Database regions that do not answer: their missions are missing.
    pub degraded: Vec<String>,
}

/// One of `GET /v1/lessons`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LessonView {
    /// Its id.
    pub id: Uuid,
    /// The memory that taught it.
    pub memory: Uuid,
    /// Kind of agent that it is for.
    #[schema(value_type = String)]
    pub specialization: Specialization,
    /// What to do; what to avoid where `avoid` says so.
    pub lesson: String,
    /// Whether its memory failed, so that it is what to avoid.
    #[serde(default)]
    pub avoid: bool,
    /// Words of missions that it applies to.
    pub patterns: Vec<String>,
    /// Mean of the posterior that the next mission which uses it succeeds.
    pub confidence: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Missions that used it.
    pub missions: i64,
    /// Of these, how many succeeded.
    pub succeeded: i64,
}

/// Answer of `GET /v1/lessons`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct LessonList {
    /// The lessons, the most believed first.
    pub lessons: Vec<LessonView>,
    /// Database regions that do not answer.
    pub degraded: Vec<String>,
}

/// One side of the comparison in `GET /v1/memory/hit-rate`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct MemoryArm {
    /// Missions.
    pub missions: i64,
    /// Of these, how many succeeded.
    pub succeeded: i64,
    /// Mean minutes from lease to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_minutes: Option<f64>,
    /// Half of the width of the 95 % interval of that mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_minutes_margin: Option<f64>,
}

/// Answer of `GET /v1/memory/hit-rate`: what memory was worth.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct MemoryHitRate {
    /// Missions that were shown at least one memory, of those that asked with memory.
    pub shown: i64,
    /// Of these, how many used one.
    pub used: i64,
    /// Missions with memory.
    pub with_memory: MemoryArm,
    /// Missions that went without, to compare.
    pub without_memory: MemoryArm,
    /// Share of the minutes that memory saved; absent where an arm has no minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift: Option<f64>,
    /// Memories that a mission of another specialization used.
    pub helped_others: i64,
    /// Specializations that used another's memory.
    pub specializations_helped: i64,
    /// Whether the log has more than was counted.
    pub truncated: bool,
    /// Database regions that do not answer.
    pub degraded: Vec<String>,
}

/// Body of `POST /v1/memory/{id}/success`: a review or a merge says how it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemoryVerdict {
    /// Whether it succeeded.
    pub success: bool,
    /// Who says so; a merge has the last word over a review.
    pub source: VerdictSource,
}

/// Who says how a mission went after it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictSource {
    /// A review of the pull request.
    Review,
    /// The pull request was merged, or closed without that.
    Merge,
}

/// Answer of `POST /v1/memory/{id}/success`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictAnswer {
    /// Whether the verdict stands now; false where a later source spoke before.
    pub stands: bool,
}

/// Answer of `DELETE /v1/memory/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Forgotten {
    /// The memory, and what was merged into it.
    pub forgotten: Vec<Uuid>,
    /// Nobody is shown it by this scheduler any more; by others at the latest after so long.
    pub horizon_s: u64,
}
