//! `/health`, `/ready`, `/v1/events`, `/peer/v1`: what programs tell each other about themselves.

use serde::{Deserialize, Serialize};
use topology::{MissionId, PoolId, RegionName};
use utoipa::ToSchema;

/// Answer of `GET /health` and `GET /ready`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Version of the program.
    pub version: String,
    /// The region that it serves.
    #[schema(value_type = String)]
    pub region: RegionName,
    /// Version of the topology that it has in force.
    pub topology_version: i64,
}

/// Body of `POST /peer/v1/wake`: a hint that these pools have work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wake {
    /// The pools.
    #[schema(value_type = Vec<crate::wire::schema::PoolId>)]
    pub pools: Vec<PoolId>,
    /// A peer of the same region sends it: it goes no further.
    #[serde(default)]
    pub passed: bool,
}

/// Event `mission` of `GET /v1/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventMission {
    /// The mission.
    #[schema(value_type = uuid::Uuid)]
    pub id: MissionId,
    /// State after.
    pub state: super::MissionState,
    /// Pool after; absent while pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::wire::schema::PoolId>)]
    pub pool: Option<PoolId>,
}

/// Events `topology` and `regions` of `GET /v1/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventTopology {
    /// Version of the topology in force.
    pub topology_version: i64,
}

/// Event `gap` of `GET /v1/events`: the reader was too slow, reload what is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventGap {
    /// Events that were lost.
    pub lost: u64,
}
