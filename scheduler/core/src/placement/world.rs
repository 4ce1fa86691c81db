//! A topology compiled for placement: names become indexes, lists become tables.

use std::collections::HashMap;

use topology::{PoolId, RegionName, ResidencyName, Specialization, Topology};

use super::network::Network;
use super::request::{ResolvedOrigin, RttRow};

/// Number of a region in its world, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionIx(pub(crate) u16);

/// Number of a pool in its world: ordered by specialization, then as regions are in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolIx(pub(crate) u32);

/// A topology compiled for placement. Made once a topology version, shared by all snapshots of it.
#[derive(Debug)]
pub struct World {
    pub(crate) regions: Vec<RegionName>,
    pub(crate) specializations: HashMap<Specialization, ()>,
}

impl World {
    /// Compiles a topology.
    #[must_use]
    pub fn new(topology: &Topology, network: &dyn Network) -> Self {
        let _ = (topology, network);
        todo!()
    }

    /// Whether some region of the topology has a pool of this kind, serving or not.
    #[must_use]
    pub fn knows(&self, specialization: &Specialization) -> bool {
        self.specializations.contains_key(specialization)
    }

    /// The specializations nearest in spelling, at most `limit`, nearest first.
    #[must_use]
    pub fn nearest_names(&self, specialization: &str, limit: usize) -> Vec<Specialization> {
        let _ = (specialization, limit);
        todo!()
    }

    /// Whether the topology has this residency rule.
    #[must_use]
    pub fn knows_residency(&self, residency: &ResidencyName) -> bool {
        let _ = residency;
        todo!()
    }

    /// The pool with this number.
    #[must_use]
    pub fn pool(&self, pool: PoolIx) -> &PoolId {
        let _ = pool;
        todo!()
    }

    /// The number of a pool.
    #[must_use]
    pub fn pool_ix(&self, pool: &PoolId) -> Option<PoolIx> {
        let _ = pool;
        todo!()
    }

    /// The regions, in the order of the file.
    #[must_use]
    pub fn regions(&self) -> &[RegionName] {
        &self.regions
    }

    /// The region nearest to an origin whatever its health: decides the home jurisdiction and the declared fallbacks.
    #[must_use]
    pub fn home(&self, origin: &ResolvedOrigin) -> &RegionName {
        let _ = origin;
        todo!()
    }

    /// Works out the round trips of an origin once, for missions that are placed again and again.
    #[must_use]
    pub fn row(&self, origin: &ResolvedOrigin) -> RttRow {
        let _ = origin;
        todo!()
    }
}
