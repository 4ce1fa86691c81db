//! `/agent/v1`.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use topology::{MissionId, SessionId};

use super::{Call, Client, Nothing, Repeat};
use crate::error::Error;
use crate::transport::Lane;
use crate::wire::{
    Claim, ClaimAnswer, Complete, Fail, Heartbeat, HeartbeatAnswer, LeaseAnswer, MissionResult, Progress,
    RegisterSession, Release, Results, ResultsAnswer, SessionAnswer,
};

impl Client {
    /// Registers a session, or changes what it offers: the id makes it repeatable.
    ///
    /// # Errors
    /// See [`Error`]; `session_ended`, `session_taken`, `unknown_pool`.
    pub async fn register(&self, session: &RegisterSession) -> Result<SessionAnswer, Error> {
        let path = "/agent/v1/sessions".to_owned();
        self.send(Call::with_body(Method::POST, path, session, Repeat::Safe)?.lane(Lane::Lease)).await
    }

    /// Says what the session holds. Never repeated once sent: the next heartbeat has the next number.
    ///
    /// # Errors
    /// See [`Error`]; `session_ended`, `stale_heartbeat`.
    pub async fn heartbeat(&self, session: SessionId, heartbeat: &Heartbeat) -> Result<HeartbeatAnswer, Error> {
        let path = format!("/agent/v1/sessions/{session}/heartbeat");
        self.send(Call::with_body(Method::PUT, path, heartbeat, Repeat::Unsent)?.lane(Lane::Lease)).await
    }

    /// Ends the session: the last call of a drain.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn end_session(&self, session: SessionId) -> Result<(), Error> {
        let path = format!("/agent/v1/sessions/{session}/end");
        let call = Call::with_body(Method::POST, path, &serde_json::json!({}), Repeat::Safe)?;
        self.send::<Nothing>(call.lane(Lane::Lease)).await.map(|_| ())
    }

    /// Waits for work, as long as the claim says. Never repeated once sent: its answer may hold leases.
    ///
    /// # Errors
    /// See [`Error`]; `session_ended`.
    pub async fn claim(&self, session: SessionId, claim: &Claim) -> Result<ClaimAnswer, Error> {
        let path = format!("/agent/v1/sessions/{session}/claim");
        let wait = Duration::from_millis(claim.wait_ms.try_into().unwrap_or_default());
        let call = Call::with_body(Method::POST, path, claim, Repeat::Unsent)?.lane(Lane::Claim).wait(wait);
        self.send_unless(call, |answer: &ClaimAnswer| answer.degraded).await
    }

    /// Reports a success. Repeatable: the same result under the same lease is answered alike.
    ///
    /// # Errors
    /// See [`Error`]; `lease_lost`, `mission_cancelled`, `mission_finished`.
    pub async fn complete(&self, mission: MissionId, body: &Complete) -> Result<LeaseAnswer, Error> {
        self.about_lease(mission, "complete", body).await
    }

    /// Reports a failure. Repeatable like [`Client::complete`].
    ///
    /// # Errors
    /// See [`Client::complete`].
    pub async fn fail(&self, mission: MissionId, body: &Fail) -> Result<LeaseAnswer, Error> {
        self.about_lease(mission, "fail", body).await
    }

    /// Hands a mission back unfinished.
    ///
    /// # Errors
    /// See [`Client::complete`].
    pub async fn release(&self, mission: MissionId, body: &Release) -> Result<LeaseAnswer, Error> {
        self.about_lease(mission, "release", body).await
    }

    /// Reports up to 500 results of a session in one call; one entry a result comes back, in order. Repeatable like
    /// [`Client::complete`].
    ///
    /// # Errors
    /// See [`Error`]; what is refused of the results is an entry of the answer. A scheduler that is older than this
    /// route answers `unknown_path`.
    pub async fn results(&self, session: SessionId, results: Vec<MissionResult>) -> Result<ResultsAnswer, Error> {
        let path = format!("/agent/v1/sessions/{session}/results");
        let call = Call::with_body(Method::POST, path, &Results { results }, Repeat::Safe)?;
        self.send(call.lane(Lane::Lease)).await
    }

    /// Says how far a mission is.
    ///
    /// # Errors
    /// See [`Client::complete`].
    pub async fn progress(&self, mission: MissionId, body: &Progress) -> Result<LeaseAnswer, Error> {
        self.about_lease(mission, "progress", body).await
    }

    async fn about_lease(&self, mission: MissionId, verb: &str, body: &impl Serialize) -> Result<LeaseAnswer, Error> {
        let path = format!("/agent/v1/missions/{mission}/{verb}");
        self.send(Call::with_body(Method::POST, path, body, Repeat::Safe)?.lane(Lane::Lease)).await
    }
}
