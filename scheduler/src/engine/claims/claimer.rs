//! One line's claimer: collects who waits, runs the statement, hands the grants out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scheduler_client::wire::{self, Grant};
use scheduler_core::health::Verb;
use scheduler_core::lifecycle::ALONE_FROM_CRASHES;
use tokio::sync::Notify;
use tokio::time::Instant;
use topology::SessionId;

use super::pace::{Pace, Silence, Width};
use super::waiter::Waiter;
use super::{Hub, Line};
use crate::engine::{Change, lock};
use crate::store::mission::{Granted, PoolQueue, mission_alone_waits, mission_claim, mission_claim_alone};
use crate::view::View;

/// Least time between two looks for missions that are granted alone.
const ALONE_EVERY: Duration = Duration::from_millis(250);

/// What a line's claimers, which come and go with those who wait, know of their predecessors.
#[derive(Debug, Default)]
pub(super) struct Past {
    alone_at: Option<Instant>,
    width: Width,
    silence: Silence,
}

/// The claimer of one line.
#[derive(Debug)]
pub(super) struct Claimer {
    line: Line,
    past: Arc<Mutex<Past>>,
    waiters: Mutex<VecDeque<Arc<Waiter>>>,
    wake: Notify,
}

/// What a look at the queue came to.
enum Look {
    /// Everybody who was asked for got something, or nobody knows: look again.
    Again,
    /// Something was granted, not all that was wished: the queue is empty for now.
    Some,
    /// Nothing.
    None,
}

impl Claimer {
    pub(super) fn new(line: Line, past: Arc<Mutex<Past>>) -> Self {
        Self { line, past, waiters: Mutex::default(), wake: Notify::new() }
    }

    pub(super) const fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(super) fn join(&self, waiter: Arc<Waiter>) {
        lock(&self.waiters).push_back(waiter);
        self.wake.notify_one();
    }

    /// Forgets those who wait no more; true = nobody is left.
    pub(super) fn drop_closed(&self) -> bool {
        let mut waiters = lock(&self.waiters);
        waiters.retain(|waiter| !waiter.is_closed());
        waiters.is_empty()
    }

    /// Looks at the queue until nobody waits.
    pub(super) async fn run(self: Arc<Self>, hub: Arc<Hub>) {
        let mut pace = Pace::new(self.line.pool.region == hub.region);
        while !hub.leave(&self) {
            let present: Vec<Arc<Waiter>> = lock(&self.waiters).iter().cloned().collect();
            let look = match self.look(&hub).await {
                Ok(look) => {
                    lock(&self.past).silence.answered();
                    look
                }
                Err(error) => self.failed(&error, &present),
            };
            for waiter in present {
                waiter.looked(&self.line.pool.specialization);
            }
            match look {
                Look::Again => continue,
                Look::Some => pace.reset(),
                Look::None => {}
            }
            tokio::select! {
                () = self.wake.notified() => pace.reset(),
                () = tokio::time::sleep(pace.pause(rand::random())) => {}
            }
        }
    }

    /// One look that the database does not answer may be chance: it is tried again at once. After another those who wait are
    /// sent elsewhere.
    fn failed(&self, error: &sql::Error, present: &[Arc<Waiter>]) -> Look {
        let (pool, cause) = (&self.line.pool, error as &dyn std::error::Error);
        tracing::warn!(%pool, error = cause, "a claim failed");
        if !no_answer(error) {
            return Look::None;
        }
        if lock(&self.past).silence.is_chance() {
            return Look::Again;
        }
        for waiter in present {
            waiter.fail();
        }
        Look::None
    }

    async fn look(&self, hub: &Hub) -> Result<Look, sql::Error> {
        let view = hub.views.current();
        if !serves(&view, &self.line) {
            return Ok(Look::None);
        }
        let queue = PoolQueue {
            home: self.line.home.clone(),
            pool: self.line.pool.clone(),
            now: hub.clock.now(&hub.db).await?,
            residency_version: view.residency_version,
        };
        if self.alone_is_due() {
            self.look_alone(hub, &queue).await?;
        }
        self.look_for_all(hub, &queue).await
    }

    fn alone_is_due(&self) -> bool {
        let alone_at = &mut lock(&self.past).alone_at;
        let due = alone_at.is_none_or(|at| at.elapsed() >= ALONE_EVERY);
        if due {
            *alone_at = Some(Instant::now());
        }
        due
    }

    /// One statement for everybody who waits.
    async fn look_for_all(&self, hub: &Hub, queue: &PoolQueue) -> Result<Look, sql::Error> {
        let out = self.check_out(|session| !lock(&hub.reservations).is_reserved(session, Instant::now()));
        let width = lock(&self.past).width;
        let wishes = wishes(&out.wants(), width.limit());
        if wishes.is_empty() {
            out.check_in_all(Vec::new());
            return Ok(Look::None);
        }
        let granted = match mission_claim(&hub.db, queue, &wishes, &hub.actor).await {
            Ok(granted) => granted,
            Err(error) => {
                out.check_in_all(Vec::new());
                if no_answer(&error) {
                    lock(&self.past).width = Width::LEAST;
                }
                return Err(error);
            }
        };
        lock(&self.past).width = width.after(wishes.len(), granted.len());
        self.put_last(&wishes, &granted.iter().map(|one| one.session).collect::<Vec<_>>());
        let look = match granted.len() {
            0 => Look::None,
            n if n == wishes.len() => Look::Again,
            _ => Look::Some,
        };
        hub.granted(&self.line, &granted);
        out.check_in_all(granted.into_iter().map(|one| (one.session, grant(&self.line, one))).collect());
        Ok(look)
    }

    /// Lets those who took part and got nothing wait behind the others: what the database knows to be full, or to have
    /// ended, must not stand before everybody else again.
    fn put_last(&self, wishes: &[(SessionId, i64)], granted: &[SessionId]) {
        let mut empty: HashSet<SessionId> = wishes.iter().map(|(session, _)| *session).collect();
        for session in granted {
            empty.remove(session);
        }
        // Stable: the others keep their turn.
        lock(&self.waiters).make_contiguous().sort_by_key(|waiter| empty.contains(&waiter.session));
    }

    /// Grants a mission that is granted alone, or sees to it that a session becomes empty for it.
    async fn look_alone(&self, hub: &Hub, queue: &PoolQueue) -> Result<(), sql::Error> {
        if !mission_alone_waits(&hub.db, queue).await? {
            lock(&hub.reservations).release(&self.line);
            return Ok(());
        }
        let out = self.check_out(|session| !lock(&hub.reservations).is_taken(session, &self.line, Instant::now()));
        let sessions = out.sessions();
        if sessions.is_empty() {
            return Ok(());
        }
        let ids: Vec<SessionId> = sessions.iter().map(|(session, _)| *session).collect();
        let granted = match mission_claim_alone(&hub.db, queue, &ids, &hub.actor).await {
            Ok(granted) => granted,
            Err(error) => {
                out.check_in_all(Vec::new());
                return Err(error);
            }
        };
        match &granted {
            Some(one) => {
                hub.granted(&self.line, std::slice::from_ref(one));
                lock(&hub.reservations).release(&self.line);
            }
            None => lock(&hub.reservations).reserve(&self.line, &sessions, Instant::now()),
        }
        out.check_in_all(granted.into_iter().map(|one| (one.session, grant(&self.line, one))).collect());
        Ok(())
    }

    fn check_out(&self, may: impl Fn(SessionId) -> bool) -> CheckedOut {
        let waiters = lock(&self.waiters);
        let out = waiters.iter().filter(|waiter| may(waiter.session)).filter_map(|waiter| {
            let free = waiter.check_out(&self.line.pool.specialization)?;
            Some((Arc::clone(waiter), free))
        });
        CheckedOut { waiters: out.collect() }
    }
}

/// Waiters that take part in a statement; on drop they are told that it granted nothing.
struct CheckedOut {
    waiters: Vec<(Arc<Waiter>, i64)>,
}

impl CheckedOut {
    fn wants(&self) -> Vec<(SessionId, i64)> {
        self.waiters.iter().map(|(waiter, free)| (waiter.session, *free)).collect()
    }

    /// Each session once, in turn, with the number of leases it said it has.
    fn sessions(&self) -> Vec<(SessionId, i64)> {
        let mut sessions: Vec<(SessionId, i64)> = Vec::new();
        for (waiter, _) in &self.waiters {
            if !sessions.iter().any(|(session, _)| *session == waiter.session) {
                sessions.push((waiter.session, waiter.holding));
            }
        }
        sessions
    }

    /// Hands grants to the waiters of their sessions, each at most what it has free.
    fn check_in_all(mut self, granted: Vec<(SessionId, Grant)>) {
        let mut by_session: HashMap<SessionId, VecDeque<Grant>> = HashMap::new();
        for (session, grant) in granted {
            by_session.entry(session).or_default().push_back(grant);
        }
        for (waiter, free) in self.waiters.drain(..) {
            let grants = by_session.get_mut(&waiter.session).map_or_else(Vec::new, |grants| {
                let most = usize::try_from(free).unwrap_or(usize::MAX).min(grants.len());
                grants.drain(..most).collect()
            });
            waiter.check_in(grants);
        }
        debug_assert!(by_session.values().all(VecDeque::is_empty), "no more is granted than was wished");
    }
}

impl Drop for CheckedOut {
    fn drop(&mut self) {
        for (waiter, _) in self.waiters.drain(..) {
            waiter.check_in(Vec::new());
        }
    }
}

/// One wish a free slot, the first slots of everybody before anybody's second, so many at most.
fn wishes(wants: &[(SessionId, i64)], most: usize) -> Vec<(SessionId, i64)> {
    let mut numbers: HashMap<SessionId, i64> = HashMap::new();
    let mut wishes = Vec::new();
    let rounds = wants.iter().map(|(_, free)| *free).max().unwrap_or(0);
    for round in 0..rounds {
        for (session, _) in wants.iter().filter(|(_, free)| *free > round) {
            if wishes.len() == most {
                return wishes;
            }
            let number = numbers.entry(*session).or_insert(0);
            *number += 1;
            wishes.push((*session, *number));
        }
    }
    wishes
}

/// Whether the database did not answer: then there is no telling when it will, and to wait on hides that.
const fn no_answer(error: &sql::Error) -> bool {
    match error {
        sql::Error::Indeterminate(_) | sql::Error::Unavailable(_) => true,
        sql::Error::Retryable(_) | sql::Error::Permanent(_) => false,
    }
}

/// Whether a pool may grant: it is in the topology, its region serves, and no operator holds it back. Health does not
/// count here: who claims is alive.
fn serves(view: &View, line: &Line) -> bool {
    let pool = view.topology.pool(&line.pool).is_some();
    let region = view.topology.region(&line.pool.region).is_some_and(|region| region.state.serves());
    let verb = view.regions.get(&line.pool.region).is_none_or(|facts| facts.verb == Verb::None);
    pool && region && verb
}

fn grant(line: &Line, granted: Granted) -> Grant {
    Grant {
        mission: granted.id,
        epoch: granted.epoch,
        home: line.home.as_str().to_owned(),
        specialization: line.pool.specialization.clone(),
        title: granted.title,
        payload: serde_json::from_str(&granted.payload).unwrap_or_default(),
        attempt: granted.attempts.saturating_add(1),
        run_limit_ms: granted.run_limit_ms,
        seq: granted.seq,
        alone: granted.crashes >= ALONE_FROM_CRASHES,
        traceparent: granted.traceparent,
        drill: granted.drill,
    }
}

impl Hub {
    /// Remembers and tells what was granted.
    fn granted(&self, line: &Line, granted: &[Granted]) {
        let mut rounds = lock(&self.rounds);
        for one in granted {
            rounds.granted(&line.pool, one.rank, one.round);
            // The time that objectives are about: drills have their own.
            if one.attempts == 0
                && one.drill.is_none()
                && let Ok(waited) = (one.leased_at - one.submitted_at).to_std()
            {
                metrics::histogram!("scheduler_submit_to_lease_seconds").record(waited.as_secs_f64());
            }
            let (state, pool) = (wire::MissionState::Leased, Some(line.pool.clone()));
            // Nobody listens is no error.
            let _ = self.changes.send(Change { mission: one.id, state, pool });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn first_slots_of_everybody_come_before_second_ones() {
        let (a, b) = (SessionId::random(), SessionId::random());
        assert_eq!(wishes(&[(a, 3), (b, 1)], 16), [(a, 1), (b, 1), (a, 2), (a, 3)]);
    }

    #[test]
    fn those_who_got_nothing_wait_behind_the_others() {
        let claimer = Claimer::new(
            Line { home: "us-west-2".parse().unwrap(), pool: "us-west/a".parse().unwrap() },
            Arc::default(),
        );
        let sessions: Vec<SessionId> = (0..4).map(|_| SessionId::random()).collect();
        for session in &sessions {
            claimer.join(Arc::new(Waiter::new(*session, 0, BTreeMap::from([("a".parse().unwrap(), 1)]))));
        }
        claimer.put_last(&[(sessions[0], 1), (sessions[1], 1)], &[sessions[1]]);
        let order: Vec<SessionId> = lock(&claimer.waiters).iter().map(|waiter| waiter.session).collect();
        assert_eq!(order, [sessions[1], sessions[2], sessions[3], sessions[0]]);
    }

    #[test]
    fn several_claims_of_a_session_count_on() {
        let a = SessionId::random();
        assert_eq!(wishes(&[(a, 1), (a, 2)], 16), [(a, 1), (a, 2), (a, 3)]);
    }

    #[test]
    fn wishes_end_at_the_limit() {
        assert_eq!(wishes(&[(SessionId::random(), 10_000)], 512).len(), 512);
        assert!(wishes(&[], 512).is_empty());
    }
}
