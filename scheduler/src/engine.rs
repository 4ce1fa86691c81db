//! What a scheduler does for clients and agents: submits, sessions, claims and results, each coalesced into few
//! statements, none of them relying on anything that only this process knows (P7).

mod actor;
pub(crate) mod check;
mod claims;
mod clock;
mod coalescer;
mod convert;
mod digest;
mod heartbeats;
mod hints;
mod missions;
mod results;
mod sessions;
mod submit;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use scheduler_client::wire;
use scheduler_core::queue::Rounds;
use sql::{Db, Gateways, Lane};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use topology::{DatabaseRegion, MissionId, PoolId, RegionName, SchedulerId, SessionId};

pub use actor::Actor;

use self::claims::{Hub, HubParts};
use self::clock::Clock;
use self::coalescer::{Bounds, Coalescer};
use self::heartbeats::Heartbeats;
use self::hints::Hints;
use self::results::{Completes, Fails, Finds, Parts, Progresses, Releases};
use self::sessions::KnownSession;
use self::submit::Submits;
use crate::refusal::Refusal;
use crate::store::submission::home_unknown;
use crate::view::Views;

/// What a request says beside its body.
#[derive(Debug, Clone, Default)]
pub struct SubmitContext {
    /// W3C traceparent of the request.
    pub traceparent: Option<String>,
    /// ISO country of the client (CF-IPCountry): the origin of a mission that names none. Never part of a key's home.
    pub country: Option<String>,
}

/// A mission that is durable.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The mission.
    pub mission: wire::Mission,
    /// The same key brought it before: 200 instead of 201.
    pub replayed: bool,
}

/// A change that this process made: a hint for event streams and for schedulers of other regions, never a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The mission.
    pub mission: MissionId,
    /// State after.
    pub state: wire::MissionState,
    /// Pool after; none while pending.
    pub pool: Option<PoolId>,
}

/// The service behind the HTTP routes. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    region: RegionName,
    views: Arc<Views>,
    max_open: Option<i64>,
    /// Connections of heartbeats and results.
    lease: Db,
    /// Connections of everything that may wait.
    submit: Db,
    clock: Arc<Clock>,
    rounds: Arc<Mutex<Rounds>>,
    sessions: Mutex<HashMap<SessionId, KnownSession>>,
    changes: broadcast::Sender<Change>,
    hub: Arc<Hub>,
    hints: Arc<Hints>,
    stop: CancellationToken,
    submits: Coalescer<Submits>,
    heartbeats: Coalescer<Heartbeats>,
    completes: Coalescer<Completes>,
    fails: Coalescer<Fails>,
    releases: Coalescer<Releases>,
    progresses: Coalescer<Progresses>,
    finds: Coalescer<Finds>,
}

/// Changes that a slow reader of [`Engine::changes`] may lag behind before it loses the oldest.
const CHANGES: usize = 4096;

/// Heartbeats of one home are one statement in so long.
const HEARTBEAT_GAP: Duration = Duration::from_millis(250);

impl Engine {
    /// An engine of the scheduler `id` in `region`. `max_open` limits the open missions of a submitter; `stop` ends
    /// long polls.
    #[must_use]
    pub fn new(
        gateways: &Gateways,
        views: Arc<Views>,
        id: SchedulerId,
        region: RegionName,
        max_open: Option<i64>,
        stop: CancellationToken,
    ) -> Self {
        let actor = Actor::Scheduler(id).to_string();
        let (lease, claim, submit) =
            (gateways.lane(Lane::Lease), gateways.lane(Lane::Claim), gateways.lane(Lane::Submit));
        let (clock, rounds) = (Arc::new(Clock::default()), Arc::new(Mutex::new(Rounds::new())));
        let hints = Arc::new(Hints::default());
        let (changes, _) = broadcast::channel(CHANGES);
        let hub = Arc::new(Hub::new(HubParts {
            db: claim,
            actor: actor.clone(),
            views: Arc::clone(&views),
            clock: Arc::clone(&clock),
            rounds: Arc::clone(&rounds),
            changes: changes.clone(),
            stop: stop.clone(),
            region: region.clone(),
            hints: Arc::clone(&hints),
        }));
        let parts = Parts { db: lease.clone(), hub: Arc::clone(&hub), changes: changes.clone() };
        let stores = Submits {
            db: submit.clone(),
            actor: actor.clone(),
            counted: max_open.is_some(),
            hub: Arc::clone(&hub),
            changes: changes.clone(),
        };
        let beats = Heartbeats { db: lease.clone(), actor, hub: Arc::clone(&hub), changes: changes.clone() };
        let bounds = Bounds::default();
        Self(Arc::new(Inner {
            region,
            views,
            max_open,
            lease,
            submit,
            clock,
            rounds,
            sessions: Mutex::default(),
            changes,
            hub,
            hints,
            stop,
            submits: Coalescer::new(stores, bounds),
            heartbeats: Coalescer::new(beats, Bounds { rows: 2000, parallel: 1, gap: HEARTBEAT_GAP, ..bounds }),
            completes: Coalescer::new(Completes(parts.clone()), bounds),
            fails: Coalescer::new(Fails(parts.clone()), bounds),
            releases: Coalescer::new(Releases(parts.clone()), bounds),
            progresses: Coalescer::new(Progresses(parts.clone()), bounds),
            finds: Coalescer::new(Finds(parts.db), bounds),
        }))
    }

    /// This process has queued work in these pools by other means: lets the claims that wait for them look at once, here
    /// and, by a hint, in other schedulers.
    pub fn wake(&self, pools: &[PoolId]) {
        self.0.hub.queued(pools.iter());
    }

    /// Changes made by this process from now on; a slow reader loses the oldest.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// The row that one home has: looked for at the hint, else at home, then in the other homes, at last in those that
    /// left the topology. Where a home did not answer, nobody knows that it is not there.
    async fn in_homes<T, F>(
        &self,
        hint: Option<&DatabaseRegion>,
        read: impl Fn(DatabaseRegion) -> F,
    ) -> Result<Option<T>, Refusal>
    where
        F: Future<Output = Result<Vec<T>, sql::Error>>,
    {
        let mut homes = self.homes();
        if let Some(at) = hint.and_then(|hint| homes.iter().position(|home| home == hint)) {
            homes.swap(0, at);
        }
        let far = homes.split_off(1.min(homes.len()));
        let former = self.0.views.current().former_homes();
        let mut failed = None;
        for group in [homes, far, former] {
            for part in join_all(group.into_iter().map(&read)).await {
                match part {
                    Ok(rows) => {
                        if let Some(row) = rows.into_iter().next() {
                            return Ok(Some(row));
                        }
                    }
                    Err(error) if home_unknown(&error) => {}
                    Err(error) => failed = Some(Refusal::from(error)),
                }
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// [`Engine::homes`], and then those of earlier topologies where something may be left.
    fn all_homes(&self) -> Vec<DatabaseRegion> {
        let mut homes = self.homes();
        homes.extend(self.0.views.current().former_homes());
        homes
    }

    /// Reads which topology is in force; whether it has other homes than were known.
    async fn has_more_homes(&self) -> Result<bool, Refusal> {
        let before = self.all_homes();
        self.0.views.refresh_topology().await?;
        Ok(self.all_homes() != before)
    }

    /// The database regions of the topology, that of this scheduler first.
    fn homes(&self) -> Vec<DatabaseRegion> {
        let view = self.0.views.current();
        let own = view.topology.region(&self.0.region).map(|region| &region.database_region);
        let mut homes = view.topology.database.regions.clone();
        if let Some(at) = own.and_then(|own| homes.iter().position(|home| home == own)) {
            homes.swap(0, at);
        }
        homes
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("region", &self.0.region).finish_non_exhaustive()
    }
}

/// Locks; a panic elsewhere leaves plain data that is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
