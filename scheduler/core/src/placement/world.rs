//! A topology compiled for placement: names become indexes, lists become tables.

use std::hash::Hasher as _;
use std::ops::Range;

use topology::latency::LatencyTable;
use topology::{PoolId, Region, RegionName, RegionState, ResidencyName, Role, Scheduling, Specialization, Topology};

use super::estimate::{Estimate, unit_vector};
use super::request::{OriginPoint, ResolvedOrigin, RttRow};
use super::wait::Clocks;
use crate::hash::{Fnv, NameMap};

/// Share of a canary region's capacity that counts, in thousandths.
pub const CANARY_PERMILLE: u16 = 100;

/// Number of a region in its world, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionIx(pub(crate) u16);

/// Number of a pool in its world: ordered by specialization, then as regions are in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolIx(pub(crate) u32);

/// A topology compiled for placement. Made once a topology version, shared by all snapshots of it.
#[derive(Debug)]
pub struct World {
    /// Tells the rows of this world from those of another.
    pub(crate) digest: u64,
    pub(crate) regions: Vec<RegionName>,
    pub(crate) states: Vec<RegionState>,
    pub(crate) pools: Vec<WorldPool>,
    pub(crate) pool_ids: Vec<PoolId>,
    pub(crate) clocks: Clocks,
    pub(crate) kinds: Vec<Range<usize>>,
    units: Vec<[f64; 3]>,
    /// Round trips from region to region, in microseconds, row by row.
    between: Vec<u32>,
    /// Fallback group of a region for a home region, row by row.
    groups: Vec<u8>,
    costs: Vec<u64>,
    estimate: Estimate,
    region_by_name: NameMap<RegionName, RegionIx>,
    pool_by_id: NameMap<PoolId, PoolIx>,
    kind_by_name: NameMap<Specialization, usize>,
    lawful: NameMap<ResidencyName, Vec<bool>>,
}

/// What a decision reads of a pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorldPool {
    pub(crate) region: RegionIx,
    pub(crate) role: Role,
    pub(crate) kind: u16,
}

impl RegionIx {
    pub(crate) const fn at(self) -> usize {
        self.0 as usize
    }
}

impl PoolIx {
    pub(crate) const fn at(self) -> usize {
        self.0 as usize
    }
}

impl World {
    /// Compiles a topology. Measured round trips count where an origin is a region, estimates for all other points.
    #[must_use]
    pub fn new(topology: &Topology, latencies: &LatencyTable) -> Self {
        let regions = &topology.regions;
        let region_by_name: NameMap<_, _> =
            regions.iter().enumerate().map(|(at, region)| (region.name.clone(), RegionIx(at as u16))).collect();
        let (pools, pool_ids, kinds) = compile_pools(topology, &region_by_name);
        let kind_by_name =
            kinds.iter().enumerate().map(|(kind, range)| (pool_ids[range.start].specialization.clone(), kind));
        Self {
            digest: digest(regions),
            states: regions.iter().map(|region| region.state).collect(),
            units: regions.iter().map(|region| unit_vector(region.position)).collect(),
            between: each_pair(regions, |from, to| between_us(latencies, from, to)),
            groups: each_pair(regions, |home, region| group(topology, home, region)),
            costs: vec![0; regions.len()],
            estimate: Estimate::sampled(),
            clocks: clocks(&topology.scheduling),
            kind_by_name: kind_by_name.collect(),
            pool_by_id: pool_ids.iter().enumerate().map(|(at, id)| (id.clone(), PoolIx(at as u32))).collect(),
            lawful: topology.residency.keys().map(|rule| (rule.clone(), lawful(topology, rule))).collect(),
            regions: regions.iter().map(|region| region.name.clone()).collect(),
            pools,
            pool_ids,
            kinds,
            region_by_name,
        }
    }

    /// Makes a region dearer by so many microseconds of expected latency; a region it does not know is ignored.
    #[must_use]
    pub fn with_cost(mut self, region: &RegionName, cost_us: u64) -> Self {
        if let Some(region) = self.region_by_name.get(region) {
            self.costs[region.at()] = cost_us;
        }
        self
    }

    /// Whether some region of the topology has a pool of this kind, serving or not.
    #[must_use]
    pub fn knows(&self, specialization: &Specialization) -> bool {
        self.kind_by_name.contains_key(specialization)
    }

    /// Whether the topology has this residency rule.
    #[must_use]
    pub fn knows_residency(&self, residency: &ResidencyName) -> bool {
        self.lawful.contains_key(residency)
    }

    /// All specializations, in no particular order.
    pub fn specializations(&self) -> impl Iterator<Item = &Specialization> {
        self.kind_by_name.keys()
    }

    /// The regions, in the order of the file.
    #[must_use]
    pub fn regions(&self) -> &[RegionName] {
        &self.regions
    }

    /// The pool with this number.
    #[must_use]
    pub fn pool(&self, pool: PoolIx) -> &PoolId {
        &self.pool_ids[pool.at()]
    }

    /// The number of a pool.
    #[must_use]
    pub fn pool_ix(&self, pool: &PoolId) -> Option<PoolIx> {
        self.pool_by_id.get(pool).copied()
    }

    /// The number of a region.
    #[must_use]
    pub fn region_ix(&self, region: &RegionName) -> Option<RegionIx> {
        self.region_by_name.get(region).copied()
    }

    /// The region nearest to an origin whatever its health: decides the home jurisdiction and the declared fallbacks.
    /// None where the topology has no region.
    #[must_use]
    pub fn home(&self, origin: &ResolvedOrigin) -> Option<&RegionName> {
        let row = self.row(origin);
        nearest(&row.us).map(|region| &self.regions[region.at()])
    }

    /// Works out the round trips of an origin once, for missions that are placed again and again.
    #[must_use]
    pub fn row(&self, origin: &ResolvedOrigin) -> RttRow {
        let mut us = vec![0; self.regions.len()];
        self.fill_row(origin, &mut us);
        RttRow { world: self.digest, us: us.into() }
    }

    /// Fills in the round trip from an origin to each region. A region that is gone is far from everywhere alike.
    pub(crate) fn fill_row(&self, origin: &ResolvedOrigin, us: &mut [u32]) {
        match origin {
            ResolvedOrigin::Row(_, row) if row.world == self.digest => us.copy_from_slice(&row.us),
            ResolvedOrigin::Row(points, _) | ResolvedOrigin::Points(points) => self.fill_estimates(points, us),
            ResolvedOrigin::Region(name) => match self.region_by_name.get(name) {
                Some(region) => us.copy_from_slice(&self.between[region.at() * us.len()..][..us.len()]),
                None => us.fill(0),
            },
        }
    }

    fn fill_estimates(&self, points: &[OriginPoint], us: &mut [u32]) {
        if let [point] = points {
            for (us, unit) in us.iter_mut().zip(&self.units) {
                *us = (self.estimate.us(point.unit, *unit) + 0.5) as u32;
            }
            return;
        }
        let all: f64 = points.iter().map(|point| point.weight).sum();
        let scale = if all > 0.0 { 1.0 / all } else { 0.0 };
        for (us, unit) in us.iter_mut().zip(&self.units) {
            let sum: f64 = points.iter().map(|point| point.weight * self.estimate.us(point.unit, *unit)).sum();
            *us = (sum * scale + 0.5) as u32;
        }
    }

    pub(crate) fn kind(&self, specialization: &Specialization) -> Option<usize> {
        self.kind_by_name.get(specialization).copied()
    }

    /// Which regions a residency rule allows, by number; none where the topology has no such rule.
    pub(crate) fn lawful(&self, residency: &ResidencyName) -> Option<&[bool]> {
        self.lawful.get(residency).map(Vec::as_slice)
    }

    /// Fallback groups of all regions for a home region.
    pub(crate) fn groups(&self, home: RegionIx) -> &[u8] {
        let regions = self.regions.len();
        &self.groups[home.at() * regions..][..regions]
    }

    pub(crate) fn cost_us(&self, region: RegionIx) -> u64 {
        self.costs[region.at()]
    }
}

/// The region with the least round trip; the first of equals.
pub(crate) fn nearest(us: &[u32]) -> Option<RegionIx> {
    us.iter().enumerate().min_by_key(|(at, us)| (**us, *at)).map(|(at, _)| RegionIx(at as u16))
}

/// Pools ordered by specialization, then by region; and where each specialization's pools are.
fn compile_pools(
    topology: &Topology,
    regions: &NameMap<RegionName, RegionIx>,
) -> (Vec<WorldPool>, Vec<PoolId>, Vec<Range<usize>>) {
    let mut sorted: Vec<_> =
        topology.pools.iter().filter_map(|pool| Some((pool, *regions.get(&pool.id.region)?))).collect();
    sorted.sort_by_key(|(pool, region)| (&pool.id.specialization, *region));
    let (mut pools, mut ids) = (Vec::with_capacity(sorted.len()), Vec::with_capacity(sorted.len()));
    let mut kinds: Vec<Range<usize>> = Vec::new();
    let alike = sorted.chunk_by(|(a, _), (b, _)| a.id.specialization == b.id.specialization);
    for (kind, chunk) in alike.enumerate() {
        kinds.push(pools.len()..pools.len() + chunk.len());
        for (pool, region) in chunk {
            pools.push(WorldPool { region: *region, role: pool.role, kind: kind as u16 });
            ids.push(pool.id.clone());
        }
    }
    (pools, ids, kinds)
}

fn each_pair<T>(regions: &[Region], mut figure: impl FnMut(&Region, &Region) -> T) -> Vec<T> {
    let mut figures = Vec::with_capacity(regions.len() * regions.len());
    for from in regions {
        for to in regions {
            figures.push(figure(from, to));
        }
    }
    figures
}

fn between_us(latencies: &LatencyTable, from: &Region, to: &Region) -> u32 {
    u32::try_from(latencies.rtt_us((&from.name, from.position), (&to.name, to.position))).unwrap_or(u32::MAX)
}

/// 0 = the home's jurisdiction, then the declared groups, then everywhere else.
fn group(topology: &Topology, home: &Region, region: &Region) -> u8 {
    if home.jurisdiction == region.jurisdiction {
        return 0;
    }
    let declared = topology.fallbacks.get(&home.name).map_or(&[][..], Vec::as_slice);
    let group = declared.iter().position(|group| group.contains(&region.name)).unwrap_or(declared.len());
    u8::try_from(group + 1).unwrap_or(u8::MAX)
}

fn lawful(topology: &Topology, rule: &ResidencyName) -> Vec<bool> {
    topology.regions.iter().map(|region| topology.lawful(Some(rule), &region.name)).collect()
}

fn clocks(scheduling: &Scheduling) -> Clocks {
    let us = |span: std::time::Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    Clocks { spill_after_us: us(scheduling.spill_after), down_after_us: us(scheduling.down_after) }
}

/// FNV-1a over what a row of round trips depends on.
fn digest(regions: &[Region]) -> u64 {
    let mut hash = Fnv::default();
    for region in regions {
        hash.write(region.name.as_str().as_bytes());
        hash.write(&[0]);
        hash.write(&region.position.lat().to_bits().to_be_bytes());
        hash.write(&region.position.lng().to_bits().to_be_bytes());
    }
    hash.finish()
}
