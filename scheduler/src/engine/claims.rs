//! The claim hub: long polls in, grants out.
//!
//! Every pool with somebody waiting has one claimer, which serves all its waiters with one statement at a time. Queued
//! work wakes it at once; a jittered poll finds what no wake told of. The hub decides nothing: what a session may get
//! is counted in the statement (P7), so a hub that forgets everything costs latency only.

mod alone;
mod claimer;
mod pace;
mod waiter;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use scheduler_client::wire;
use scheduler_core::queue::Rounds;
use sql::Db;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use topology::{DatabaseRegion, PoolId, RegionName, SessionId};

use self::alone::Reservations;
use self::claimer::{Claimer, Past};
use self::waiter::{Abandoned, Waiter};
use super::clock::Clock;
use super::hints::Hints;
use super::{Change, Engine, check, lock};
use crate::refusal::{Fault, Refusal};
use crate::store::mission::{LeaseKey, ReleaseRow, mission_release};
use crate::view::Views;

/// Longest long poll.
const WAIT_MS: i64 = 30_000;
/// A claim that is over before anybody has looked for it waits so much longer.
const LOOK: Duration = Duration::from_secs(1);

/// A queue and those who wait for it: missions and sessions of one home.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub(crate) home: DatabaseRegion,
    pub(crate) pool: PoolId,
}

/// What all claimers share.
pub(crate) struct Hub {
    db: Db,
    actor: String,
    views: Arc<Views>,
    clock: Arc<Clock>,
    rounds: Arc<Mutex<Rounds>>,
    changes: broadcast::Sender<Change>,
    stop: CancellationToken,
    region: RegionName,
    hints: Arc<Hints>,
    claimers: Mutex<HashMap<Line, Arc<Claimer>>>,
    pasts: Mutex<HashMap<Line, Arc<Mutex<Past>>>>,
    newest: Mutex<HashMap<SessionId, Weak<Waiter>>>,
    reservations: Mutex<Reservations>,
}

/// What a hub is made of.
pub(crate) struct HubParts {
    /// Connections of claims.
    pub(crate) db: Db,
    /// Who grants, as it is stored.
    pub(crate) actor: String,
    pub(crate) views: Arc<Views>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) rounds: Arc<Mutex<Rounds>>,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) stop: CancellationToken,
    pub(crate) region: RegionName,
    pub(crate) hints: Arc<Hints>,
}

impl Hub {
    pub(crate) fn new(parts: HubParts) -> Self {
        let HubParts { db, actor, views, clock, rounds, changes, stop, region, hints } = parts;
        let (claimers, pasts) = (Mutex::default(), Mutex::default());
        let (newest, reservations) = (Mutex::default(), Mutex::default());
        Self { db, actor, views, clock, rounds, changes, stop, region, hints, claimers, pasts, newest, reservations }
    }

    /// Lets the claimers of these pools look at once.
    pub(crate) fn wake<'a>(&self, pools: impl Iterator<Item = &'a PoolId>) {
        let pools: Vec<&PoolId> = pools.collect();
        if pools.is_empty() {
            return;
        }
        for (line, claimer) in lock(&self.claimers).iter() {
            if pools.contains(&&line.pool) {
                claimer.wake();
            }
        }
    }

    /// Work was queued in these pools by this process: its claimers look at once, other schedulers get a hint.
    pub(crate) fn queued<'a>(&self, pools: impl Iterator<Item = &'a PoolId> + Clone) {
        if pools.clone().next().is_some() {
            self.wake(pools.clone());
            self.hints.tell(&self.region, pools);
        }
    }

    /// Makes this the session's claim. An earlier one asks for less and is answered now, so that an agent whose slots
    /// come free one by one does not pile up claims.
    fn replace(&self, waiter: &Arc<Waiter>) {
        let mut newest = lock(&self.newest);
        if let Some(earlier) = newest.insert(waiter.session, Arc::downgrade(waiter)).and_then(|old| old.upgrade()) {
            earlier.close();
        }
    }

    /// Forgets a claim that is about to be answered, unless a later one has taken its place.
    fn forget(&self, waiter: &Arc<Waiter>) {
        let mut newest = lock(&self.newest);
        if newest.get(&waiter.session).is_some_and(|held| std::ptr::eq(held.as_ptr(), Arc::as_ptr(waiter))) {
            newest.remove(&waiter.session);
        }
    }

    /// Adds a waiter to a line; the first one starts its claimer.
    fn join(self: &Arc<Self>, line: Line, waiter: &Arc<Waiter>) {
        let mut claimers = lock(&self.claimers);
        if let Some(claimer) = claimers.get(&line) {
            claimer.join(Arc::clone(waiter));
            return;
        }
        let claimer = Arc::new(Claimer::new(line.clone(), self.past(&line)));
        claimer.join(Arc::clone(waiter));
        claimers.insert(line, Arc::clone(&claimer));
        tokio::spawn(claimer.run(Arc::clone(self)));
    }

    /// What is known of a line. Pools that have left the topology are forgotten when a new one comes.
    fn past(&self, line: &Line) -> Arc<Mutex<Past>> {
        let mut pasts = lock(&self.pasts);
        if let Some(past) = pasts.get(line) {
            return Arc::clone(past);
        }
        let topology = &self.views.current().topology;
        pasts.retain(|line, _| topology.pool(&line.pool).is_some());
        Arc::clone(pasts.entry(line.clone()).or_default())
    }

    /// Signs a claimer off if nobody waits; in one step with [`Hub::join`], so that no waiter is left behind.
    fn leave(&self, claimer: &Claimer) -> bool {
        let mut claimers = lock(&self.claimers);
        let empty = claimer.drop_closed();
        if empty {
            claimers.remove(claimer.line());
        }
        empty
    }

    /// Puts grants back that nobody took.
    async fn put_back(&self, home: DatabaseRegion, session: SessionId, grants: Vec<wire::Grant>) {
        let rows: Vec<ReleaseRow> = grants
            .iter()
            .map(|grant| ReleaseRow {
                key: LeaseKey { mission: grant.mission, epoch: grant.epoch, session },
                reason: "unclaimed".to_owned(),
                actor: self.actor.clone(),
                unnamed_by: None,
            })
            .collect();
        match mission_release(&self.db, &home, &rows.iter().collect::<Vec<_>>()).await {
            Ok(released) => {
                let pools: Vec<_> = released
                    .iter()
                    .filter_map(|lease| super::convert::pool(lease.region.as_deref(), &lease.specialization))
                    .collect();
                self.queued(pools.iter());
            }
            // The session will not name them, so its heartbeats put them back.
            Err(error) => {
                tracing::warn!(%session, error = &error as &dyn std::error::Error, "grants that nobody took stay leased");
            }
        }
    }
}

impl Engine {
    /// Waits for missions of the session's pools, at most `claim.wait_ms`, or until a later claim of the session takes
    /// this one's place: a claim names all free slots. Dropping the future gives up the wait; what
    /// was granted meanwhile is put back. Where the database does not answer, the claim does not go on waiting: another
    /// scheduler may reach it.
    pub async fn claim(&self, session: SessionId, claim: wire::Claim) -> Result<wire::ClaimAnswer, Refusal> {
        check_claim(&claim)?;
        let known = match self.known(session).await {
            Ok(known) => known,
            Err(Refusal::SessionNotFound) => return Err(Refusal::SessionEnded { reason: "unknown".to_owned() }),
            Err(other) => return Err(other),
        };
        if let Some(reason) = known.ended {
            return Err(Refusal::SessionEnded { reason });
        }
        let hub = &self.0.hub;
        let deadline = Instant::now() + Duration::from_millis(claim.wait_ms.unsigned_abs());
        let waiter = Arc::new(Waiter::new(session, claim.holding, claim.free.clone()));
        let mut abandoned = Abandoned::new(Arc::clone(hub), known.home.clone(), Arc::clone(&waiter));
        hub.replace(&waiter);
        for specialization in claim.free.into_keys() {
            let pool = PoolId { region: known.region.clone(), specialization };
            hub.join(Line { home: known.home.clone(), pool }, &waiter);
        }
        tokio::select! {
            () = waiter.answerable() => {}
            () = tokio::time::sleep_until(deadline) => {
                // Whoever asks without waiting asks all the same.
                let _late = tokio::time::timeout(LOOK, waiter.seen()).await;
            }
            () = hub.stop.cancelled() => {}
        }
        waiter.close();
        hub.forget(&waiter);
        // A statement that is under way may still grant.
        waiter.settled().await;
        abandoned.defuse();
        // What a statement granted whose answer is lost goes back when two heartbeats have not named it; a claim at
        // another scheduler gets no more than is free beside it.
        waiter.answer().ok_or(Refusal::Unavailable)
    }
}

fn check_claim(claim: &wire::Claim) -> Result<(), Refusal> {
    check::range("/wait_ms", claim.wait_ms, 0, WAIT_MS)?;
    check::range("/holding", claim.holding, 0, i64::MAX)?;
    if claim.free.is_empty() || claim.free.len() > 256 {
        return Err(Refusal::invalid(Fault::Count, "/free", "a claim names 1 to 256 pools"));
    }
    claim.free.iter().try_for_each(|(name, slots)| check::range(&format!("/free/{name}"), *slots, 1, 10_000))
}
