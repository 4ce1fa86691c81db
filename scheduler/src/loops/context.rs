//! What all loops share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use scheduler_core::health::{Budget, Observer, may_end_sessions, watches};
use sql::{Db, Lane};
use topology::{DatabaseRegion, PoolId, RegionName, SchedulerId, Scheduling};

use super::steady::Steady;
use super::{Deps, Wake, memory, retention};
use crate::config::Retention;
use crate::engine::Actor;
use crate::figures;
use crate::store;
use crate::store::sweep::{Swept, Terms};
use crate::view::{View, Views};

/// Longest time of one statement about one region: a dying region's rows never delay another's (P5).
pub(super) const REGION_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Time in which the budget for moves is filled up once.
const BUDGET_PERIOD: Duration = Duration::from_millis(400);

/// Regions that are read or swept at once.
pub(super) const AT_ONCE: usize = 4;

pub(super) struct Context {
    pub(super) id: SchedulerId,
    pub(super) region: RegionName,
    pub(super) address: String,
    pub(super) views: Arc<Views>,
    /// Connections that are never waited for behind anything else.
    pub(super) lease: Db,
    /// Connections for bounded background work.
    pub(super) upkeep: Db,
    /// How long what is over is kept.
    pub(super) retention: Retention,
    pub(super) steady: Steady,
    /// What follows memories that were written.
    pub(super) index: Option<::memory::work::Indexer>,
    pub(super) memory: Mutex<Memory>,
    wake: Wake,
    budget: Mutex<(Budget, Option<Instant>)>,
}

/// What a loop remembers from tick to tick: only to spare work, never to decide by.
#[derive(Default)]
pub(super) struct Memory {
    /// Database regions that were ever in force while this process lived.
    pub(super) homes: BTreeSet<DatabaseRegion>,
    /// The topology version whose regions have their rows.
    pub(super) ensured: i64,
    /// When the pools of a region were last counted, by the database's clock.
    pub(super) counted: BTreeMap<RegionName, DateTime<Utc>>,
    /// When what is pending in a home was last counted.
    pub(super) pending_counted: BTreeMap<DatabaseRegion, Instant>,
    /// How far the pending missions of a home were tried again.
    pub(super) pending: BTreeMap<DatabaseRegion, super::pending::Pass>,
    /// When the queues of a home were last looked through, and for which change of the view.
    pub(super) looked: BTreeMap<DatabaseRegion, Instant>,
    pub(super) looked_for: BTreeMap<DatabaseRegion, u64>,
    /// Homes that a loop failed on, by its name, and until when it leaves them alone.
    pub(super) resting: BTreeMap<(&'static str, DatabaseRegion), Instant>,
    /// The longest silence of a live session of a region, as the health loop last read it.
    pub(super) quietest: BTreeMap<Watched, Option<DateTime<Utc>>>,
    /// Where the reading of far loads goes on.
    pub(super) next_load: usize,
    /// When the health loop last began, and when it last read heartbeats.
    pub(super) health: Option<(Instant, Instant)>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("id", &self.id).field("region", &self.region).finish_non_exhaustive()
    }
}

/// A region that this scheduler watches, with the database region where its rows are looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Watched {
    pub(super) region: RegionName,
    pub(super) home: DatabaseRegion,
}

impl Context {
    pub(super) fn new(deps: Deps) -> Self {
        Self {
            id: deps.id,
            region: deps.region,
            address: deps.address,
            lease: deps.gateways.lane(Lane::Lease),
            upkeep: deps.gateways.lane(Lane::Upkeep),
            views: deps.views,
            retention: deps.retention,
            steady: Steady::default(),
            index: deps.index,
            memory: Mutex::default(),
            wake: deps.wake,
            budget: Mutex::new((Budget::default(), None)),
        }
    }

    /// As it is stored with what this scheduler does.
    pub(super) fn actor(&self) -> String {
        Actor::Scheduler(self.id).to_string()
    }

    /// What decisions on a view are made under.
    pub(super) fn terms(&self, view: &View) -> Terms {
        Terms {
            residency_version: view.residency_version,
            topology_version: view.topology_version,
            actor: self.actor(),
        }
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The regions that this scheduler watches: those of the topology, and those that left it, wherever their rows
    /// may be: leases there still end and sessions still fall silent.
    pub(super) fn watched(&self, view: &View) -> Vec<Watched> {
        let mut live: Vec<_> = view.peers.iter().map(|peer| (peer.id, peer.region.clone())).collect();
        if !live.iter().any(|(id, _)| *id == self.id) {
            live.push((self.id, self.region.clone()));
        }
        let inside = view
            .topology
            .regions
            .iter()
            .map(|region| Watched { region: region.name.clone(), home: region.database_region.clone() });
        let gone = view
            .regions
            .values()
            .filter(|row| view.topology.region(&row.region).is_none())
            .flat_map(|row| self.homes(view).into_iter().map(|home| Watched { region: row.region.clone(), home }));
        inside.chain(gone).filter(|watched| watches(self.id, &watched.region, &live)).collect()
    }

    /// The database regions of what is watched, and those that home no region of the topology, without duplicates:
    /// nobody else looks after what is left in a former one or waits in a primary one without agents.
    pub(super) fn watched_homes(&self, view: &View) -> Vec<DatabaseRegion> {
        let homes: BTreeSet<_> = self.watched(view).into_iter().map(|watched| watched.home).collect();
        let present: BTreeSet<_> = view.topology.regions.iter().map(|region| &region.database_region).collect();
        let former = self.homes(view).into_iter().filter(|home| !present.contains(home));
        homes.into_iter().chain(former).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// All database regions of the topology, and those that were in force before.
    pub(super) fn homes(&self, view: &View) -> Vec<DatabaseRegion> {
        let mut memory = self.memory();
        memory.homes.extend(view.topology.database.regions.iter().cloned());
        memory.homes.iter().cloned().collect()
    }

    /// A pause between own writes that ends a streak.
    pub(super) fn gap(clocks: &Scheduling) -> Duration {
        clocks.heartbeat * 3
    }

    /// How long own writes in a database region have succeeded without a gap.
    pub(super) fn writes_ok_for(&self, home: &DatabaseRegion, clocks: &Scheduling) -> Duration {
        self.steady.ok_for(home, Instant::now(), Self::gap(clocks))
    }

    /// Whether sessions homed in a database region may be ended now.
    pub(super) fn may_end_sessions(&self, view: &View, home: &DatabaseRegion) -> bool {
        let clocks = &view.topology.scheduling;
        may_end_sessions(self.writes_ok_for(home, clocks), view.held, clocks)
    }

    /// Whether a region may have sessions that are silent for too long: only what the last reading rules out is not
    /// asked again.
    pub(super) fn may_hold_silent(&self, view: &View, watched: &Watched) -> bool {
        let deadline = view.now() - view.topology.scheduling.session_ttl;
        match self.memory().quietest.get(watched) {
            Some(Some(heard)) => *heard < deadline,
            Some(None) => false,
            None => true,
        }
    }

    /// Whether a loop failed on a home a moment ago.
    pub(super) fn rests(&self, by: &'static str, home: &DatabaseRegion) -> bool {
        self.memory().resting.get(&(by, home.clone())).is_some_and(|until| Instant::now() < *until)
    }

    /// Lets a loop leave a home alone for a moment. The others go on: what failed may be that loop's own.
    pub(super) fn rest(&self, by: &'static str, home: &DatabaseRegion, until: Instant) {
        self.memory().resting.insert((by, home.clone()), until);
    }

    /// What this observer knows of itself, at the start of a health tick.
    pub(super) fn observe_self(&self) -> Observer {
        let now = Instant::now();
        let mut memory = self.memory();
        let (tick, read) = memory.health.unwrap_or((now, now));
        memory.health = Some((now, read));
        Observer { loop_gap: now - tick, read_gap: now - read }
    }

    /// Heartbeats were read just now.
    pub(super) fn note_read(&self) {
        let now = Instant::now();
        let mut memory = self.memory();
        let tick = memory.health.map_or(now, |(tick, _)| tick);
        memory.health = Some((tick, now));
    }

    /// Fills the budget for moves up: free slots, less what was moved there since they were counted, and what the time
    /// since gives. Several loops ask; one of them fills it in each period.
    pub(super) fn refill_budget(&self, view: &View) {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since = budget.1.map_or(BUDGET_PERIOD, |before| now - before);
        if since < BUDGET_PERIOD {
            return;
        }
        let world = view.snapshot.world();
        let mut free: BTreeMap<RegionName, i64> = BTreeMap::new();
        for pool in &view.topology.pools {
            let load = world.pool_ix(&pool.id).map(|ix| view.snapshot.load(ix));
            let slots = load.map_or(0, |load| load.slots - load.leased - load.queued);
            *free.entry(pool.id.region.clone()).or_default() += slots.max(0);
        }
        budget.0.refill(since, view.peers.len(), free);
        budget.1 = Some(now);
    }

    /// Takes one mission's worth of a region's budget; false where nothing is left in this tick.
    pub(super) fn take_budget(&self, region: &RegionName) -> bool {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).0.take(region)
    }

    /// Counts what was moved and wakes who waits for it.
    pub(super) fn note_moved(&self, swept: &Swept, why: &'static str) {
        let mut pools: BTreeMap<PoolId, i64> = BTreeMap::new();
        for moved in &swept.moved {
            metrics::counter!("scheduler_moves_total", "why" => why, "to" => moved.state.as_str()).increment(1);
            figures::finished(moved.state, moved.pool.as_ref(), moved.of_drill);
            let is_queued = moved.state == scheduler_core::lifecycle::MissionState::Queued;
            if let Some(pool) = moved.pool.clone().filter(|_| is_queued) {
                *pools.entry(pool).or_default() += 1;
            }
        }
        for (pool, missions) in &pools {
            self.views.bump(pool, *missions);
        }
        if !pools.is_empty() {
            let pools: Vec<_> = pools.into_keys().collect();
            (self.wake)(&pools);
        }
    }

    /// Lets the claimers of every pool homed there look: what they passed over may be granted now.
    pub(super) fn wake_homed(&self, view: &View, home: &DatabaseRegion) {
        let pools = view.topology.pools.iter().map(|pool| &pool.id).filter(|pool| view.home_of(&pool.region) == home);
        (self.wake)(&pools.cloned().collect::<Vec<_>>());
    }

    /// Withdraws what others would wait for. Fails silently: it all ends by itself.
    pub(super) async fn withdraw(&self) {
        let view = self.views.current();
        for home in self.homes(&view) {
            let gone = store::life::scheduler_gone(&self.lease, &home, self.id);
            let _unreachable = tokio::time::timeout(REGION_TIMEOUT, gone).await;
            for duty in [retention::DUTY, memory::DUTY] {
                let duty = store::duty::duty_yield(&self.lease, &home, duty, self.id);
                let _unreachable = tokio::time::timeout(REGION_TIMEOUT, duty).await;
            }
        }
    }
}
