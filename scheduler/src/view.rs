//! What this scheduler knows of the world, as one immutable [`View`] behind an atomic pointer.
//!
//! The loops replace its parts; a placement reads it without a lock and without the database. Every part has an age,
//! and an answer made from an old part says so (P6).

mod compile;
mod keys;
mod origin;
mod parts;
mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use moka::sync::Cache;
use scheduler_client::wire;
use scheduler_core::health::HoldReason;
use scheduler_core::lifecycle::Landing;
use scheduler_core::placement::Snapshot;
use sql::{Db, Gateways, Lane};
use tokio::sync::watch;
use topology::world::World;
use topology::{DatabaseRegion, PoolId, Position, RegionName, ResidencyName, SchedulerId, Specialization, Topology};

use crate::refusal::Refusal;
use crate::store;
pub use crate::store::life::Peer;
pub use crate::store::load::PoolLoad;
pub use crate::store::region::RegionRow;

pub use keys::KeyHomes;

use compile::Compiled;
pub(crate) use compile::parse;
use keys::Earlier;
use origin::OriginKey;
use parts::Parts;

/// A topology that is younger than this is not called stale; the watch reads it every second.
const FRESH: Duration = Duration::from_secs(5);

/// What one scheduler knows at one moment. A clone costs a few pointers.
#[derive(Debug, Clone)]
pub struct View {
    /// Version of the topology in force.
    pub topology_version: i64,
    /// Grows when residency changes; submit, re-place and claim carry it into their statements.
    pub residency_version: i64,
    /// The topology in force.
    pub topology: Arc<Topology>,
    /// Topologies before it that gave idempotency keys other homes, the newest first.
    pub(crate) earlier: Arc<[Earlier]>,
    /// The compiled topology with health and load: what placement reads.
    pub snapshot: Snapshot,
    /// Verb and health of every region that has a row, regions that left the topology too.
    pub regions: Arc<BTreeMap<RegionName, RegionRow>>,
    /// Load of every pool that was published within a minute.
    pub loads: Arc<BTreeMap<PoolId, PoolLoad>>,
    /// Schedulers that were heard lately, this one among them.
    pub peers: Arc<Vec<Peer>>,
    /// Why nobody is evacuated and no session is ended, while that is so.
    pub held: Option<HoldReason>,
    clock: Option<(DateTime<Utc>, Instant)>,
}

/// Where a mission comes from, with every form turned into weighted points.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedOrigin {
    /// At least one point; weights are above 0.
    pub points: Arc<[(Position, f64)]>,
    /// The same for placement, with its round trips worked out.
    pub(crate) compiled: scheduler_core::placement::ResolvedOrigin,
}

/// What placement needs to know of a mission.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Which kind of agent works on it.
    pub specialization: &'a Specialization,
    /// Where it comes from.
    pub origin: &'a ResolvedOrigin,
    /// Its residency rule.
    pub residency: Option<&'a ResidencyName>,
    /// Spreads near-equal choices; stored with the mission, so that the choice can be repeated.
    pub nonce: i64,
}

/// A decision, as the mission's row stores it.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The chosen pool; none = pending.
    pub pool: Option<PoolId>,
    /// What the lifecycle makes of it.
    pub landing: Landing,
    /// Database region that homes the row: the pool's; while pending that of the pool that would serve if it had a
    /// live session, else that of the nearest lawful region.
    pub home: DatabaseRegion,
    /// Why it is pending: a stable code.
    pub reason: Option<&'static str>,
    /// The decision with its alternatives, as the mission's row keeps it (`placement::Stored` as JSON text).
    pub explained: String,
    /// Topology version it was decided under.
    pub topology_version: i64,
    /// Residency version it was decided under.
    pub residency_version: i64,
}

/// How old the parts of the view are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ages {
    /// Since the topology was last confirmed.
    pub topology: Duration,
    /// Since the regions' states were last read.
    pub regions: Duration,
    /// Since the loads were last read, by database region.
    pub loads: BTreeMap<DatabaseRegion, Duration>,
}

impl Ages {
    /// Parts that are older than they should be, for the `degraded` of an answer.
    #[must_use]
    pub fn stale(&self) -> Vec<String> {
        let shared = [("topology", self.topology), ("regions", self.regions)];
        let shared = shared.into_iter().map(|(part, age)| (part.to_owned(), age));
        let loads = self.loads.iter().map(|(home, age)| (format!("loads of {home}"), *age));
        shared
            .chain(loads)
            .filter(|(_, age)| *age > FRESH)
            .map(|(part, age)| format!("{part}: {} ms old", age.as_millis()))
            .collect()
    }
}

/// What a scheduler's view is made with.
#[derive(Clone)]
pub struct Config {
    /// The database.
    pub gateways: Gateways,
    /// The region this scheduler stands in.
    pub region: RegionName,
    /// This process.
    pub id: SchedulerId,
    /// The world whose cities may be origins.
    pub world: Option<Arc<World>>,
    /// How long idempotency keys are kept at least.
    pub keys_kept: Duration,
}

/// The current [`View`], and how to replace it. Shared by everything in the process.
pub struct Views {
    db: Db,
    region: RegionName,
    id: SchedulerId,
    world: Option<Arc<World>>,
    keys_kept: Duration,
    current: ArcSwap<View>,
    parts: Mutex<Parts>,
    changes: watch::Sender<u64>,
    refreshing: tokio::sync::Mutex<()>,
    /// Parsed topologies by version: a version never changes.
    parsed: Cache<i64, Arc<Compiled>>,
    /// Origins with their round trips in the topology in force.
    origins: Cache<OriginKey, ResolvedOrigin>,
}

impl std::fmt::Debug for Views {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Views").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Views {
    /// Reads the topology in force, the regions' states and the loads. Fails while the database has no topology: the
    /// caller decides how long to wait.
    ///
    /// # Errors
    /// [`Refusal::VersionNotFound`] while there is no topology, [`Refusal::Unavailable`] and the like from the
    /// database.
    pub async fn start(config: Config) -> Result<Self, Refusal> {
        let db = config.gateways.lane(Lane::Upkeep);
        let parsed = Cache::new(8);
        let compiled = parts::read_topology(&db, &parsed, None, config.keys_kept).await?;
        let mut parts = Parts::new(Arc::clone(&compiled));
        let views = Self {
            db,
            region: config.region,
            id: config.id,
            world: config.world,
            keys_kept: config.keys_kept,
            current: ArcSwap::from_pointee(parts.view(None)),
            parts: Mutex::new(parts),
            changes: watch::Sender::new(0),
            refreshing: tokio::sync::Mutex::default(),
            parsed,
            origins: Cache::new(10_000),
        };
        views.refresh_now().await?;
        Ok(views)
    }

    /// The view in force.
    #[must_use]
    pub fn current(&self) -> Arc<View> {
        self.current.load_full()
    }

    /// The region this scheduler stands in.
    #[must_use]
    pub const fn region(&self) -> &RegionName {
        &self.region
    }

    /// This process.
    #[must_use]
    pub const fn id(&self) -> SchedulerId {
        self.id
    }

    /// Places a mission on the view in force. Does not count it: see [`Views::bump`].
    #[must_use]
    pub fn place(&self, ask: &Ask<'_>) -> Placed {
        let started = Instant::now();
        let placed = self.current.load().place(ask);
        metrics::histogram!("scheduler_place_seconds").record(started.elapsed().as_secs_f64());
        placed
    }

    /// Places missions one after the other: each sees those before it as load of their pools, and so does whoever places
    /// after this.
    pub fn place_each<'a>(&self, asks: impl Iterator<Item = Ask<'a>>) -> Vec<Placed> {
        let seconds = metrics::histogram!("scheduler_place_seconds");
        let mut parts = self.parts();
        let mut view = View::clone(&self.current.load());
        let place = |ask: Ask<'_>| {
            let started = Instant::now();
            let placed = view.place(&ask);
            if let Some(pool) = &placed.pool {
                parts.bump(pool, 1);
                view.bump(pool, 1);
            }
            seconds.record(started.elapsed().as_secs_f64());
            placed
        };
        let placed = asks.map(place).collect();
        self.current.store(Arc::new(view));
        placed
    }

    /// Counts own placements at once, until the next published load shows them.
    pub fn bump(&self, pool: &PoolId, missions: i64) {
        let mut parts = self.parts();
        parts.bump(pool, missions);
        let mut view = View::clone(&self.current.load());
        if view.bump(pool, missions) {
            self.current.store(Arc::new(view));
        }
    }

    /// Reads topology, region states and loads again: after a statement that found another residency version.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`]: the old view stays in force.
    pub async fn refresh_now(&self) -> Result<Arc<View>, Refusal> {
        self.refresh_topology().await?;
        self.refresh_regions().await?;
        for home in self.current().topology.database.regions.clone() {
            // A part that cannot be read stays as old as it is.
            let _unread = self.refresh_loads(&home).await;
        }
        Ok(self.current())
    }

    /// Reads everything again unless a topology after `version` is known here by now. Of many that ask at once the first
    /// reads for all.
    ///
    /// # Errors
    /// As [`Views::refresh_now`].
    pub async fn refresh_past(&self, version: i64) -> Result<(), Refusal> {
        let _turn = self.refreshing.lock().await;
        if self.current().topology_version <= version {
            self.refresh_now().await?;
        }
        Ok(())
    }

    /// Reads which topology is in force, and the topology where it is another one. A text that does not parse never
    /// replaces a good one.
    ///
    /// # Errors
    /// The database's, or [`Refusal::TopologyRefused`] where the version in force cannot be read by this program.
    pub async fn refresh_topology(&self) -> Result<(), Refusal> {
        let in_force = self.current().topology_version;
        let compiled = parts::read_topology(&self.db, &self.parsed, Some(in_force), self.keys_kept).await?;
        let changed = compiled.current.version != in_force;
        self.update(|parts| parts.set_topology(compiled));
        if changed {
            self.origins.invalidate_all();
            metrics::gauge!("scheduler_topology_version").set(self.current().topology_version as f64);
        }
        Ok(())
    }

    /// Reads verbs, health and the database's clock.
    ///
    /// # Errors
    /// The database's.
    pub async fn refresh_regions(&self) -> Result<(), Refusal> {
        let clock = (self.db.clock().await?, Instant::now());
        let rows = store::region::regions_read(&self.db).await?;
        self.update(|parts| parts.set_regions(clock, rows));
        Ok(())
    }

    /// Reads the published loads and the live schedulers of one database region.
    ///
    /// # Errors
    /// The database's.
    pub async fn refresh_loads(&self, home: &DatabaseRegion) -> Result<(), Refusal> {
        let view = self.current();
        let since = view.now() - view.topology.scheduling.down_after;
        let loads = store::load::load_read(&self.db, home).await?;
        let peers = store::life::schedulers_read(&self.db, home, since).await?;
        self.update(|parts| parts.set_loads(home, loads, peers));
        Ok(())
    }

    /// Counts the pending missions of one home.
    ///
    /// # Errors
    /// The database's.
    pub async fn refresh_pending(&self, home: &DatabaseRegion) -> Result<(), Refusal> {
        let counted = store::census::missions_pending(&self.db, home).await?;
        self.parts().pending.insert(home.clone(), (Instant::now(), counted));
        Ok(())
    }

    /// The pending missions of every home where they were counted here; 0 where that is long ago, for others count
    /// them by now.
    pub(crate) fn pending(&self) -> Vec<(DatabaseRegion, Specialization, i64)> {
        let view = self.current();
        let names = view.topology.specializations();
        let parts = self.parts();
        let mut all = Vec::new();
        for (home, (at, counted)) in &parts.pending {
            let lately = at.elapsed() < parts::LOAD_KEPT;
            for name in names.iter().copied().chain(counted.keys().filter(|name| !names.contains(name))) {
                let missions = counted.get(name).filter(|_| lately).copied().unwrap_or(0);
                all.push((home.clone(), name.clone(), missions));
            }
        }
        all
    }

    /// Sets or lifts the hold: while it is set, suspect regions take new work and nobody is evacuated. Judges all
    /// pools again in any case, for they fall silent by the clock alone.
    pub fn set_held(&self, held: Option<HoldReason>) {
        self.update(|parts| parts.held = held);
    }

    /// Turns a mission's origin into points. None = the client's country where it is known, else where this scheduler
    /// stands.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a city or country that nobody knows, or weights that are not above 0.
    pub fn resolve(&self, origin: Option<&wire::Origin>, country: Option<&str>) -> Result<ResolvedOrigin, Refusal> {
        let key = OriginKey::of(origin, country);
        if let Some(known) = self.origins.get(&key) {
            metrics::counter!("scheduler_cache_hits_total", "cache" => "origin").increment(1);
            return Ok(known);
        }
        let view = self.current.load();
        let resolved = origin::resolve(&view, self.world.as_deref(), &self.region, origin, country)?;
        self.origins.insert(key, resolved.clone());
        Ok(resolved)
    }

    /// The database regions that may home an idempotency key: a function of the request and the topologies alone, never
    /// of headers, health or load.
    ///
    /// # Errors
    /// As [`Views::resolve`].
    pub fn key_homes(&self, origin: Option<&wire::Origin>, submitter: &str) -> Result<KeyHomes, Refusal> {
        let resolved = origin.map(|origin| self.resolve(Some(origin), None)).transpose()?;
        Ok(keys::key_homes(&self.current.load(), resolved.as_ref(), submitter, self.keys_kept))
    }

    /// Grows whenever what may be placed where has changed; loads alone do not count.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// How old the parts of the view are now.
    #[must_use]
    pub fn ages(&self) -> Ages {
        self.parts().ages()
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        // A panic while holding it leaves parts that are each whole.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.parts();
        change(&mut parts);
        let before = self.current.load();
        let view = parts.view(before.clock);
        let other = parts.note_serving(&view);
        self.current.store(Arc::new(view));
        drop(parts);
        if other {
            self.changes.send_modify(|n| *n += 1);
        }
    }
}

impl View {
    /// Places a mission on this view.
    #[must_use]
    pub fn place(&self, ask: &Ask<'_>) -> Placed {
        place::place(self, ask)
    }

    /// Adds missions to what a pool is known to hold; false where there is no such pool.
    fn bump(&mut self, pool: &PoolId, missions: i64) -> bool {
        let Some(ix) = self.snapshot.world().pool_ix(pool) else { return false };
        self.snapshot.bump(ix, missions);
        true
    }

    /// The database's clock as far as it is known: the last reading and the time since.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.map_or(DateTime::UNIX_EPOCH, |(at, read)| at + read.elapsed())
    }

    /// Database regions of earlier topologies that are in the one in force no more, while keys may be looked for there.
    pub(crate) fn former_homes(&self) -> Vec<DatabaseRegion> {
        let mut former: Vec<DatabaseRegion> = Vec::new();
        for home in self.earlier.iter().flat_map(|one| &one.topology.database.regions) {
            if !self.topology.database.regions.contains(home) && !former.contains(home) {
                former.push(home.clone());
            }
        }
        former
    }

    /// The database region that homes a region's rows; the primary one for a region that is not in the topology.
    #[must_use]
    pub fn home_of(&self, region: &RegionName) -> &DatabaseRegion {
        self.topology.region(region).map_or(&self.topology.database.primary_region, |region| &region.database_region)
    }

    /// Whether what is queued in a pool, homed in `home`, may stay there.
    #[must_use]
    pub fn may_keep(&self, pool: &PoolId, home: &DatabaseRegion) -> bool {
        let Some(ix) = self.snapshot.world().pool_ix(pool) else { return false };
        if self.home_of(&pool.region) != home || self.snapshot.serving(&pool.region).evacuates() {
            return false;
        }
        self.held.is_some() || self.snapshot.load(ix).live
    }
}
