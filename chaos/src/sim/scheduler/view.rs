//! What a scheduler believes of the world: read now and then, and old in between.

use std::sync::Arc;

use scheduler_core::health::{HoldReason, Serving, Verb, pool_is_live, ramp_permille};
use scheduler_core::lifecycle::Landing;
use scheduler_core::placement::{RegionStanding, Request, Snapshot, place};
use topology::{RegionName, SchedulerId};

use crate::sim::message::Submit;
use crate::sim::setup::{Pool, Setup, Site};
use crate::sim::statement::{LoadRow, Look, RegionRow};
use crate::sim::time::{SECOND, Us, date, us};

/// Time to stop a run that was told of a drain's end just before its lease ended.
const GRACE: Us = 2 * SECOND;

pub(in crate::sim) struct View {
    snapshot: Snapshot,
    pub(super) regions: Vec<RegionRow>,
    loads: Vec<LoadRow>,
    pub(super) peers: Vec<(SchedulerId, RegionName)>,
    pub(super) held: Option<HoldReason>,
    /// How far the own clock is before the database's, as far as it can be told: the way that the last answer took.
    pub(super) lag: Us,
    /// Rises whenever what may be placed where has changed.
    pub(super) generation: u64,
    seen: (Vec<Serving>, Vec<bool>),
}

/// Where a mission goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) landing: Landing,
    pub(super) pool: Option<Pool>,
    pub(super) home: Site,
}

impl View {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            snapshot: Snapshot::new(Arc::clone(&setup.world)),
            regions: Vec::new(),
            loads: Vec::new(),
            peers: Vec::new(),
            held: None,
            lag: 0,
            generation: 0,
            seen: (Vec::new(), Vec::new()),
        }
    }

    /// The database's clock, a little old.
    pub(super) const fn clock(&self, now: Us) -> Us {
        now - self.lag
    }

    /// Takes in what was read.
    pub(super) fn take(&mut self, setup: &Setup, look: Look, now: Us) {
        let clock = date(self.clock(now));
        for (region, row) in setup.regions.iter().zip(&look.regions) {
            let ramp_permille = ramp_permille(row.standing.returned_at, clock, &setup.clocks);
            let standing = RegionStanding { verb: row.verb, health: row.standing.health, ramp_permille };
            self.snapshot.set_region(region, standing);
        }
        for (pool, row) in setup.pools.iter().zip(&look.loads) {
            let live = pool_is_live(row.load.sessions, row.alive_at.map(date), clock, &setup.clocks);
            self.snapshot.set_load(pool, scheduler_core::placement::PoolLoad { live, ..row.load });
        }
        let regions = &setup.regions;
        self.peers = look.schedulers.iter().map(|(id, site)| (*id, regions[*site].clone())).collect();
        (self.regions, self.loads) = (look.regions, look.loads);
        self.note_changes(setup);
    }

    pub(super) fn hold(&mut self, setup: &Setup, held: Option<HoldReason>) {
        if self.held != held {
            self.held = held;
            self.snapshot.set_hold(held.is_some());
            self.note_changes(setup);
        }
    }

    fn note_changes(&mut self, setup: &Setup) {
        let serving: Vec<Serving> = setup.regions.iter().map(|region| self.snapshot.serving(region)).collect();
        let live = setup.pools.iter().map(|pool| self.is_live(pool)).collect();
        if self.seen != (serving.clone(), live) {
            let live = setup.pools.iter().map(|pool| self.is_live(pool)).collect();
            self.seen = (serving, live);
            self.generation += 1;
        }
    }

    fn is_live(&self, pool: &topology::PoolId) -> bool {
        self.snapshot.world().pool_ix(pool).is_some_and(|ix| self.snapshot.load(ix).live)
    }

    /// Places a mission and counts it, so that the next decision sees it.
    pub(super) fn place(&mut self, setup: &Setup, asked: &Submit, rule: Option<usize>, nonce: i64) -> Placed {
        let request = Request {
            specialization: setup.kinds[asked.kind].clone(),
            residency: rule.map(|rule| setup.rules[rule].name.clone()),
            origin: setup.origins[asked.origin].clone(),
            nonce,
            dark: false,
        };
        let decision = place(&request, &self.snapshot);
        let pool = decision.chosen.as_ref().map(|choice| setup.pool_at(&choice.pool));
        let near = || setup.nearest[asked.origin].iter().copied().find(|site| setup.lawful(rule, *site));
        let home = match (pool, &decision.unmet) {
            (Some(pool), _) => setup.site_of(pool),
            (None, Some(unmet)) => setup.site_of(setup.pool_at(unmet)),
            (None, None) => near().unwrap_or(0),
        };
        Placed {
            landing: decision.unplaceable.filter(|_| pool.is_none()).map_or(Landing::Queued, Landing::Pending),
            pool,
            home,
        }
    }

    /// Counts a mission that was just queued there.
    pub(super) fn bump(&mut self, setup: &Setup, pool: Pool) {
        if let Some(ix) = self.snapshot.world().pool_ix(&setup.pools[pool]) {
            self.snapshot.bump(ix, 1);
        }
    }

    /// Whether what is queued there may stay.
    pub(super) fn may_keep(&self, setup: &Setup, pool: Pool) -> bool {
        let evacuates = self.snapshot.serving(&setup.regions[setup.site_of(pool)]).evacuates();
        !evacuates && (self.held.is_some() || self.is_live(&setup.pools[pool]))
    }

    /// Whether a pool may grant. Health does not count: who claims is alive.
    pub(super) fn grants(&self, setup: &Setup, pool: Pool) -> bool {
        self.regions.get(setup.site_of(pool)).is_none_or(|row| row.verb == Verb::None)
    }

    /// Whether a drain of a region is over: its agents have handed back, or stand still.
    pub(super) fn drain_is_over(&self, setup: &Setup, site: Site, clock: Us) -> bool {
        let row = self.regions.get(site).filter(|row| row.verb == Verb::Draining);
        row.and_then(|row| row.drain_until).is_some_and(|until| until + us(setup.clocks.session_ttl) + GRACE <= clock)
    }

    /// When the figures of a region were last published.
    pub(super) fn published_at(&self, setup: &Setup, site: Site) -> Us {
        self.loads.get(setup.pool(site, 0)).map_or(0, |load| load.at)
    }

    /// Slots that nobody has or waits for, over all pools of a region.
    pub(super) fn free(&self, setup: &Setup, site: Site) -> i64 {
        let pools = (0..setup.kinds.len()).map(|kind| setup.pool(site, kind));
        pools
            .map(|pool| {
                let ix = self.snapshot.world().pool_ix(&setup.pools[pool]);
                let load = ix.map(|ix| self.snapshot.load(ix)).unwrap_or_default();
                (load.slots - load.leased - load.queued).max(0)
            })
            .sum()
    }

    /// Regions that take new missions.
    pub(in crate::sim) fn serving(&self, setup: &Setup) -> usize {
        setup.regions.iter().filter(|region| self.snapshot.serving(region).takes_new()).count()
    }
}
