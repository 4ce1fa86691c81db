//! A topology for a world: the cloud regions nearest to its demand, and pools in them.
//!
//! [`derive()`] is pure and deterministic: the same world, options and previous topology give the same text. What it
//! promises:
//!
//! - **A (nearest)** up to [`EXACT_UP_TO`] regions no allowed set has a smaller demand-weighted round-trip time; beyond,
//!   no single region can be exchanged for a better one.
//! - **B (apart)** no two chosen regions are within [`APART_KM`] of each other.
//! - **C (allowed)** regions of other partitions than the standard one only where asked for; regions that do not let
//!   everybody in, never.
//! - **D (spread)** a specialization's replica is in another region, and on another provider where one was chosen.
//! - **E (steady)** with a previous topology, regions and pools move only for a gain above [`MOVE_GAIN_PERCENT`].

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::ids::{NameError, RegionName, Specialization};
use crate::model::{Provider, Role, Scheduling, Topology};
use crate::world::World;

mod choose;
mod demand;
mod naming;
mod options;
mod pools;
#[cfg(test)]
mod tests;
mod write;

pub use options::{BadWeights, Options, Weights};
pub use write::{Seal, seal_of};

/// Up to so many regions the choice is exact; beyond it is improved step by step.
pub const EXACT_UP_TO: usize = 3;
/// Two chosen regions are at least so far apart, in kilometres: one storm or power failure should not reach both.
pub const APART_KM: f64 = 500.0;
/// Regions and pools of a previous topology move only for a gain above this.
pub const MOVE_GAIN_PERCENT: u64 = 10;
/// Most regions that can be asked for.
pub const MOST_REGIONS: usize = 64;

/// Why nothing was derived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The number of regions is out of range.
    #[error("between 1 and {MOST_REGIONS} regions can be derived, not {0}")]
    Regions(usize),
    /// The world has no agents, so there is nothing to run.
    #[error("the world has no agents, so there are no pools to place")]
    NoAgents,
    /// No city has any demand.
    #[error("no city of the world has any demand under these weights")]
    NoDemand,
    /// So many regions cannot be had.
    #[error("{wanted} regions that are {APART_KM} km apart cannot be had from the {candidates} that are allowed")]
    TooFew {
        /// How many were asked for.
        wanted: usize,
        /// How many the options allow.
        candidates: usize,
    },
    /// A region of the catalogue does not make a name.
    #[error("the catalogue's {region:?} makes no region name")]
    Name {
        /// The catalogue's name.
        region: String,
        /// What is wrong with it.
        source: NameError,
    },
}

/// A derived topology.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// The file, with a comment for each decision and a digest in its header.
    pub text: String,
    /// The same decisions as data.
    pub report: Report,
}

/// The decisions of [`derive()`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How demand was counted.
    pub weights: Weights,
    /// Regions that the options allowed.
    pub candidates: usize,
    /// The chosen regions.
    pub regions: Vec<ChosenRegion>,
    /// Demand-weighted round-trip time over all cities, each to its nearest chosen region, in microseconds.
    pub weighted_rtt_us: u64,
    /// The cities with demand, greatest first.
    pub cities: Vec<CityDemand>,
    /// The pools, by region as chosen, then by specialization.
    pub pools: Vec<DerivedPool>,
    /// What was left where it was, and what had to move, against the previous topology.
    pub left: Vec<String>,
}

/// A chosen region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChosenRegion {
    /// Its name in the topology.
    pub name: RegionName,
    /// The cloud.
    pub provider: Provider,
    /// The cloud's name of it.
    pub region: String,
    /// The town or area.
    pub place: String,
    /// Share of all demand that it is nearest to, in [0, 1].
    pub share: f64,
}

/// Demand of one city.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CityDemand {
    /// The city's id.
    pub city: String,
    /// Its demand.
    pub demand: f64,
    /// The chosen region that is nearest to it.
    pub nearest: RegionName,
    /// Round-trip time to that region, in microseconds.
    pub rtt_us: u64,
}

/// A derived pool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DerivedPool {
    /// Where it runs.
    pub region: RegionName,
    /// What its agents do.
    pub specialization: Specialization,
    /// First choice or spill.
    pub role: Role,
    /// Number of agents.
    pub replicas: u32,
    /// Demand-weighted round-trip time from the specialization's own demand, in microseconds.
    pub rtt_us: u64,
    /// Why it is there and of this size.
    pub why: String,
}

/// Chooses regions and pools for a world.
///
/// # Errors
/// [`Error`] where the options or the world leave nothing to choose.
pub fn derive(world: &World, options: &Options, previous: Option<&Topology>) -> Result<Derived, Error> {
    if !(1..=MOST_REGIONS).contains(&options.regions) {
        return Err(Error::Regions(options.regions));
    }
    if world.agents.is_empty() {
        return Err(Error::NoAgents);
    }
    let demand = demand::Demand::of(world, options.weights);
    if demand.total() == 0 {
        return Err(Error::NoDemand);
    }
    let candidates: Vec<_> = Catalogue::built_in().regions().iter().filter(|region| options.allows(region)).collect();
    let mut left = previous.and_then(not_carried_over).into_iter().collect();
    let chosen = choose::regions(&demand.points, &candidates, options.regions, previous, &mut left)?;
    let pools = pools::pools(world, &demand, &chosen, previous, &mut left);
    let report = report(options, candidates.len(), &demand, &chosen, pools, left);
    Ok(Derived { text: write::text(world, &report), report })
}

/// Blocks of a previous topology that a derived one does not have.
fn not_carried_over(previous: &Topology) -> Option<String> {
    let blocks = [
        ("residency", !previous.residency.is_empty()),
        ("fallbacks", !previous.fallbacks.is_empty()),
        ("scheduling", previous.scheduling != Scheduling::default()),
        ("latency", previous.latency.pairs().next().is_some()),
        ("load_balancer", previous.load_balancer.name.is_some()),
    ];
    let blocks: Vec<_> = blocks.into_iter().filter(|(_, written)| *written).map(|(block, _)| block).collect();
    (!blocks.is_empty()).then(|| format!("not carried over, write them by hand: {}", blocks.join(", ")))
}

fn report(
    options: &Options,
    candidates: usize,
    demand: &demand::Demand,
    chosen: &[choose::Chosen],
    pools: Vec<DerivedPool>,
    left: Vec<String>,
) -> Report {
    let mut served = vec![0; chosen.len()];
    let mut cities = Vec::new();
    for point in &demand.points {
        let (index, rtt_us) = choose::nearest(point.position, chosen);
        served[index] += point.amount;
        let city = point.city.clone();
        cities.push(CityDemand {
            city,
            demand: demand::units(point.amount),
            nearest: chosen[index].name.clone(),
            rtt_us,
        });
    }
    cities.sort_by(|a, b| b.demand.total_cmp(&a.demand).then_with(|| a.city.cmp(&b.city)));
    let regions = chosen.iter().zip(&served).map(|(chosen, served)| ChosenRegion {
        name: chosen.name.clone(),
        provider: chosen.region.provider,
        region: chosen.region.name.clone(),
        place: chosen.region.place.clone(),
        share: *served as f64 / demand.total() as f64,
    });
    Report {
        weights: options.weights,
        candidates,
        regions: regions.collect(),
        weighted_rtt_us: choose::weighted_rtt_us(&demand.points, chosen),
        cities,
        pools,
        left,
    }
}
