//! How long a round trip takes: an estimate from the distance, and a table of measured pairs that overrides it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::geo::Position;
use crate::ids::RegionName;
use crate::model::Region;

/// Microseconds that light in fibre needs for a kilometre and back: 2 / (c / 1.468), refractive index of ITU-T G.652
/// fibre at 1550 nm.
pub const FIBRE_US_PER_KM: f64 = 2.0 * 1.468 / 0.299_792_458;

/// Length of the way over the great circle, for the pair's whole path. Together with [`FIXED_US`] the least mean
/// relative error on one half of the published pairs in `data/latency.json`; the tests below search for it again, and
/// tell how far off the other half is.
pub const PATH_STRETCH: f64 = 1.54;

/// What a round trip costs at any distance, in microseconds: the ways into the backbone at both ends, and detours of
/// near pairs, whose cables are longer for their distance than those of far ones.
pub const FIXED_US: f64 = 6_750.0;

/// Estimated round-trip time in whole microseconds. Symmetric, and never less for a longer way.
#[must_use]
pub fn rtt_us(from: Position, to: Position) -> u64 {
    estimate_us(from.distance_km(to))
}

/// Estimated round-trip time over a distance in kilometres, in whole microseconds: never less for a longer way.
#[must_use]
pub fn estimate_us(km: f64) -> u64 {
    with_parameters(km, FIXED_US, PATH_STRETCH)
}

fn with_parameters(km: f64, fixed_us: f64, stretch: f64) -> u64 {
    (fixed_us + km * FIBRE_US_PER_KM * stretch).round() as u64
}

/// Measured round-trip times between regions of a topology, in whole microseconds. A pair without one is estimated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LatencyTable {
    pairs: BTreeMap<(RegionName, RegionName), u64>,
}

impl LatencyTable {
    /// Sets what was measured between two regions, in either direction.
    pub fn insert(&mut self, a: RegionName, b: RegionName, rtt_us: u64) {
        self.pairs.insert(ordered(a, b), rtt_us);
    }

    /// All measured pairs, each once, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&RegionName, &RegionName, u64)> {
        self.pairs.iter().map(|((a, b), rtt_us)| (a, b, *rtt_us))
    }

    /// What was measured between two regions, in either direction.
    #[must_use]
    pub fn measured(&self, a: &RegionName, b: &RegionName) -> Option<u64> {
        self.pairs.get(&ordered(a.clone(), b.clone())).copied()
    }

    /// Measured where the table has the pair, else estimated from the two places.
    #[must_use]
    pub fn rtt_us(&self, a: (&RegionName, Position), b: (&RegionName, Position)) -> u64 {
        self.measured(a.0, b.0).unwrap_or_else(|| rtt_us(a.1, b.1))
    }

    /// [`LatencyTable::rtt_us`] between two regions of a topology.
    #[must_use]
    pub fn between_us(&self, a: &Region, b: &Region) -> u64 {
        self.rtt_us((&a.name, a.position), (&b.name, b.position))
    }
}

impl Serialize for LatencyTable {
    /// A list, for JSON has no pairs as keys.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.pairs())
    }
}

fn ordered(a: RegionName, b: RegionName) -> (RegionName, RegionName) {
    if a <= b { (a, b) } else { (b, a) }
}

#[cfg(test)]
mod tests;
