//! `/v1/missions`: submit, show, list, explain, cancel, retry.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use topology::{Epoch, MissionId, PoolId, RegionName, ResidencyName, SessionId, Specialization};
use utoipa::ToSchema;

/// Where a mission comes from. Exactly one of the forms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A point: `{"at": {"lat": 37.77, "lng": -122.42}}`.
    At(topology::Position),
    /// A city of the world model the scheduler was started with: `{"world": "US:San Francisco"}`.
    World(String),
    /// An ISO 3166-1 alpha-2 country: `{"country": "JP"}`.
    Country(String),
    /// Weighted points, such as an idea's inspiration regions; at most 64, weights above 0.
    Weighted(Vec<WeightedPoint>),
}

/// A point with its share of a mission's origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WeightedPoint {
    /// The place.
    #[serde(flatten)]
    #[schema(value_type = crate::wire::schema::Position)]
    pub at: topology::Position,
    /// Share, above 0; shares need not add up to 1.
    pub weight: f64,
}

/// One mission to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SubmitMission {
    /// Which kind of agent works on it.
    pub specialization: String,
    /// One line for people, 1..=500 characters.
    pub title: String,
    /// Where it comes from; none = where the scheduler that takes it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::wire::schema::Origin>)]
    pub origin: Option<Origin>,
    /// A residency rule of the topology; none = anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residency: Option<String>,
    /// 0 (last) to 9 (first).
    #[serde(default = "default_priority")]
    pub priority: i32,
    /// Handed to the runner as it is, at most 256 KiB of JSON.
    #[serde(default)]
    pub payload: Value,
    /// Longest run of one attempt; none = the pool's or the topology's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_limit_ms: Option<i64>,
    /// Fails with its last placement's reason if it has not been leased by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_by: Option<DateTime<Utc>>,
    /// Failures after which it fails for good; none = the topology's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<i32>,
    /// Idempotency key of this mission, 1..=255 visible ASCII characters. A single submit may use the header instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The drill's run that submits it, 1..=64 characters of a-z, 0-9 and `-`; none = work. Memory, statistics and
    /// objectives leave missions of drills out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
}

/// The priority of a mission that names none.
#[must_use]
pub const fn default_priority() -> i32 {
    5
}

/// Body of `POST /v1/missions`: one mission or `{"missions": [...]}` with at most 1,000.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum SubmitBody {
    /// A batch.
    Batch {
        /// The missions, answered in the same order.
        missions: Vec<SubmitMission>,
    },
    /// One mission.
    One(Box<SubmitMission>),
}

/// Answer to a batch: one entry a mission, in order. A refused one leaves the others untouched.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SubmitAnswer {
    /// One result a mission.
    pub results: Vec<SubmitResult>,
}

/// What became of one mission of a batch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubmitResult {
    /// It is durable.
    Accepted(Box<Mission>),
    /// It was not taken, and nothing was written.
    Refused(super::Problem),
}

/// The state of a mission (DESIGN 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissionState {
    /// No allowed, healthy pool.
    Pending,
    /// Placed, waits for a slot.
    Queued,
    /// An agent works on it.
    Leased,
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
    /// Called off.
    Cancelled,
}

/// A mission as clients see it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Mission {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    pub id: MissionId,
    /// Where it stands.
    pub state: MissionState,
    /// Why it is pending, failed or cancelled: a stable code such as `no_healthy_pool`, `poison`, `run_limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which kind of agent works on it.
    #[schema(value_type = String)]
    pub specialization: Specialization,
    /// One line for people.
    pub title: String,
    /// Who submitted it.
    pub submitter: String,
    /// As submitted.
    #[schema(value_type = crate::wire::schema::Origin)]
    pub origin: Origin,
    /// As submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub residency: Option<ResidencyName>,
    /// As submitted.
    pub priority: i32,
    /// The drill's run that submitted it; absent = work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
    /// The chosen pool, unless pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::wire::schema::PoolId>)]
    pub pool: Option<PoolId>,
    /// Database region that homes its row now.
    pub home: String,
    /// Fencing token.
    #[schema(value_type = i64)]
    pub epoch: Epoch,
    /// Failures so far.
    pub attempts: i32,
    /// Crashes of its holder so far.
    pub crashes: i32,
    /// Moves between holders or regions so far.
    pub moves: i32,
    /// Who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub session: Option<SessionId>,
    /// What the agent last said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Value>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Value>,
    /// When it was submitted.
    pub submitted_at: DateTime<Utc>,
    /// When it was last placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<DateTime<Utc>>,
    /// When it was last leased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// As submitted; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// What happened to it, oldest first; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<MissionEvent>>,
}

/// One transition of a mission.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// State before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<MissionState>,
    /// State after.
    pub to: MissionState,
    /// Fencing token after.
    #[schema(value_type = i64)]
    pub epoch: Epoch,
    /// Who held or holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub session: Option<SessionId>,
    /// Who did it: `submitter:NAME`, `scheduler:ID`, `session:ID`, `operator:NAME`.
    pub actor: String,
    /// Stable code of the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Pool after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::wire::schema::PoolId>)]
    pub pool: Option<PoolId>,
}

/// Answer of `GET /v1/missions/{id}/placement`: the decision that put the mission where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlacementAnswer {
    /// The mission.
    #[schema(value_type = uuid::Uuid)]
    pub mission: MissionId,
    /// Its state now.
    pub state: MissionState,
    /// The chosen pool; absent while pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::wire::schema::PoolId>)]
    pub pool: Option<PoolId>,
    /// Why it is pending, failed or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<DateTime<Utc>>,
    /// The rule that it is under; absent = anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub residency: Option<ResidencyName>,
    /// How far that rule reaches in the topology in force: `run` or `store`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<String>,
    /// The pool that would have been better but for a live session: what autoscaling should wake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::wire::schema::PoolId>)]
    pub unmet: Option<PoolId>,
    /// The chosen pool, the alternatives best first, then the rejected; of many pools the first of each kind.
    pub pools: Vec<PlacementRow>,
    /// Pools of which nothing was kept.
    pub omitted: u64,
}

/// One pool as a placement weighed it. Candidates have figures, rejected pools a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlacementRow {
    /// The pool.
    #[schema(value_type = crate::wire::schema::PoolId)]
    pub pool: PoolId,
    /// `chosen`, `alternative` or `rejected`.
    pub verdict: String,
    /// Why it was rejected: a stable code such as `residency`, `region_down`, `cordoned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it was weighed by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<PlacementFigures>,
}

/// What a candidate was weighed by, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacementFigures {
    /// Its role.
    #[schema(value_type = crate::wire::schema::Role)]
    pub role: topology::Role,
    /// Fallback group: 0 = home jurisdiction.
    pub group: u8,
    /// Whether its estimated wait exceeded `spill_after`.
    pub saturated: bool,
    /// Weighted round trip.
    pub rtt_us: u64,
    /// Estimated queue wait.
    pub wait_us: u64,
    /// Spill and cost.
    pub penalty_us: u64,
    /// The sum.
    pub expected_us: u64,
    /// Free slots.
    pub free: u32,
    /// Slots that counted.
    pub slots: u32,
}

/// Body of `POST /v1/missions/{id}/cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelMission {
    /// Why: a stable code, or a few words, at most 200 characters.
    #[serde(default = "cancelled")]
    pub reason: String,
}

fn cancelled() -> String {
    "cancelled".to_owned()
}

/// Query of `GET /v1/missions`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListMissions {
    /// Only this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<MissionState>,
    /// Only missions placed in this region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    #[param(value_type = Option<String>)]
    pub region: Option<RegionName>,
    /// Only this specialization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    #[param(value_type = Option<String>)]
    pub specialization: Option<Specialization>,
    /// Only missions of this drill's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
    /// At most so many, 1..=500, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Answer of `GET /v1/missions`, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionPage {
    /// The missions.
    pub missions: Vec<Mission>,
    /// Hand this back as `after` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Regions whose part is missing because their database did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
}
