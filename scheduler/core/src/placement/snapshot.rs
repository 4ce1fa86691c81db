//! A world with its health and load at one moment.

use std::sync::Arc;

use topology::{PoolId, RegionName, RegionState};

use super::filter::{Gate, gate};
use super::wait::{Capacity, capacity};
use super::world::{CANARY_PERMILLE, PoolIx, RegionIx, World};
use crate::health::{HeldBy, RAMP_FULL, RegionHealth, Serving, Verb, serving};

/// What the database says of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolLoad {
    /// Live sessions.
    pub sessions: i64,
    /// Slots of live sessions.
    pub slots: i64,
    /// Missions being worked on.
    pub leased: i64,
    /// Missions waiting.
    pub queued: i64,
    /// EWMA of the run time in microseconds; 0 = nothing is known yet.
    pub service_us: i64,
    /// Whether the pool had a live session within `down_after` (`health::pool_is_live`).
    pub live: bool,
}

/// What the operator and the heartbeats say of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionStanding {
    /// What the operator wants.
    pub verb: Verb,
    /// What the heartbeats show.
    pub health: RegionHealth,
    /// Share of its capacity that counts, in thousandths, while its load returns (`health::ramp_permille`).
    pub ramp_permille: u16,
}

/// A world with its health and load at one moment.
///
/// A clone costs a few pointers. The first `bump` after a clone copies the loads of one specialization, further ones
/// copy nothing.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) world: Arc<World>,
    held: bool,
    regions: Arc<Vec<RegionCell>>,
    kinds: Arc<Vec<Arc<Kind>>>,
}

/// The pools of one specialization. Loads and what follows from them are apart: a decision reads only the latter.
#[derive(Debug, Clone)]
struct Kind {
    loads: Vec<PoolLoad>,
    capacities: Vec<Capacity>,
}

#[derive(Debug, Clone, Copy)]
struct RegionCell {
    standing: RegionStanding,
    gate: Gate,
}

impl Default for RegionStanding {
    /// Nothing was heard of the region.
    fn default() -> Self {
        Self { verb: Verb::None, health: RegionHealth::Unknown, ramp_permille: RAMP_FULL }
    }
}

impl Snapshot {
    /// A world of which nothing is known yet: every region `unknown`, every pool without a session.
    #[must_use]
    pub fn new(world: Arc<World>) -> Self {
        let standing = RegionStanding::default();
        let regions = world.states.iter().map(|state| RegionCell { standing, gate: gate(*state, &standing, false) });
        let load = PoolLoad::default();
        let idle = capacity(&load, RAMP_FULL, world.clocks);
        let kinds = world.kinds.iter().map(|range| {
            let pools = range.len();
            Arc::new(Kind { loads: vec![load; pools], capacities: vec![idle; pools] })
        });
        Self { held: false, regions: Arc::new(regions.collect()), kinds: Arc::new(kinds.collect()), world }
    }

    /// The compiled topology.
    #[must_use]
    pub const fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Whether observers hold (DESIGN 4.4).
    #[must_use]
    pub const fn held(&self) -> bool {
        self.held
    }

    /// While held, suspect regions take new work (DESIGN 4.4).
    pub fn set_hold(&mut self, held: bool) {
        self.held = held;
        let states = &self.world.states;
        for (cell, state) in Arc::make_mut(&mut self.regions).iter_mut().zip(states) {
            cell.gate = gate(*state, &cell.standing, held);
        }
    }

    /// Sets what is known of a region; a region that the world does not know is ignored.
    pub fn set_region(&mut self, region: &RegionName, standing: RegionStanding) {
        let Some(region) = self.world.region_ix(region) else { return };
        let before = self.permille(region);
        let gate = gate(self.world.states[region.at()], &standing, self.held);
        Arc::make_mut(&mut self.regions)[region.at()] = RegionCell { standing, gate };
        if self.permille(region) != before {
            self.recount(region);
        }
    }

    /// What is known of a region.
    #[must_use]
    pub fn region(&self, region: &RegionName) -> Option<RegionStanding> {
        self.world.region_ix(region).map(|region| self.regions[region.at()].standing)
    }

    /// Sets what is known of a pool; a pool that the world does not know is ignored.
    pub fn set_load(&mut self, pool: &PoolId, load: PoolLoad) {
        if let Some(pool) = self.world.pool_ix(pool) {
            self.change(pool, |known| *known = load);
        }
    }

    /// What is known of a pool.
    #[must_use]
    pub fn load(&self, pool: PoolIx) -> PoolLoad {
        let (kind, within) = self.locate(pool);
        self.kinds[kind].loads[within]
    }

    /// Counts missions that were just queued there (negative: left), so that the next decision sees them.
    pub fn bump(&mut self, pool: PoolIx, missions: i64) {
        self.change(pool, |load| load.queued = load.queued.saturating_add(missions).max(0));
    }

    /// Whether a region may take new missions, and what holds it back. One that the world does not know is emptied.
    #[must_use]
    pub fn serving(&self, region: &RegionName) -> Serving {
        let Some(region) = self.world.region_ix(region) else { return Serving::Empties(HeldBy::State) };
        let standing = self.regions[region.at()].standing;
        serving(self.world.states[region.at()], standing.verb, standing.health, self.held)
    }

    pub(crate) fn gate(&self, region: RegionIx) -> Gate {
        self.regions[region.at()].gate
    }

    /// The capacities of a specialization's pools, in their order.
    pub(crate) fn capacities(&self, kind: usize) -> &[Capacity] {
        &self.kinds[kind].capacities
    }

    fn change(&mut self, pool: PoolIx, change: impl FnOnce(&mut PoolLoad)) {
        let (kind, within) = self.locate(pool);
        let permille = self.permille(self.world.pools[pool.at()].region);
        let kind = Arc::make_mut(&mut Arc::make_mut(&mut self.kinds)[kind]);
        change(&mut kind.loads[within]);
        kind.capacities[within] = capacity(&kind.loads[within], permille, self.world.clocks);
    }

    /// Works out the capacity of a region's pools again, when its share has changed.
    fn recount(&mut self, region: RegionIx) {
        let world = Arc::clone(&self.world);
        for (at, pool) in world.pools.iter().enumerate() {
            if pool.region == region {
                self.change(PoolIx(at as u32), |_| {});
            }
        }
    }

    fn permille(&self, region: RegionIx) -> u16 {
        let ramp = self.regions[region.at()].standing.ramp_permille.min(RAMP_FULL);
        match self.world.states[region.at()] {
            RegionState::Canary => ramp.min(CANARY_PERMILLE),
            RegionState::Planned
            | RegionState::Provisioning
            | RegionState::Dark
            | RegionState::Active
            | RegionState::Retiring => ramp,
        }
    }

    /// The specialization of a pool, and its place among that one's pools.
    fn locate(&self, pool: PoolIx) -> (usize, usize) {
        let kind = usize::from(self.world.pools[pool.at()].kind);
        (kind, pool.at() - self.world.kinds[kind].start)
    }
}
