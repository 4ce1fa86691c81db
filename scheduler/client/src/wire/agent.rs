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
    /// The newest heartbeat that was answered with a renewal or with `unheard`; 0 = none yet, absent = an older agent, which
    /// is taken to hear. An agent that hears neither for as many heartbeats as a session lives stands still, and its
    /// session is not renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<i64>,
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
    /// The database did not answer for some of the pools: the next claim had better go to another scheduler.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
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
    /// The drill's run that submitted it; absent = work. A runner that acts on the world outside may leave that out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
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
    /// What is to be remembered of it; absent = nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Box<MissionMemory>>,
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
    /// What is to be remembered of it, should the mission fail for good; absent = nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Box<MissionMemory>>,
}

/// What a mission leaves to be remembered. It is stored by the statement that accepts the result, or not at all; nothing is
/// kept of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissionMemory {
    /// Title of the issue, 1 to 500 characters; absent = the mission's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the problem was, at most 32 KiB; absent = `description` or else `body` of the mission's payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What was done about it; of a failure, what was tried. At most 32 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
    /// The issue, such as `owner/repository#12`, 1 to 300 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// The pull request, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pr_number: Option<i64>,
    /// The memories that it was shown, at most 50, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub shown: Vec<ShownMemory>,
    /// False where recall was left out, to compare.
    #[serde(default = "yes")]
    pub with_memory: bool,
}

impl Default for MissionMemory {
    fn default() -> Self {
        Self {
            title: None,
            description: None,
            solution: None,
            issue: None,
            pr_number: None,
            shown: Vec::new(),
            with_memory: true,
        }
    }
}

/// A memory that a mission was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownMemory {
    /// The memory.
    pub memory: uuid::Uuid,
    /// Whether the agent used it.
    #[serde(default)]
    pub used: bool,
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

/// Body of `POST /agent/v1/sessions/{id}/results`: what a session has to say of many of its missions, each for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Results {
    /// 1 to 500, answered in the same order.
    #[schema(min_items = 1, max_items = 500)]
    pub results: Vec<MissionResult>,
}

/// What a session says of one mission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Entry")]
pub struct MissionResult {
    /// The mission.
    #[schema(value_type = uuid::Uuid)]
    pub mission: MissionId,
    /// How it ended.
    #[serde(flatten)]
    pub word: ResultWord,
}

/// How a mission ended: the body of the call that says it alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultWord {
    /// With its outcome.
    Complete(Complete),
    /// The attempt failed.
    Fail(Fail),
    /// Handed back unfinished.
    Release(Release),
}

impl ResultWord {
    /// The lease that it is said under.
    #[must_use]
    pub const fn lease(&self) -> &LeaseProof {
        match self {
            Self::Complete(body) => &body.lease,
            Self::Fail(body) => &body.lease,
            Self::Release(body) => &body.lease,
        }
    }

    /// Its name in JSON, and the last part of the path of the call that says it alone.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Complete(_) => "complete",
            Self::Fail(_) => "fail",
            Self::Release(_) => "release",
        }
    }
}

/// A [`MissionResult`] as it is read: every mistake in it keeps its place.
#[derive(Deserialize)]
struct Entry {
    mission: MissionId,
    complete: Option<Complete>,
    fail: Option<Fail>,
    release: Option<Release>,
}

impl TryFrom<Entry> for MissionResult {
    type Error = &'static str;

    fn try_from(entry: Entry) -> Result<Self, Self::Error> {
        let word = match (entry.complete, entry.fail, entry.release) {
            (Some(body), None, None) => ResultWord::Complete(body),
            (None, Some(body), None) => ResultWord::Fail(body),
            (None, None, Some(body)) => ResultWord::Release(body),
            _ => return Err("a result is exactly one of complete, fail and release"),
        };
        Ok(Self { mission: entry.mission, word })
    }
}

/// Answer to [`Results`]: one entry a result, in order. A refused one leaves the others untouched.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResultsAnswer {
    /// One answer a result.
    pub results: Vec<ResultAnswer>,
}

/// What became of one result: what the call that says it alone would have answered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultAnswer {
    /// It is stored, now or before.
    Accepted(LeaseAnswer),
    /// It was not taken.
    Refused(super::Problem),
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_reads_as_it_is_written_and_is_one_word() {
        let lease = json!({ "session": SessionId::random(), "epoch": 3, "home": "us-west-2" });
        let with = |more: &Value| {
            let mut body = lease.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let complete = with(&json!({ "outcome": { "pr": 1 } }));
        let release = with(&json!({ "reason": "drain" }));
        let entry = json!({ "mission": MissionId::random(), "complete": complete });
        let read: MissionResult = serde_json::from_value(entry.clone()).unwrap();
        assert_eq!((serde_json::to_value(&read).unwrap(), read.word.verb()), (entry.clone(), "complete"));
        let mut two = entry;
        two["release"] = release;
        assert!(serde_json::from_value::<MissionResult>(two).is_err());
        assert!(serde_json::from_value::<MissionResult>(json!({ "mission": MissionId::random() })).is_err());
    }
}
