//! How a scheduler's statements go: the local gateway first, then the others by distance, each behind a breaker; what a
//! failure means decides whether it is sent again.

use std::collections::BTreeMap;

use topology::SessionId;

use super::answers::Answering;
use super::sweeps::SweepErrand;
use crate::sim::alarm::Alarm;
use crate::sim::message::{Answer, Ask, Body, Fail, Node, Parcel};
use crate::sim::setup::{Pool, Site};
use crate::sim::statement::{Rows, Statement};
use crate::sim::time::{MS, SECOND, Us};
use crate::sim::wire::{Event, Wire};

/// Longest wait for one gateway.
const CALL_TIMEOUT: Us = 500 * MS;

/// Times that a conflict is tried again.
const CONFLICTS: u32 = 10;

/// Failures in a row that open a breaker, and for how long at first and at most.
const FAILURES: u32 = 3;
const OPEN_FOR: Us = 500 * MS;
const OPEN_MAX: Us = 3 * SECOND;

/// How a statement fails in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// It was not applied.
    NotDone,
    /// Nobody knows.
    Indeterminate,
}

/// What a statement is for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    Beat(Site),
    View,
    Nothing,
    Life(Site),
    Health,
    Reap(Site),
    Sweep(Site, SweepErrand),
    Claim(Pool, Vec<(SessionId, i64)>),
    Answer(Parcel, Answering),
}

/// A statement on its way through the gateways.
struct Errand {
    statement: Statement,
    purpose: Purpose,
    /// How many of the gateways were passed, in their order.
    passed: usize,
    gateway: Site,
    conflicts: u32,
    until: Us,
    sent: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Breaker {
    failures: u32,
    open_until: Us,
    open_for: Us,
}

/// Everything that is under way.
pub(super) struct Errands {
    node: Node,
    gateways: Vec<Site>,
    breakers: BTreeMap<Site, Breaker>,
    open: BTreeMap<u64, Errand>,
    /// Those that pause after a conflict.
    resting: BTreeMap<u64, Errand>,
}

/// What comes of an errand that is over.
type Over = Option<(Purpose, Result<(Us, Rows), Failed>)>;

impl Errands {
    pub(super) fn new(node: Node, gateways: Vec<Site>) -> Self {
        let breakers = gateways.iter().map(|gateway| (*gateway, Breaker::default())).collect();
        Self { node, gateways, breakers, open: BTreeMap::new(), resting: BTreeMap::new() }
    }

    /// Runs a statement; what it brings comes back with its purpose, after `limit` at the latest.
    pub(super) fn run(&mut self, wire: &mut Wire, statement: Statement, limit: Us, purpose: Purpose) {
        let until = wire.now + limit;
        let gateway = self.gateways[0];
        let errand = Errand { statement, purpose, passed: 0, gateway, conflicts: 0, until, sent: false };
        self.send(wire, errand);
    }

    /// Sends an errand to the next gateway whose breaker lets it. Where none does, it is refused at once.
    fn send(&mut self, wire: &mut Wire, mut errand: Errand) {
        let now = wire.now;
        while let Some(gateway) = self.gateways.get(errand.passed).copied() {
            let breaker = self.breakers.entry(gateway).or_default();
            if now < errand.until && now >= breaker.open_until {
                if breaker.failures >= FAILURES {
                    // Half open: one call, and the others wait for what comes of it.
                    breaker.open_until = now + CALL_TIMEOUT;
                }
                let timeout = CALL_TIMEOUT.min(errand.until - now);
                errand.gateway = gateway;
                let ask = Ask::Sql(errand.statement.clone());
                let call = wire.ask(self.node, Node::Database, Some(gateway), ask, timeout);
                self.open.insert(call, errand);
                return;
            }
            errand.passed += 1;
        }
        let call = wire.fresh();
        self.open.insert(call, errand);
        let body = Body::Answer(Err(Fail::Refused));
        let refused = Parcel { call, from: self.node, to: self.node, via: None, body };
        wire.push(now, Event::Parcel(Box::new(refused)));
    }

    /// A pause is over: after a conflict the statement is sent again.
    pub(super) fn again(&mut self, wire: &mut Wire, number: u64) {
        if let Some(errand) = self.resting.remove(&number) {
            self.send(wire, errand);
        }
    }

    /// A call has ended. Returns what its errand came to, if it is over.
    pub(super) fn answered(&mut self, wire: &mut Wire, call: u64, answer: Result<Answer, Fail>) -> Over {
        let mut errand = self.open.remove(&call)?;
        match answer {
            Ok(Answer::Sql(at, rows)) => {
                *self.breakers.entry(errand.gateway).or_default() = Breaker::default();
                return Some((errand.purpose, Ok((at, rows))));
            }
            Ok(Answer::Http(_)) => unreachable!("a database answers with rows"),
            Err(Fail::Conflict) if errand.conflicts < CONFLICTS && wire.now < errand.until => {
                errand.conflicts += 1;
                let (pause, number) = (wire.rng.between(2 * MS, 20 * MS), wire.fresh());
                wire.alarm(self.node, pause, Alarm::Again(number));
                self.resting.insert(number, errand);
                return None;
            }
            Err(Fail::Conflict) => return Some((errand.purpose, Err(Failed::NotDone))),
            Err(Fail::Refused) => {}
            Err(Fail::Broke | Fail::Silent) if errand.statement.idempotent() => errand.sent = true,
            Err(Fail::Broke | Fail::Silent) => {
                self.failed(wire, errand.gateway);
                return Some((errand.purpose, Err(Failed::Indeterminate)));
            }
        }
        if errand.passed < self.gateways.len() {
            self.failed(wire, errand.gateway);
            errand.passed += 1;
        }
        if wire.now < errand.until && errand.passed < self.gateways.len() {
            self.send(wire, errand);
            return None;
        }
        let failed = if errand.sent { Failed::Indeterminate } else { Failed::NotDone };
        Some((errand.purpose, Err(failed)))
    }

    fn failed(&mut self, wire: &Wire, gateway: Site) {
        let breaker = self.breakers.entry(gateway).or_default();
        breaker.failures += 1;
        if breaker.failures >= FAILURES {
            breaker.open_for = (breaker.open_for * 2).clamp(OPEN_FOR, OPEN_MAX);
            breaker.open_until = wire.now + breaker.open_for;
        }
    }
}
