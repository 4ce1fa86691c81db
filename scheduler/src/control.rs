//! What operators do: topologies, regions, tokens. Every change is one compare-and-set with its history row.

use scheduler_client::wire;
use topology::{RegionName, TokenId};

use crate::engine::Actor;
use crate::refusal::Refusal;

/// The service behind `/control/v1`, `/v1/regions` and `/v1/pools`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {}

impl Control {
    /// The topology in force, with its text.
    pub async fn topology(&self) -> Result<wire::TopologyVersion, Refusal> {
        todo!()
    }

    /// One version of the history, with its text.
    pub async fn version(&self, _version: i64) -> Result<wire::TopologyVersion, Refusal> {
        todo!()
    }

    /// The latest versions, newest first, without their texts.
    pub async fn history(&self, _limit: i64) -> Result<wire::TopologyHistory, Refusal> {
        todo!()
    }

    /// What a file would change, and why apply would refuse it.
    pub async fn plan(&self, _body: wire::PlanTopology) -> Result<wire::PlanAnswer, Refusal> {
        todo!()
    }

    /// Puts a file in force if `base_version` is still the current version.
    pub async fn apply(&self, _actor: &Actor, _body: wire::ApplyTopology) -> Result<wire::TopologyVersion, Refusal> {
        todo!()
    }

    /// Applies the text of an earlier version, through the same plan and checks.
    pub async fn revert(&self, _actor: &Actor, _body: wire::RevertTopology) -> Result<wire::TopologyVersion, Refusal> {
        todo!()
    }

    /// The schedulers that are alive, and which version each of them runs.
    pub async fn schedulers(&self) -> Result<wire::SchedulerList, Refusal> {
        todo!()
    }

    /// The regions with all that holds them back; from the view in memory, with its age.
    pub async fn regions(&self) -> Result<wire::RegionList, Refusal> {
        todo!()
    }

    /// The pools with their load; from the view in memory, with its age.
    pub async fn pools(&self) -> Result<wire::PoolList, Refusal> {
        todo!()
    }

    /// Sets the operator's wish for a region: cordon, drain, or none (uncordon).
    pub async fn set_verb(
        &self,
        _actor: &Actor,
        _region: &RegionName,
        _verb: wire::RegionVerb,
        _body: wire::RegionControl,
    ) -> Result<wire::RegionView, Refusal> {
        todo!()
    }

    /// All tokens, without secrets.
    pub async fn tokens(&self) -> Result<wire::TokenList, Refusal> {
        todo!()
    }

    /// Makes a token. Its secret is in the answer and nowhere else.
    pub async fn create_token(&self, _actor: &Actor, _body: wire::CreateToken) -> Result<wire::CreatedToken, Refusal> {
        todo!()
    }

    /// Ends a token for good. Revoking twice is no error.
    pub async fn revoke_token(&self, _actor: &Actor, _token: TokenId) -> Result<wire::TokenView, Refusal> {
        todo!()
    }

    /// Whose secret it is; none where it is unknown, revoked or over. Cached for a few seconds.
    pub async fn authenticate(&self, _secret: &str) -> Result<Option<wire::TokenView>, Refusal> {
        todo!()
    }
}
