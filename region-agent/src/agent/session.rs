//! One session: registration, heartbeats and what their answers take away, the fence.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use scheduler_client::wire::{HeartbeatAnswer, LeaseName, RegisterSession, SessionAnswer};
use scheduler_client::{Client, Error, Limits, Pauses};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use topology::SessionId;

use super::drain::Drain;
use super::{Agent, Wish, offer};
use crate::book::{Book, Slots, StopCause};
use crate::clock::Boot;
use crate::lease::{Lease, Terms};

/// Longest time between two looks at the clock: timers stand still while the machine sleeps.
const LOOK: Duration = Duration::from_millis(250);

/// How a session ended.
pub(super) enum Over {
    /// The scheduler ended it.
    Ended,
    /// The agent did, on a wish.
    Drained,
}

/// A registered session.
pub(super) struct Session {
    pub(super) agent: Agent,
    pub(super) id: SessionId,
    pub(super) lease: watch::Sender<Lease>,
    /// Told whenever a slot may have come free.
    pub(super) changed: Notify,
    terms: Terms,
    heartbeats: Client,
    book: Mutex<Book>,
    jobs: Mutex<HashMap<LeaseName, watch::Sender<Option<StopCause>>>>,
    /// Told when open claims may hang at a scheduler that does not answer.
    pub(super) reclaim: Notify,
    offering: AtomicBool,
}

impl Agent {
    /// Registers, however long it takes.
    pub(super) async fn register(&self) -> Arc<Session> {
        let mut pauses = Pauses::new(&self.0.client.limits());
        loop {
            match self.try_register().await {
                Ok(session) => return session,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "not registered");
                    tokio::time::sleep(pauses.next(None)).await;
                }
            }
        }
    }

    async fn try_register(&self) -> Result<Arc<Session>, Error> {
        let config = self.config();
        let pools = self.0.client.pools().await?.pools;
        let slots = offer::first(&config.pools, &config.region, &pools);
        if slots.is_empty() {
            return Err(Error::Config(format!("the topology has no such pool in {}", config.region)));
        }
        let id = SessionId::random();
        let sent = self.0.clock.now();
        let answer = self.0.client.register(&self.registration(id, &slots)).await?;
        let session = Session::new(self.clone(), answer, slots, sent);
        tracing::info!(session = %id, ttl_ms = session.terms.ttl.as_millis() as u64, "registered");
        Ok(Arc::new(session))
    }

    fn registration(&self, id: SessionId, slots: &Slots) -> RegisterSession {
        RegisterSession {
            id,
            region: self.config().region.clone(),
            agent: self.config().name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pools: offer::wire(slots),
        }
    }
}

impl Session {
    fn new(agent: Agent, answer: SessionAnswer, slots: Slots, sent: Boot) -> Self {
        let ms = |ms: i64| Duration::from_millis(ms.max(1).unsigned_abs());
        let terms =
            Terms { ttl: ms(answer.session_ttl_ms), heartbeat: ms(answer.heartbeat_ms), margin: ms(answer.margin_ms) };
        // A hanging scheduler must not cost the session: after one heartbeat that it does not answer another is asked.
        let attempt = (terms.ttl / 4).max(Duration::from_millis(100));
        let heartbeats =
            agent.0.client.with_limits(Limits { attempt, overall: attempt * 2, tries: 3, ..agent.0.client.limits() });
        let (lease, _) = watch::channel(Lease::renewed(&terms, sent));
        agent.update(|status| {
            status.session = Some(answer.id);
            status.slots = slots.clone();
            status.fenced = false;
        });
        Self {
            id: answer.id,
            lease,
            changed: Notify::new(),
            terms,
            heartbeats,
            book: Mutex::new(Book::new(slots)),
            jobs: Mutex::default(),
            reclaim: Notify::new(),
            offering: AtomicBool::new(false),
            agent,
        }
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no holder of this lock panics")
    }

    pub(super) fn jobs(&self) -> MutexGuard<'_, HashMap<LeaseName, watch::Sender<Option<StopCause>>>> {
        self.jobs.lock().expect("no holder of this lock panics")
    }

    /// Serves until the session ends or the drain is over.
    pub(super) async fn serve(self: Arc<Self>, wish: &mut watch::Receiver<Wish>) -> Over {
        let mut loops = JoinSet::new();
        loops.spawn(Arc::clone(&self).claim_loop());
        loops.spawn(Arc::clone(&self).fence_loop());
        let mut drain = Drain::default();
        let mut next = Instant::now();
        let mut unanswered = 0;
        loop {
            if let Some(over) = drain.look(&self, *wish.borrow_and_update()).await {
                return over;
            }
            let changed = self.changed.notified();
            tokio::select! {
                () = tokio::time::sleep_until(next) => {
                    let begun = Instant::now();
                    match self.beat().await {
                        Beat::Answered => (next, unanswered) = (begun + self.terms.heartbeat, 0),
                        // It was not renewed for want of what this very answer is.
                        Beat::Unheard => next = Instant::now(),
                        Beat::Unanswered => {
                            next = Instant::now() + self.terms.again_after(unanswered);
                            unanswered += 1;
                        }
                        Beat::Ended => {
                            self.stop_all(StopCause::SessionEnded);
                            return Over::Ended;
                        }
                    }
                }
                Ok(()) = wish.changed() => next = Instant::now(),
                () = changed, if drain.begun() => {}
                () = drain.over() => {}
            }
            let (held, draining) = (self.book().len(), drain.begun());
            self.agent.update(|status| (status.held, status.draining) = (held, draining));
            metrics::gauge!("region_agent_held").set(held as f64);
        }
    }

    /// One heartbeat. The lease counts from before it was sent.
    async fn beat(self: &Arc<Self>) -> Beat {
        let sent = self.agent.0.clock.now();
        let heartbeat = self.book().beat();
        match self.heartbeats.heartbeat(self.id, &heartbeat).await {
            Ok(answer) => {
                self.book().heard(heartbeat.seq);
                self.lease.send_replace(Lease::renewed(&self.terms, sent));
                let took = sent.until(self.agent.0.clock.now());
                metrics::histogram!("region_agent_heartbeat_seconds").record(took.as_secs_f64());
                self.obey(answer);
                Beat::Answered
            }
            Err(error) if matches!(error.code(), Some("session_ended" | "session_not_found")) => Beat::Ended,
            Err(error) if error.code() == Some("unheard") => {
                self.book().heard(heartbeat.seq);
                Beat::Unheard
            }
            Err(error) => {
                metrics::counter!("region_agent_heartbeats_unanswered_total").increment(1);
                tracing::warn!(seq = heartbeat.seq, error = &error as &dyn std::error::Error, "heartbeat unanswered");
                self.reclaim.notify_waiters();
                Beat::Unanswered
            }
        }
    }

    fn obey(self: &Arc<Self>, answer: HeartbeatAnswer) {
        let gone = self.book().answered(&answer);
        for (name, cause) in gone {
            tracing::info!(mission = %name.mission, epoch = %name.epoch, ?cause, "stopping");
            self.stop(name, cause);
        }
        // The time is the database's, this clock is ours: a grace later the scheduler takes what we still keep.
        if answer.drain_until.is_some_and(|until| chrono::Utc::now() >= until) {
            self.stop_all(StopCause::Drain);
        }
        let slots = offer::follow(&self.agent.config().pools, &answer.wished);
        if slots != *self.book().slots() && !self.offering.swap(true, Ordering::SeqCst) {
            tokio::spawn(Arc::clone(self).offer(slots));
        }
    }

    /// Offers other slots: fewer at once, more when the scheduler knows.
    async fn offer(self: Arc<Self>, slots: Slots) {
        tracing::info!(?slots, "offering other slots");
        let mut fewer = self.book().slots().clone();
        fewer.retain(|name, own| {
            *own = (*own).min(slots.get(name).copied().unwrap_or(0));
            *own > 0
        });
        self.book().set_slots(fewer);
        // A session offers at least one pool: without any it only stops to claim.
        let known = slots.is_empty()
            || match self.agent.0.client.register(&self.agent.registration(self.id, &slots)).await {
                Ok(_) => true,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "other slots were not taken");
                    false
                }
            };
        if known {
            self.agent.update(|status| status.slots = slots.clone());
            self.book().set_slots(slots);
        }
        self.offering.store(false, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    fn stop(&self, name: LeaseName, cause: StopCause) {
        if let Some(stop) = self.jobs().get(&name) {
            stop.send_replace(Some(cause));
        }
    }

    pub(super) fn stop_all(&self, cause: StopCause) {
        for stop in self.jobs().values() {
            stop.send_if_modified(|now| now.is_none() && now.replace(cause).is_none());
        }
    }

    /// Fences the runners when the lease runs out. They see the clock themselves too; this wakes them.
    async fn fence_loop(self: Arc<Self>) {
        let mut lease = self.lease.subscribe();
        loop {
            let now = self.agent.0.clock.now();
            let current = *lease.borrow_and_update();
            self.agent.update(|status| status.fenced = current.fenced);
            if !current.fenced && now >= current.fence_at {
                tracing::warn!("no heartbeat was answered in time: runners stand still");
                metrics::counter!("region_agent_fences_total").increment(1);
                self.lease.send_if_modified(|lease| {
                    let still = *lease == current;
                    lease.fenced |= still;
                    still
                });
                continue;
            }
            let rest = now.until(current.fence_at).clamp(Duration::from_millis(1), LOOK);
            tokio::select! {
                _ = lease.changed() => {}
                () = tokio::time::sleep(if current.fenced { LOOK } else { rest }) => {}
            }
        }
    }
}

enum Beat {
    Answered,
    Unanswered,
    /// Answered, but not renewed, since the ones before it were not answered.
    Unheard,
    Ended,
}
