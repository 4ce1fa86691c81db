//! Which other homes a question goes to: asking all of a large topology would make every search as slow as the slowest of
//! them, and every home the server of all.

use std::collections::BTreeMap;

use topology::{DatabaseRegion, RegionName, Topology};

/// The other homes that are nearest to the region `here`, at most so many, and how many there are besides. A home is as far
/// as the nearest region that has its rows there, by the round trips that placement uses; one without a region comes last.
pub(crate) fn others<'t>(
    topology: &'t Topology,
    here: &RegionName,
    own: &DatabaseRegion,
    most: usize,
) -> (Vec<&'t DatabaseRegion>, usize) {
    let mut others: Vec<&DatabaseRegion> = topology.database.regions.iter().filter(|home| *home != own).collect();
    let skipped = others.len().saturating_sub(most);
    if skipped > 0 {
        let far = distances(topology, here);
        others.sort_by_key(|home| (far.get(home).copied().unwrap_or(u64::MAX), *home));
        others.truncate(most);
    }
    (others, skipped)
}

/// Microseconds to each home that has a region. From a region that the topology does not have, all are equally far.
fn distances<'t>(topology: &'t Topology, here: &RegionName) -> BTreeMap<&'t DatabaseRegion, u64> {
    let from = topology.region(here);
    let mut far = BTreeMap::new();
    for region in &topology.regions {
        let us = from.map_or(0, |from| topology.latency.between_us(from, region));
        let least = far.entry(&region.database_region).or_insert(us);
        *least = us.min(*least);
    }
    far
}
