//! What a scheduler does for clients and agents: submits, sessions, claims and results, each coalesced into few
//! statements, none of them relying on anything that only this process knows (P7).

mod actor;

use scheduler_client::wire;
use topology::{MissionId, PoolId, RegionName, SessionId};

pub use actor::Actor;

use crate::refusal::Refusal;

/// What a request says beside its body.
#[derive(Debug, Clone, Default)]
pub struct SubmitContext {
    /// W3C traceparent of the request.
    pub traceparent: Option<String>,
    /// ISO country of the client (CF-IPCountry): the origin of a mission that names none. Never part of a key's home.
    pub country: Option<String>,
}

/// A mission that is durable.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The mission.
    pub mission: wire::Mission,
    /// The same key brought it before: 200 instead of 201.
    pub replayed: bool,
}

/// A change that this process made: a hint for event streams and for schedulers of other regions, never a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The mission.
    pub mission: MissionId,
    /// State after.
    pub state: wire::MissionState,
    /// Pool after; none while pending.
    pub pool: Option<PoolId>,
}

/// The service behind the HTTP routes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {}

impl Engine {
    /// Validates, places and stores missions: one result each, in order. A refused one leaves the others untouched.
    pub async fn submit(
        &self,
        _actor: &Actor,
        _context: &SubmitContext,
        _missions: Vec<wire::SubmitMission>,
    ) -> Vec<Result<Submitted, Refusal>> {
        todo!()
    }

    /// Starts a session, or answers again for one that was started by the same registration.
    pub async fn register(
        &self,
        _actor: &Actor,
        _session: wire::RegisterSession,
    ) -> Result<wire::SessionAnswer, Refusal> {
        todo!()
    }

    /// The region of a session, ended or not: what an agent's token is checked against. Cached.
    pub async fn session_region(&self, _session: SessionId) -> Result<RegionName, Refusal> {
        todo!()
    }

    /// Renews a session, and tells it which of the leases that it names are lost or cancelled.
    pub async fn heartbeat(
        &self,
        _session: SessionId,
        _beat: wire::Heartbeat,
    ) -> Result<wire::HeartbeatAnswer, Refusal> {
        todo!()
    }

    /// Ends a session for good and puts back what it holds. Ending it twice is no error.
    pub async fn end_session(&self, _actor: &Actor, _session: SessionId, _reason: &str) -> Result<(), Refusal> {
        todo!()
    }

    /// Waits for missions of the session's pools, at most `claim.wait_ms`. Dropping the future gives up the wait.
    pub async fn claim(&self, _session: SessionId, _claim: wire::Claim) -> Result<wire::ClaimAnswer, Refusal> {
        todo!()
    }

    /// Ends a mission with its outcome. The same call again is answered the same.
    pub async fn complete(&self, _mission: MissionId, _body: wire::Complete) -> Result<wire::LeaseAnswer, Refusal> {
        todo!()
    }

    /// Charges an attempt: back to the queue with a pause, or failed for good.
    pub async fn fail(&self, _mission: MissionId, _body: wire::Fail) -> Result<wire::LeaseAnswer, Refusal> {
        todo!()
    }

    /// Hands a lease back, nothing is charged.
    pub async fn release(&self, _mission: MissionId, _body: wire::Release) -> Result<wire::LeaseAnswer, Refusal> {
        todo!()
    }

    /// Stores what the agent says of a mission.
    pub async fn progress(&self, _mission: MissionId, _body: wire::Progress) -> Result<wire::LeaseAnswer, Refusal> {
        todo!()
    }

    /// Calls a mission off. A submitter may do it to its own missions.
    pub async fn cancel(&self, _actor: &Actor, _mission: MissionId, _reason: &str) -> Result<wire::Mission, Refusal> {
        todo!()
    }

    /// Submits a failed or cancelled mission again: same id, attempts and crashes from 0, epoch goes on.
    pub async fn retry(&self, _actor: &Actor, _mission: MissionId) -> Result<wire::Mission, Refusal> {
        todo!()
    }

    /// One mission with payload and history.
    pub async fn show(&self, _mission: MissionId) -> Result<wire::Mission, Refusal> {
        todo!()
    }

    /// The stored placement of a mission, as it was explained when it was made; null while it has none.
    pub async fn placement(&self, _mission: MissionId) -> Result<serde_json::Value, Refusal> {
        todo!()
    }

    /// Missions, newest first. A region whose database does not answer is left out and named.
    pub async fn list(&self, _query: wire::ListMissions) -> Result<wire::MissionPage, Refusal> {
        todo!()
    }

    /// Lets the claims that wait for these pools look at once.
    pub fn wake(&self, _pools: &[PoolId]) {
        todo!()
    }

    /// Changes made by this process from now on; a slow reader loses the oldest.
    #[must_use]
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<Change> {
        todo!()
    }
}
