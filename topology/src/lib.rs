#![doc = include_str!("../README.md")]

pub mod catalogue;
pub mod config;
pub mod derive;
pub mod geo;
pub mod ids;
pub mod latency;
pub mod model;
pub mod plan;
pub mod schema;
pub mod world;
pub mod yaml;

pub use catalogue::{Catalogue, CatalogueRegion};
pub use geo::Position;
pub use ids::{
    DatabaseRegion, Epoch, MissionId, PoolId, RegionName, ResidencyName, SchedulerId, SessionId, Specialization,
    TokenId,
};
pub use model::{Pool, Provider, Region, RegionState, Residency, Role, Scheduling, Survive, Topology};
