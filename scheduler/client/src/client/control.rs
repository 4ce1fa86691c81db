//! `/control/v1`, the operator's reads, and the scheduler's own health.

use reqwest::Method;
use topology::{RegionName, TokenId};

use super::{Call, Client, Nothing, Repeat};
use crate::error::Error;
use crate::transport::Lane;
use crate::wire::{
    ApplyTopology, CreateToken, CreatedToken, Health, PlanAnswer, PlanTopology, PoolList, RegionControl, RegionList,
    RegionView, RevertTopology, SchedulerList, TokenList, TokenView, TopologyHistory, TopologyVersion, Wake,
};

impl Client {
    /// The topology in force, with its text.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn topology(&self) -> Result<TopologyVersion, Error> {
        self.send(Call::get("/control/v1/topology")).await
    }

    /// What a file would change.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn plan_topology(&self, text: &str) -> Result<PlanAnswer, Error> {
        let body = PlanTopology { text: text.to_owned() };
        self.send(Call::with_body(Method::POST, "/control/v1/topology/plan".to_owned(), &body, Repeat::Safe)?).await
    }

    /// Puts a file in force. A lost answer is not repeated: the second try would find its own change.
    ///
    /// # Errors
    /// See [`Error`]; `plan_stale`.
    pub async fn apply_topology(&self, body: &ApplyTopology) -> Result<TopologyVersion, Error> {
        self.send(Call::with_body(Method::PUT, "/control/v1/topology".to_owned(), body, Repeat::Unsent)?).await
    }

    /// One version of the topology, with its text.
    ///
    /// # Errors
    /// See [`Error`]; `version_not_found`.
    pub async fn topology_version(&self, version: i64) -> Result<TopologyVersion, Error> {
        self.send(Call::get(format!("/control/v1/topology?version={version}"))).await
    }

    /// The latest versions of the topology, newest first, without their texts.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn topology_history(&self, limit: i64) -> Result<TopologyHistory, Error> {
        self.send(Call::get(format!("/control/v1/topology/history?limit={limit}"))).await
    }

    /// Puts the text of an earlier version in force. A lost answer is not repeated.
    ///
    /// # Errors
    /// See [`Error`]; `version_not_found`, `plan_stale`, `holds_missions`.
    pub async fn revert_topology(&self, body: &RevertTopology) -> Result<TopologyVersion, Error> {
        let path = "/control/v1/topology/revert".to_owned();
        self.send(Call::with_body(Method::POST, path, body, Repeat::Unsent)?).await
    }

    /// The schedulers that are alive.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn schedulers(&self) -> Result<SchedulerList, Error> {
        self.send(Call::get("/control/v1/schedulers")).await
    }

    /// Tells another scheduler that pools have work: a hint, not repeated.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn wake(&self, body: &Wake) -> Result<(), Error> {
        let call = Call::with_body(Method::POST, "/peer/v1/wake".to_owned(), body, Repeat::Unsent)?;
        self.send::<Nothing>(call.lane(Lane::Claim)).await.map(|_| ())
    }

    /// The regions and how they are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn regions(&self) -> Result<RegionList, Error> {
        self.send(Call::get("/v1/regions")).await
    }

    /// The pools and how they are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pools(&self) -> Result<PoolList, Error> {
        self.send(Call::get("/v1/pools")).await
    }

    /// Keeps new work away from a region.
    ///
    /// # Errors
    /// See [`Error`]; `region_not_found`.
    pub async fn cordon(&self, region: &RegionName, body: &RegionControl) -> Result<RegionView, Error> {
        self.region(region, "cordon", body).await
    }

    /// Empties a region.
    ///
    /// # Errors
    /// See [`Error`]; `region_not_found`.
    pub async fn drain(&self, region: &RegionName, body: &RegionControl) -> Result<RegionView, Error> {
        self.region(region, "drain", body).await
    }

    /// Lets a region serve again.
    ///
    /// # Errors
    /// See [`Error`]; `region_not_found`.
    pub async fn uncordon(&self, region: &RegionName, body: &RegionControl) -> Result<RegionView, Error> {
        self.region(region, "uncordon", body).await
    }

    /// All tokens, without their secrets.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tokens(&self) -> Result<TokenList, Error> {
        self.send(Call::get("/control/v1/tokens")).await
    }

    /// Makes a token. A lost answer is not repeated: its secret would be lost too.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_token(&self, body: &CreateToken) -> Result<CreatedToken, Error> {
        self.send(Call::with_body(Method::POST, "/control/v1/tokens".to_owned(), body, Repeat::Unsent)?).await
    }

    /// Ends a token.
    ///
    /// # Errors
    /// See [`Error`]; `token_not_found`.
    pub async fn revoke_token(&self, id: TokenId) -> Result<TokenView, Error> {
        self.send(Call::new(Method::DELETE, format!("/control/v1/tokens/{id}"), None, Repeat::Safe)).await
    }

    /// Whether the scheduler runs.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn health(&self) -> Result<Health, Error> {
        self.send(Call::get("/health")).await
    }

    /// Whether the scheduler takes work.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ready(&self) -> Result<Health, Error> {
        self.send(Call::get("/ready")).await
    }

    async fn region(&self, region: &RegionName, verb: &str, body: &RegionControl) -> Result<RegionView, Error> {
        let path = format!("/control/v1/regions/{region}/{verb}");
        self.send(Call::with_body(Method::POST, path, body, Repeat::Safe)?).await
    }
}
