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

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::catalogue::{Access, Catalogue, CatalogueRegion, Partition};
use crate::ids::{NameError, RegionName, Specialization};
use crate::model::{Provider, Role, Scheduling, Topology};
use crate::world::World;

mod choose;
mod demand;
mod pools;
#[cfg(test)]
mod tests;
mod write;

pub use write::{Seal, seal_of};

/// Up to so many regions the choice is exact; beyond it is improved step by step.
pub const EXACT_UP_TO: usize = 3;
/// Two chosen regions are at least so far apart, in kilometres: one storm or power failure should not reach both.
pub const APART_KM: f64 = 500.0;
/// Regions and pools of a previous topology move only for a gain above this.
pub const MOVE_GAIN_PERCENT: u64 = 10;
/// Most regions that can be asked for.
pub const MOST_REGIONS: usize = 64;

/// How much each kind of interest in a city counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Weights {
    /// A whole inspiration weight.
    pub inspiration: f64,
    /// A planned visit in an agent's path.
    pub visit: f64,
    /// An agent at home there.
    pub home: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { inspiration: 1.0, visit: 0.2, home: 0.1 }
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inspiration={},visit={},home={}", self.inspiration, self.visit, self.home)
    }
}

/// A text that is no list of weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("weights are written inspiration=1,visit=0.2,home=0.1 with numbers from 0 to 1000, not {0:?}")]
pub struct BadWeights(pub String);

impl FromStr for Weights {
    type Err = BadWeights;

    /// What is not named keeps its default.
    fn from_str(text: &str) -> Result<Self, BadWeights> {
        let mut weights = Self::default();
        for part in text.split(',').map(str::trim) {
            let (name, value) = part.split_once('=').ok_or_else(|| BadWeights(text.to_owned()))?;
            let value = value.trim().parse::<f64>().ok().filter(|value| (0.0..=1000.0).contains(value));
            let value = value.ok_or_else(|| BadWeights(text.to_owned()))?;
            match name.trim() {
                "inspiration" => weights.inspiration = value,
                "visit" => weights.visit = value,
                "home" => weights.home = value,
                _ => return Err(BadWeights(text.to_owned())),
            }
        }
        Ok(weights)
    }
}

/// What to derive.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Number of regions to choose.
    pub regions: usize,
    /// Providers to choose from.
    pub providers: Vec<Provider>,
    /// Partitions to choose from.
    pub partitions: Vec<Partition>,
    /// How demand is counted.
    pub weights: Weights,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            regions: 3,
            providers: Provider::ALL.to_vec(),
            partitions: vec![Partition::Standard],
            weights: Weights::default(),
        }
    }
}

impl Options {
    fn allows(&self, region: &CatalogueRegion) -> bool {
        self.providers.contains(&region.provider)
            && self.partitions.contains(&region.partition)
            && region.access == Access::Open
    }
}

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
