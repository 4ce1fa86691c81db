//! The parts that a view is put together from, each with the moment it was read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use scheduler_core::health::{HoldReason, Serving};
use sql::Db;
use topology::{DatabaseRegion, PoolId, RegionName, SchedulerId, Specialization};

use super::compile::{Compiled, parse, snapshot};
use super::keys::read_earlier;
use super::{Ages, Peer, PoolLoad, RegionRow, View};
use crate::refusal::Refusal;
use crate::store;

/// A published load older than this is not placed by: it says nothing any more.
pub(super) const LOAD_KEPT: Duration = Duration::from_secs(60);

/// Own placements are counted at most so long.
const BUMP_KEPT: Duration = Duration::from_secs(10);

pub(super) struct Parts {
    compiled: Arc<Compiled>,
    topology_read: Instant,
    clock: Option<(DateTime<Utc>, Instant)>,
    regions: Arc<BTreeMap<RegionName, RegionRow>>,
    regions_read: Instant,
    loads: Cache<DatabaseRegion, Arc<Loads>>,
    loads_read: BTreeMap<DatabaseRegion, Instant>,
    /// Pending missions by specialization, of the homes that were counted here: people read it, nobody places by it.
    pub(super) pending: BTreeMap<DatabaseRegion, (Instant, BTreeMap<Specialization, i64>)>,
    bumps: Vec<(Instant, PoolId, i64)>,
    pub(super) held: Option<HoldReason>,
    serving: Vec<(RegionName, Serving)>,
    live: Vec<PoolId>,
    version: i64,
}

struct Loads {
    pools: Vec<(PoolId, PoolLoad)>,
    peers: Vec<Peer>,
}

impl Parts {
    pub(super) fn new(compiled: Arc<Compiled>) -> Self {
        Self {
            compiled,
            topology_read: Instant::now(),
            clock: None,
            regions: Arc::default(),
            regions_read: Instant::now(),
            loads: Cache::builder().max_capacity(1_000).time_to_live(LOAD_KEPT).build(),
            loads_read: BTreeMap::new(),
            pending: BTreeMap::new(),
            bumps: Vec::new(),
            held: None,
            serving: Vec::new(),
            live: Vec::new(),
            version: 0,
        }
    }

    pub(super) fn set_topology(&mut self, compiled: Arc<Compiled>) {
        self.compiled = compiled;
        self.topology_read = Instant::now();
    }

    pub(super) fn set_regions(&mut self, clock: (DateTime<Utc>, Instant), rows: Vec<RegionRow>) {
        self.clock = Some(clock);
        self.regions = Arc::new(rows.into_iter().map(|row| (row.region.clone(), row)).collect());
        self.regions_read = Instant::now();
    }

    pub(super) fn set_loads(&mut self, home: &DatabaseRegion, pools: Vec<(PoolId, PoolLoad)>, peers: Vec<Peer>) {
        self.loads.insert(home.clone(), Arc::new(Loads { pools, peers }));
        self.loads_read.insert(home.clone(), Instant::now());
    }

    pub(super) fn bump(&mut self, pool: &PoolId, missions: i64) {
        self.bumps.push((Instant::now(), pool.clone(), missions));
    }

    pub(super) fn ages(&self) -> Ages {
        Ages {
            topology: self.topology_read.elapsed(),
            regions: self.regions_read.elapsed(),
            loads: self.loads_read.iter().map(|(home, read)| (home.clone(), read.elapsed())).collect(),
        }
    }

    /// Puts the view together. `clock` is used where these parts have none yet.
    pub(super) fn view(&mut self, clock: Option<(DateTime<Utc>, Instant)>) -> View {
        let clock = self.clock.or(clock);
        let homes = &self.compiled.topology.database.regions;
        let known: Vec<_> = homes.iter().filter_map(|home| self.loads.get(home)).collect();
        let oldest = clock.map(|(at, read)| at + read.elapsed() - LOAD_KEPT);
        let loads: BTreeMap<_, _> = known
            .iter()
            .flat_map(|loads| loads.pools.iter().cloned())
            .filter(|(_, load)| oldest.is_none_or(|oldest| load.at >= oldest))
            .collect();
        let peers = each_once(known.iter().flat_map(|loads| loads.peers.iter()));
        let mut view = View {
            topology_version: self.compiled.current.version,
            residency_version: self.compiled.current.residency_version,
            topology: Arc::clone(&self.compiled.topology),
            earlier: Arc::clone(&self.compiled.earlier),
            snapshot: scheduler_core::placement::Snapshot::new(Arc::clone(&self.compiled.world)),
            regions: Arc::clone(&self.regions),
            loads: Arc::new(loads),
            peers: Arc::new(peers),
            held: self.held,
            clock,
        };
        view.snapshot = snapshot(&view);
        self.count_bumps(&mut view);
        view
    }

    /// Counts the own placements that the published loads cannot show yet.
    fn count_bumps(&mut self, view: &mut View) {
        self.bumps.retain(|(at, _, _)| at.elapsed() < BUMP_KEPT);
        for (at, pool, missions) in &self.bumps {
            let made = view.now() - at.elapsed();
            let shown = view.loads.get(pool).is_some_and(|load| load.at > made);
            if let (false, Some(ix)) = (shown, view.snapshot.world().pool_ix(pool)) {
                view.snapshot.bump(ix, *missions);
            }
        }
    }

    /// Notes what may be placed where; returns whether it differs from what was noted before.
    pub(super) fn note_serving(&mut self, view: &View) -> bool {
        let regions = &view.topology.regions;
        let serving: Vec<_> =
            regions.iter().map(|region| (region.name.clone(), view.snapshot.serving(&region.name))).collect();
        let world = view.snapshot.world();
        let live: Vec<_> = view
            .topology
            .pools
            .iter()
            .filter(|pool| world.pool_ix(&pool.id).is_some_and(|ix| view.snapshot.load(ix).live))
            .map(|pool| pool.id.clone())
            .collect();
        let other = (&serving, &live, view.topology_version) != (&self.serving, &self.live, self.version);
        (self.serving, self.live, self.version) = (serving, live, view.topology_version);
        other
    }
}

/// Every scheduler once, with its newest heartbeat: one that watches several homes beats in all of them.
fn each_once<'a>(peers: impl Iterator<Item = &'a Peer>) -> Vec<Peer> {
    let mut once: BTreeMap<SchedulerId, Peer> = BTreeMap::new();
    for peer in peers {
        if once.get(&peer.id).is_none_or(|known| known.at < peer.at) {
            once.insert(peer.id, peer.clone());
        }
    }
    once.into_values().collect()
}

/// The topology in force, parsed. `known` is the version that is in force here; keys are kept for `keys_kept`.
pub(super) async fn read_topology(
    db: &Db,
    parsed: &Cache<i64, Arc<Compiled>>,
    known: Option<i64>,
    keys_kept: Duration,
) -> Result<Arc<Compiled>, Refusal> {
    let current = store::topology::topology_current(db).await?;
    let current = current.ok_or(Refusal::VersionNotFound { version: known.unwrap_or(1) })?;
    if let Some(compiled) = parsed.get(&current.version) {
        metrics::counter!("scheduler_cache_hits_total", "cache" => "topology").increment(1);
        return Ok(compiled);
    }
    let version = store::topology::topology_read(db, current.version)
        .await?
        .ok_or(Refusal::VersionNotFound { version: current.version })?;
    let topology = parse(&version.text, db.engine())?;
    let earlier = read_earlier(db, parsed, &version, &topology, keys_kept).await?;
    let compiled = Arc::new(Compiled::new(&version, topology, earlier));
    parsed.insert(current.version, Arc::clone(&compiled));
    Ok(compiled)
}
