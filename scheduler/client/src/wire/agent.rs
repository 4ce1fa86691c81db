//! `/agent/v1`: sessions, heartbeats, claims, results.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use topology::{Epoch, MissionId, RegionName, SessionId, Specialization};
use utoipa::ToSchema;

/// Body of `POST /agent/v1/sessions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegisterSession {
    /// Made by the agent before its first try, so that a repeated registration is the same session.
    #[schema(value_type = uuid::Uuid)]
    pub id: SessionId,
    /// The region it runs in.
    #[schema(value_type = String)]
    pub region: RegionName,
    /// A name for people, such as the host's, 1..=200 characters.
    pub agent: String,
    /// Version of the agent program.
    pub version: String,
    /// What it offers; each pool must be in the topology.
    pub pools: Vec<PoolOffer>,
}

/// Slots that a session offers in one pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolOffer {
    /// The pool's specialization.
    #[schema(value_type = String)]
    pub specialization: Specialization,
    /// Missions at a time, 1..=10,000.
    pub slots: i64,
}

/// Answer to a registration: the clocks to live by.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionAnswer {
    /// The session.
    #[schema(value_type = uuid::Uuid)]
    pub id: SessionId,
    /// Silence after which it is ended.
    pub session_ttl_ms: i64,
    /// Time between heartbeats.
    pub heartbeat_ms: i64,
    /// Subtracted from the lease's end before the agent fences itself.
    pub margin_ms: i64,
    /// Slots the topology wants of this session, by specialization.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub wished: BTreeMap<Specialization, i64>,
}

/// Body of `POST /agent/v1/sessions/{id}/end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndSession {
    /// Why: a stable code, or a few words, at most 200 characters.
    #[serde(default = "agent_left")]
    pub reason: String,
}

fn agent_left() -> String {
    "agent_left".to_owned()
}

/// A lease as both sides name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct LeaseName {
    /// The mission.
    #[schema(value_type = uuid::Uuid)]
    pub mission: MissionId,
    /// The fencing token of the grant.
    #[schema(value_type = i64)]
    pub epoch: Epoch,
}

/// Body of `PUT /agent/v1/sessions/{id}/heartbeat`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Heartbeat {
    /// Grows by one with every heartbeat of the session, starts at 1.
    pub seq: i64,
    /// Everything the session holds, running or not yet started or finished and not yet accepted.
    pub holds: Vec<LeaseName>,
    /// Whether the session drains: it gets no new work.
    #[serde(default)]
    pub draining: bool,
}

/// Answer to a heartbeat.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatAnswer {
    /// The number it answers.
    pub seq: i64,
    /// Named leases that are somebody else's now: stop them.
    pub lost: Vec<LeaseName>,
    /// Named leases whose mission was called off: stop them.
    pub cancelled: Vec<LeaseName>,
    /// Slots the topology wants of this session, by specialization; what is missing takes nothing new.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub wished: BTreeMap<Specialization, i64>,
    /// Whether the region is to be emptied: finish or hand back until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_until: Option<DateTime<Utc>>,
}

/// Body of `POST /agent/v1/sessions/{id}/claim`: a long poll for all free slots of the session. A later claim of the
/// session takes the place of an earlier one, which is answered at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    /// Free slots by specialization, above 0.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub free: BTreeMap<Specialization, i64>,
    /// How many leases the session holds in all; a mission that has crashed its holders is granted only at 0.
    pub holding: i64,
    /// Answer empty after so long, at most 30,000.
    pub wait_ms: i64,
}

/// Answer to a claim; empty when the wait was over.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClaimAnswer {
    /// New leases.
    pub grants: Vec<Grant>,
}

/// A lease with the work.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// The mission.
    #[schema(value_type = uuid::Uuid)]
    pub mission: MissionId,
    /// The fencing token.
    #[schema(value_type = i64)]
    pub epoch: Epoch,
    /// Database region that homes the mission; handed back with every call about it.
    pub home: String,
    /// The pool it was granted from.
    #[schema(value_type = String)]
    pub specialization: Specialization,
    /// One line for people.
    pub title: String,
    /// As submitted.
    pub payload: Value,
    /// Number of this attempt, from 1.
    pub attempt: i32,
    /// Longest run.
    pub run_limit_ms: i64,
    /// The session's last heartbeat number that the grant saw; after two more it is void unless started.
    pub seq: i64,
    /// It has crashed its holders: run it alone.
    #[serde(default)]
    pub alone: bool,
    /// W3C traceparent of the submit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Who speaks about a lease: part of the body of complete, fail, release and progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LeaseProof {
    /// The session.
    #[schema(value_type = uuid::Uuid)]
    pub session: SessionId,
    /// The fencing token.
    #[schema(value_type = i64)]
    pub epoch: Epoch,
    /// Database region of the grant.
    pub home: String,
}

/// Body of `POST /agent/v1/missions/{id}/complete`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Complete {
    /// Who speaks.
    #[serde(flatten)]
    pub lease: LeaseProof,
    /// What came of it, at most 1 MiB of JSON.
    pub outcome: Value,
}

/// Body of `POST /agent/v1/missions/{id}/fail`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fail {
    /// Who speaks.
    #[serde(flatten)]
    pub lease: LeaseProof,
    /// Stable code, such as `runner_exit`, `runner_no_json`, `runner_output_too_large`, `run_limit`.
    pub reason: String,
    /// Details for people, at most 64 KiB of JSON (the last 4 KiB of stderr among them).
    #[serde(default)]
    pub detail: Value,
    /// Whether another attempt may help.
    #[serde(default = "yes")]
    pub retryable: bool,
}

/// Body of `POST /agent/v1/missions/{id}/release`: hand back unfinished, nothing is charged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// Who speaks.
    #[serde(flatten)]
    pub lease: LeaseProof,
    /// Stable code, such as `drain`, `grant_void`, `no_slot`.
    pub reason: String,
}

/// Body of `POST /agent/v1/missions/{id}/progress`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// Who speaks.
    #[serde(flatten)]
    pub lease: LeaseProof,
    /// What the agent says of it, at most 16 KiB of JSON.
    pub progress: Value,
}

/// Answer to complete, fail, release and progress.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeaseAnswer {
    /// State after.
    pub state: super::MissionState,
    /// Fencing token after.
    #[schema(value_type = i64)]
    pub epoch: Epoch,
    /// The stored outcome, where it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Value>,
}

const fn yes() -> bool {
    true
}
