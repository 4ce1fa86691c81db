//! The validated topology: what every other part of Meridian works from.
//!
//! A [`Topology`] is only made by `config::parse`, so whoever holds one may rely on what validation proves: names are
//! unique, every replica has a primary, every region has a database region, every residency can be kept.

mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::geo::Position;
use crate::ids::{DatabaseRegion, PoolId, RegionName, ResidencyName, Specialization};
use crate::latency::LatencyTable;
pub use words::{Provider, RegionState, ResidencyStrength, Role, Survive, UnknownProvider};

/// A topology that passed validation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Topology {
    /// Regions in the order of the file.
    pub regions: Vec<Region>,
    /// Pools, ordered by region as in the file, then by specialization.
    pub pools: Vec<Pool>,
    /// Residency rules by name.
    pub residency: BTreeMap<ResidencyName, Residency>,
    /// Declared fallback groups of a home region, in order.
    pub fallbacks: BTreeMap<RegionName, Vec<Vec<RegionName>>>,
    /// Where the database runs and what it survives.
    pub database: Database,
    /// Clocks and limits of scheduling.
    pub scheduling: Scheduling,
    /// Measured round-trip times between regions; the others are estimated.
    pub latency: LatencyTable,
    /// Cloudflare load balancing.
    pub load_balancer: LoadBalancer,
}

/// A region of the topology with everything the catalogue knows of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Region {
    /// The name in the file.
    pub name: RegionName,
    /// The cloud that runs it.
    pub provider: Provider,
    /// The cloud's own name of the region.
    pub cloud_region: String,
    /// Where it stands.
    pub position: Position,
    /// ISO 3166-1 alpha-2 code of the country, upper case.
    pub country: String,
    /// The body of law that holds there, such as `eu` or `us`.
    pub jurisdiction: String,
    /// Cloudflare steering codes whose users are sent here.
    pub steering: Vec<String>,
    /// How far its roll-out has come.
    pub state: RegionState,
    /// The database region that homes its rows.
    pub database_region: DatabaseRegion,
    /// Network range for Terraform.
    pub cidr: Option<String>,
    /// Whether its agents run on spot capacity.
    pub spot: bool,
}

/// All agents of one specialization in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// Region and specialization.
    pub id: PoolId,
    /// First choice or spill.
    pub role: Role,
    /// Wished number of agents.
    pub replicas: u32,
    /// Missions that one agent works on at a time.
    pub slots: u32,
    /// Lower bound of autoscaling, where given.
    pub min: Option<u32>,
    /// Upper bound of autoscaling, where given.
    pub max: Option<u32>,
    /// Longest run of one mission, where the pool sets it.
    pub run_limit: Option<Duration>,
}

impl Pool {
    /// Missions that the pool can work on at a time when all its agents are there.
    #[must_use]
    pub const fn wished_slots(&self) -> u64 {
        self.replicas as u64 * self.slots as u64
    }
}

/// A named rule about where missions and their rows may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Residency {
    /// Regions that may run such missions.
    pub regions: Vec<RegionName>,
    /// How far the rule reaches.
    pub strength: ResidencyStrength,
}

/// Where the database runs and what it survives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Database {
    /// The cloud of the cluster, or none where it is `self`.
    pub cloud: Option<Provider>,
    /// Home of what belongs to no region.
    pub primary_region: DatabaseRegion,
    /// Survival goal.
    pub survive: Survive,
    /// All database regions, sorted, without duplicates.
    pub regions: Vec<DatabaseRegion>,
    /// Database regions whose rows keep all replicas there (PLACEMENT RESTRICTED).
    pub placement_restricted: bool,
    /// Most that two gateways' clocks may differ (the cluster's `--max-offset`).
    pub max_clock_offset: Duration,
}

/// Clocks and limits of scheduling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scheduling {
    /// A session without a heartbeat for so long is ended.
    pub session_ttl: Duration,
    /// Time between two heartbeats of a session.
    pub heartbeat: Duration,
    /// An agent fences itself so long before its lease ends by its own clock.
    pub margin: Duration,
    /// A region or pool without a heartbeat for so long is down.
    pub down_after: Duration,
    /// Steady heartbeats that a region needs to come back.
    pub up_after: Duration,
    /// A primary whose estimated queue wait exceeds this counts as saturated.
    pub spill_after: Duration,
    /// Failures after which a mission fails for good.
    pub max_attempts: u32,
    /// Crashes of its holder after which a mission is poison.
    pub max_crashes: u32,
    /// Longest run of one mission where neither pool nor mission says otherwise.
    pub run_limit: Duration,
    /// Waiting time that raises a mission's priority by one step.
    pub aging: Duration,
}

impl Default for Scheduling {
    /// The defaults on `PostgreSQL` (DESIGN section 5).
    fn default() -> Self {
        Self {
            session_ttl: Duration::from_secs(5),
            heartbeat: Duration::from_secs(1),
            margin: Duration::from_millis(500),
            down_after: Duration::from_secs(6),
            up_after: Duration::from_secs(15),
            spill_after: Duration::from_secs(2),
            max_attempts: 3,
            max_crashes: 4,
            run_limit: Duration::from_secs(30 * 60),
            aging: Duration::from_secs(10 * 60),
        }
    }
}

/// Cloudflare load balancing, with every pool resolved to its region.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LoadBalancer {
    /// Name of the load balancer.
    pub name: Option<String>,
    /// One pool for each serving region.
    pub pools: Vec<SteeringPool>,
    /// Pool by Cloudflare region code.
    pub geo_steering: BTreeMap<String, String>,
}

/// A Cloudflare pool of one region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SteeringPool {
    /// Name at Cloudflare.
    pub name: String,
    /// The region behind it.
    pub region: RegionName,
    /// Addresses with weights in [0, 1]; empty = the region's ingress.
    pub origins: Vec<Origin>,
    /// Path that Cloudflare's monitor asks for.
    pub monitor: Option<String>,
}

/// An address behind a Cloudflare pool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// Name at Cloudflare.
    pub name: String,
    /// Host name or address.
    pub address: String,
    /// Share of the pool's traffic, in [0, 1].
    pub weight: f64,
}

impl Topology {
    /// The region of this name.
    #[must_use]
    pub fn region(&self, name: &RegionName) -> Option<&Region> {
        self.regions.iter().find(|region| region.name == *name)
    }

    /// The pool of this id.
    #[must_use]
    pub fn pool(&self, id: &PoolId) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.id == *id)
    }

    /// All specializations, sorted, without duplicates.
    #[must_use]
    pub fn specializations(&self) -> Vec<&Specialization> {
        let mut all: Vec<_> = self.pools.iter().map(|pool| &pool.id.specialization).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether a residency rule lets a region run missions and home their rows. No rule allows everything.
    #[must_use]
    pub fn lawful(&self, residency: Option<&ResidencyName>, region: &RegionName) -> bool {
        residency.is_none_or(|name| self.residency.get(name).is_some_and(|rule| rule.regions.contains(region)))
    }
}
