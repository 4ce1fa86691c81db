//! `/control/v1` and the operator's reads: topology, regions, pools, tokens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use topology::{PoolId, RegionName, RegionState, Role, SchedulerId, TokenId};
use utoipa::ToSchema;

/// Answer of `GET /control/v1/topology`: the text as written, with what it is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TopologyVersion {
    /// Grows by one with every apply, starts at 1.
    pub version: i64,
    /// The file as written; absent in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// SHA-256 of the text, hex.
    pub digest: String,
    /// Grows when residency changes.
    pub residency_version: i64,
    /// Who applied it.
    pub author: String,
    /// Why.
    pub message: String,
    /// When.
    pub applied_at: DateTime<Utc>,
}

/// Body of `POST /control/v1/topology/plan`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlanTopology {
    /// The wished file.
    pub text: String,
}

/// Answer of a plan.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlanAnswer {
    /// Version the plan was made against: hand it to apply.
    pub base_version: i64,
    /// The difference (`topology::plan::Plan` as JSON).
    pub plan: Value,
    /// Open missions by pool that the change touches.
    pub missions: Vec<PoolMissions>,
    /// Why apply will refuse it as it is, such as `holds_missions: us-west`; `--drain` may help.
    pub refused: Vec<String>,
}

/// Open missions of one pool.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolMissions {
    /// The pool.
    #[schema(value_type = crate::wire::schema::PoolId)]
    pub pool: PoolId,
    /// Waiting.
    pub queued: i64,
    /// Being worked on.
    pub leased: i64,
}

/// Body of `PUT /control/v1/topology`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApplyTopology {
    /// The wished file.
    pub text: String,
    /// Version the plan was made against; another current version is refused with `plan_stale`.
    pub base_version: i64,
    /// Why.
    #[serde(default)]
    pub message: String,
    /// Lets regions and pools that hold missions go, in order: they drain.
    #[serde(default)]
    pub drain: bool,
}

/// Body of `POST /control/v1/topology/revert`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevertTopology {
    /// The version whose text comes back, as a new version.
    pub to: i64,
    /// The version that is in force; another one is refused with `plan_stale`.
    pub base_version: i64,
    /// Why.
    #[serde(default)]
    pub message: String,
    /// Lets regions and pools that hold missions go, in order: they drain.
    #[serde(default)]
    pub drain: bool,
}

/// Answer of `GET /control/v1/topology/history`, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TopologyHistory {
    /// The versions, without their texts.
    pub versions: Vec<TopologyVersion>,
}

/// One row of `GET /control/v1/schedulers`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchedulerView {
    /// The process.
    #[schema(value_type = uuid::Uuid)]
    pub id: SchedulerId,
    /// The region it stands in.
    #[schema(value_type = String)]
    pub region: RegionName,
    /// Where it is reached.
    pub address: String,
    /// Version of its program.
    pub version: String,
    /// The topology version it has in force.
    pub topology_version: i64,
    /// Age of its last heartbeat.
    pub age_ms: i64,
}

/// Answer of `GET /control/v1/schedulers`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchedulerList {
    /// The schedulers that are alive.
    pub schedulers: Vec<SchedulerView>,
    /// Database regions that did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
}

/// What the operator wants of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegionVerb {
    /// Nothing.
    None,
    /// Takes nothing new, keeps what it has.
    Cordoned,
    /// Finishes or hands back what it has.
    Draining,
}

/// What the database shows of a region (DESIGN 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegionHealth {
    /// Heartbeats are steady.
    Up,
    /// Two heartbeats late: takes no new work, keeps its leases.
    Suspect,
    /// Nothing was heard for `down_after`.
    Down,
    /// Heartbeats are back, for less than `up_after`.
    Returning,
    /// No session or scheduler was ever heard.
    Unknown,
}

/// One row of `GET /v1/regions`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RegionView {
    /// The region.
    #[schema(value_type = String)]
    pub name: RegionName,
    /// Provider and its region, such as `AWS us-west-2`.
    pub cloud: String,
    /// Database region that homes its rows.
    pub database_region: String,
    /// Topology state.
    #[schema(value_type = crate::wire::schema::RegionState)]
    pub state: RegionState,
    /// Operator's verb.
    pub verb: RegionVerb,
    /// Health.
    pub health: RegionHealth,
    /// Whether missions are placed there now.
    pub serves: bool,
    /// Which of state, verb and health holds it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// Live sessions.
    pub sessions: i64,
    /// Slots of live sessions.
    pub slots: i64,
    /// Waiting missions.
    pub queued: i64,
    /// Missions being worked on.
    pub leased: i64,
    /// Age of these figures.
    pub age_ms: i64,
}

/// Answer of `GET /v1/regions`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RegionList {
    /// Topology version that is in force at the scheduler that answers.
    pub topology_version: i64,
    /// What the database survives, and what that means.
    pub survive: String,
    /// The regions in the order of the file.
    pub regions: Vec<RegionView>,
    /// Parts that could not be read fresh.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
}

/// One row of `GET /v1/pools`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolView {
    /// The pool.
    #[schema(value_type = crate::wire::schema::PoolId)]
    pub pool: PoolId,
    /// Its role.
    #[schema(value_type = crate::wire::schema::Role)]
    pub role: Role,
    /// Replicas x slots of the topology.
    pub wished_slots: i64,
    /// Slots of live sessions.
    pub slots: i64,
    /// Waiting missions.
    pub queued: i64,
    /// Missions being worked on.
    pub leased: i64,
    /// Missions refused only for want of a live session: what autoscaling should wake it for.
    pub unmet: i64,
    /// EWMA of the run time.
    pub service_ms: i64,
    /// Age of these figures.
    pub age_ms: i64,
}

/// Answer of `GET /v1/pools`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolList {
    /// The pools.
    pub pools: Vec<PoolView>,
    /// Parts that could not be read fresh.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
}

/// Body of `POST /control/v1/regions/{r}/{cordon|drain|uncordon}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct RegionControl {
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// For drain: leases that are left are handed back after so long; none = 5 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<i64>,
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenRole {
    /// Submits, cancels and retries missions of its name.
    Submitter,
    /// Serves the pools of one region.
    Agent,
    /// Everything.
    Operator,
    /// Reads.
    Viewer,
}

/// Body of `POST /control/v1/tokens`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreateToken {
    /// Who uses it, 1..=100 characters; the submitter's name for submitters.
    pub name: String,
    /// What it may do.
    pub role: TokenRole,
    /// The region of an agent token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub region: Option<RegionName>,
    /// Ends by itself after so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_s: Option<i64>,
}

/// A token without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Public part.
    #[schema(value_type = uuid::Uuid)]
    pub id: TokenId,
    /// Who uses it.
    pub name: String,
    /// What it may do.
    pub role: TokenRole,
    /// The region of an agent token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub region: Option<RegionName>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Answer of `POST /control/v1/tokens`: the only time that the secret is shown.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub token: TokenView,
    /// Goes into `Authorization: Bearer`.
    pub secret: String,
}

/// Answer of `GET /control/v1/tokens`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// The tokens, revoked ones too.
    pub tokens: Vec<TokenView>,
}
