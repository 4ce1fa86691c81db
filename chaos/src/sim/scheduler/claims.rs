//! Long polls, and one claimer a pool that serves all of them with one statement.

use std::collections::{BTreeMap, BTreeSet};

use region_agent::book::Slots;
use scheduler_client::wire::Grant;
use serde_json::Value;
use topology::SessionId;

use super::Scheduler;
use super::sql::{Failed, Purpose};
use crate::sim::alarm::Alarm;
use crate::sim::message::{Parcel, Response};
use crate::sim::setup::{Pool, Setup, Site, mission_id};
use crate::sim::statement::{Granted, Rows, Statement};
use crate::sim::time::{MS, SECOND, Us};
use crate::sim::wire::Wire;

/// First and longest pause between two looks that nothing woke.
const SHORTEST: Us = 250 * MS;
const LONGEST: Us = 2 * SECOND;

/// Missions that one claim asks for at most, growing while all of it is granted.
const WIDTHS: [usize; 3] = [16, 128, 512];

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
}

#[derive(Debug, Default)]
struct Claimer {
    busy: bool,
    woken: bool,
    pause: Us,
    width: usize,
    /// Number of the newest pause: an older one wakes nobody.
    look: u64,
    /// Something waits there that is granted only alone.
    alone: bool,
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
        self.claims.answer_who_is_done(wire);
        let kind = |name| self.setup.kinds.iter().position(|kind| kind == name);
        let free: BTreeMap<Pool, i64> =
            free.iter().filter_map(|(name, slots)| Some((self.setup.pool(site, kind(name)?), *slots))).collect();
        wire.alarm(self.node, wait, Alarm::PollOver(asked.call));
        let pools: Vec<Pool> = free.keys().copied().collect();
        let (out, granted) = (BTreeSet::new(), Vec::new());
        self.claims.waiters.push(Waiter { asked, session, free, out, granted, over: false });
        for pool in pools {
            self.wake(wire, pool);
        }
    }

    pub(super) fn poll_over(&mut self, wire: &mut Wire, call: u64) {
        for waiter in self.claims.waiters.iter_mut().filter(|waiter| waiter.asked.call == call) {
            waiter.over = true;
        }
        self.claims.answer_who_is_done(wire);
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
        let claimer = self.claims.claimers.entry(pool).or_default();
        let pause = claimer.pause.clamp(SHORTEST, LONGEST);
        claimer.pause = (pause * 2).min(LONGEST);
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
        let (granted, alone) =
            if let Ok(Rows::Granted(granted, alone)) = rows { (granted, alone) } else { (Vec::new(), false) };
        self.claims.check_in(wire, &self.setup, pool, wishes, &granted);
        let claimer = self.claims.claimers.entry(pool).or_default();
        claimer.busy = false;
        claimer.alone = alone;
        let all = !granted.is_empty() && granted.len() == wishes.len();
        claimer.width = if granted.len() == WIDTHS[claimer.width] { (claimer.width + 1).min(2) } else { 0 };
        if !granted.is_empty() {
            claimer.pause = SHORTEST;
        }
        if std::mem::take(&mut claimer.woken) || all {
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

    /// Hands grants to the waiters of their sessions; a session that waits no more hears nothing of them.
    fn check_in(
        &mut self,
        wire: &mut Wire,
        setup: &Setup,
        pool: Pool,
        wishes: &[(SessionId, i64)],
        granted: &[Granted],
    ) {
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
        self.answer_who_is_done(wire);
    }

    fn answer_who_is_done(&mut self, wire: &mut Wire) {
        for waiter in self.waiters.extract_if(.., |waiter| waiter.over && waiter.out.is_empty()) {
            Scheduler::respond(wire, &waiter.asked, Response::Granted(waiter.granted));
        }
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
