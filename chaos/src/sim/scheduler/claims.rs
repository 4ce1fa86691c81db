//! Long polls, and one claimer a pool that serves all of them with one statement.

use std::collections::{BTreeMap, BTreeSet};

use region_agent::book::Slots;
use scheduler_client::wire::Grant;
use serde_json::Value;
use topology::SessionId;

use super::Scheduler;
use super::sql::{Failed, Purpose};
use crate::sim::alarm::Alarm;
use crate::sim::message::{Lease, Parcel, Response, Says, Word};
use crate::sim::setup::{Pool, Setup, Site, mission_id, mission_number};
use crate::sim::statement::{Granted, Rows, Statement};
use crate::sim::time::{MS, SECOND, Us};
use crate::sim::wire::Wire;

/// First and longest pause between two looks that nothing woke.
const SHORTEST: Us = 250 * MS;
const LONGEST: Us = 2 * SECOND;

/// Longest pause for a pool of another region, of whose work no hint comes here.
const LONGEST_UNTOLD: Us = SECOND / 2;

/// Missions that one claim asks for at most: growing while all of it is granted, and one after a claim that nobody heard
/// the end of.
const WIDTHS: [usize; 5] = [1, 4, 16, 128, 512];

/// Answered looks after which an unanswered one is forgotten.
const FORGETS_AFTER: u32 = 8;

/// The width to begin with.
const USUAL: usize = 2;

/// Longest run of a mission that an agent is told.
const RUN_LIMIT_MS: i64 = 30 * 60 * 1_000;

/// A session's open claim.
struct Waiter {
    asked: Parcel,
    session: SessionId,
    /// Free slots by pool.
    free: BTreeMap<Pool, i64>,
    /// Pools whose statement is under way for it.
    out: BTreeSet<Pool>,
    granted: Vec<Grant>,
    /// It waits no longer: answered as soon as no statement is under way.
    over: bool,
    /// A look that it waited for failed.
    failed: bool,
    /// Nobody waits for its answer: what is granted is put back.
    abandoned: bool,
}

#[derive(Debug)]
struct Claimer {
    busy: bool,
    woken: bool,
    pause: Us,
    width: usize,
    /// Number of the newest pause: an older one wakes nobody.
    look: u64,
    /// Something waits there that is granted only alone.
    alone: bool,
    /// Looks that the database did not answer lately, and those that it answered since.
    silences: u32,
    answered: u32,
}

impl Default for Claimer {
    fn default() -> Self {
        Self { busy: false, woken: false, pause: 0, width: USUAL, look: 0, alone: false, silences: 0, answered: 0 }
    }
}

#[derive(Default)]
pub(super) struct Claims {
    waiters: Vec<Waiter>,
    claimers: BTreeMap<Pool, Claimer>,
}

impl Scheduler {
    /// A session asks for work. Its earlier claims are answered.
    pub(super) fn claim(
        &mut self,
        wire: &mut Wire,
        asked: Parcel,
        session: SessionId,
        site: Site,
        free: &Slots,
        wait: Us,
    ) {
        for waiter in self.claims.waiters.iter_mut().filter(|waiter| waiter.session == session) {
            waiter.over = true;
        }
        self.answer_who_is_done(wire);
        let kind = |name| self.setup.kinds.iter().position(|kind| kind == name);
        let free: BTreeMap<Pool, i64> =
            free.iter().filter_map(|(name, slots)| Some((self.setup.pool(site, kind(name)?), *slots))).collect();
        wire.alarm(self.node, wait, Alarm::PollOver(asked.call));
        let pools: Vec<Pool> = free.keys().copied().collect();
        let (out, granted) = (BTreeSet::new(), Vec::new());
        self.claims.waiters.push(Waiter {
            asked,
            session,
            free,
            out,
            granted,
            over: false,
            failed: false,
            abandoned: false,
        });
        for pool in pools {
            self.wake(wire, pool);
        }
    }

    pub(super) fn poll_over(&mut self, wire: &mut Wire, call: u64) {
        for waiter in self.claims.waiters.iter_mut().filter(|waiter| waiter.asked.call == call) {
            waiter.over = true;
        }
        self.answer_who_is_done(wire);
    }

    /// Whoever claimed has gone away.
    pub(super) fn abandon(&mut self, wire: &mut Wire, call: u64) {
        for waiter in self.claims.waiters.iter_mut().filter(|waiter| waiter.asked.call == call) {
            (waiter.over, waiter.abandoned) = (true, true);
        }
        self.answer_who_is_done(wire);
    }

    fn answer_who_is_done(&mut self, wire: &mut Wire) {
        let done: Vec<Waiter> =
            self.claims.waiters.extract_if(.., |waiter| waiter.over && waiter.out.is_empty()).collect();
        for waiter in done {
            if waiter.abandoned {
                self.put_back(wire, &waiter);
            } else if waiter.granted.is_empty() && waiter.failed {
                Self::respond(wire, &waiter.asked, Response::Unavailable);
            } else {
                Self::respond(wire, &waiter.asked, Response::Granted(waiter.granted, waiter.failed));
            }
        }
    }

    fn put_back(&mut self, wire: &mut Wire, waiter: &Waiter) {
        for grant in &waiter.granted {
            let lease = Lease { mission: mission_number(grant.mission), epoch: grant.epoch, session: waiter.session };
            let release = Statement::Word(Word { lease, says: Says::Release });
            self.errands.run(wire, release, SECOND / 2, Purpose::Nothing);
        }
    }

    /// Something may wait in a pool: look now.
    pub(super) fn wake(&mut self, wire: &mut Wire, pool: Pool) {
        let claimer = self.claims.claimers.entry(pool).or_default();
        claimer.pause = SHORTEST;
        if claimer.busy {
            claimer.woken = true;
        } else {
            self.look(wire, pool);
        }
    }

    pub(super) fn look_again(&mut self, wire: &mut Wire, pool: Pool, look: u64) {
        let newest = self.claims.claimers.get(&pool).is_some_and(|claimer| !claimer.busy && claimer.look == look);
        if newest {
            self.look(wire, pool);
        }
    }

    /// One statement for everybody who waits.
    fn look(&mut self, wire: &mut Wire, pool: Pool) {
        let claimer = self.claims.claimers.entry(pool).or_default();
        let limit = WIDTHS[claimer.width];
        let alone = std::mem::take(&mut claimer.alone);
        if !self.view.grants(&self.setup, pool) {
            return self.look_later(wire, pool);
        }
        let wishes = self.claims.check_out(pool, limit);
        if wishes.is_empty() {
            // Whoever comes wakes it.
            return;
        }
        self.claims.claimers.entry(pool).or_default().busy = true;
        let clock = self.view.clock(wire.now);
        let statement = if alone {
            let sessions: BTreeSet<SessionId> = wishes.iter().map(|(session, _)| *session).collect();
            Statement::ClaimAlone { pool, clock, sessions: sessions.into_iter().collect() }
        } else {
            Statement::Claim { pool, clock, wishes: wishes.clone(), limit }
        };
        self.errands.run(wire, statement, SECOND / 2, Purpose::Claim(pool, wishes));
    }

    fn look_later(&mut self, wire: &mut Wire, pool: Pool) {
        let longest = if self.setup.site_of(pool) == self.site { LONGEST } else { LONGEST_UNTOLD };
        let claimer = self.claims.claimers.entry(pool).or_default();
        let pause = claimer.pause.clamp(SHORTEST, longest);
        claimer.pause = (pause * 2).min(longest);
        claimer.look += 1;
        let look = claimer.look;
        let jitter = wire.rng.between(-pause / 4, pause / 4);
        wire.alarm(self.node, pause + jitter, Alarm::Look(pool, look));
    }

    pub(super) fn claimed(
        &mut self,
        wire: &mut Wire,
        pool: Pool,
        wishes: &[(SessionId, i64)],
        rows: Result<Rows, Failed>,
    ) {
        let answered = rows.is_ok();
        let (granted, alone) =
            if let Ok(Rows::Granted(granted, alone)) = rows { (granted, alone) } else { (Vec::new(), false) };
        let claimer = self.claims.claimers.entry(pool).or_default();
        if answered {
            claimer.answered += 1;
            claimer.silences = if claimer.answered >= FORGETS_AFTER { 0 } else { claimer.silences };
        } else {
            (claimer.silences, claimer.answered) = (claimer.silences + 1, 0);
        }
        // One alone may be chance: it is tried again at once.
        let again = !answered && claimer.silences == 1;
        if !answered && claimer.silences > 1 {
            self.claims.fail(pool);
        }
        self.claims.check_in(&self.setup, pool, wishes, &granted);
        self.answer_who_is_done(wire);
        let claimer = self.claims.claimers.entry(pool).or_default();
        claimer.busy = false;
        claimer.alone = alone;
        let all = !granted.is_empty() && granted.len() == wishes.len();
        claimer.width = match granted.len() {
            _ if !answered => 0,
            all if all == WIDTHS[claimer.width] => (claimer.width + 1).min(WIDTHS.len() - 1),
            _ => claimer.width.min(USUAL),
        };
        if !granted.is_empty() {
            claimer.pause = SHORTEST;
        }
        if std::mem::take(&mut claimer.woken) || all || again {
            self.look(wire, pool);
        } else {
            self.look_later(wire, pool);
        }
    }
}

impl Claims {
    /// One wish a free slot, the first slots of everybody before anybody's second, so many at most.
    fn check_out(&mut self, pool: Pool, limit: usize) -> Vec<(SessionId, i64)> {
        let mut numbers: BTreeMap<SessionId, i64> = BTreeMap::new();
        let free = |waiter: &Waiter| if waiter.over { 0 } else { waiter.free.get(&pool).copied().unwrap_or(0) };
        let rounds = self.waiters.iter().map(free).max().unwrap_or(0);
        let mut wishes = Vec::new();
        for round in 0..rounds {
            for waiter in self.waiters.iter_mut().filter(|waiter| free(waiter) > round) {
                if wishes.len() == limit {
                    return wishes;
                }
                let number = numbers.entry(waiter.session).or_insert(0);
                *number += 1;
                waiter.out.insert(pool);
                wishes.push((waiter.session, *number));
            }
        }
        wishes
    }

    /// The database did not answer a look: who waits for that pool is better served elsewhere.
    fn fail(&mut self, pool: Pool) {
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.free.contains_key(&pool)) {
            (waiter.failed, waiter.over) = (true, true);
        }
    }

    /// Hands grants to the waiters of their sessions; a session that waits no more hears nothing of them.
    fn check_in(&mut self, setup: &Setup, pool: Pool, wishes: &[(SessionId, i64)], granted: &[Granted]) {
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.out.contains(&pool)) {
            waiter.out.remove(&pool);
            let own = granted.iter().filter(|one| one.lease.session == waiter.session);
            waiter.granted.extend(own.map(|one| grant(setup, pool, one)));
            // The first grant closes it: it takes part in no further statement.
            waiter.over |= !waiter.granted.is_empty();
        }
        // Who took part and got nothing waits behind the others.
        let got = |session| granted.iter().any(|one| one.lease.session == session);
        let empty = |session| wishes.iter().any(|(of, _)| *of == session) && !got(session);
        self.waiters.sort_by_key(|waiter| empty(waiter.session));
    }
}

fn grant(setup: &Setup, pool: Pool, granted: &Granted) -> Grant {
    Grant {
        mission: mission_id(granted.lease.mission),
        epoch: granted.lease.epoch,
        home: String::new(),
        specialization: setup.kinds[setup.kind_of(pool)].clone(),
        title: String::new(),
        payload: Value::Null,
        attempt: 1,
        run_limit_ms: RUN_LIMIT_MS,
        seq: granted.seq,
        alone: granted.alone,
        traceparent: None,
        drill: None,
    }
}
