//! How agents and clients call schedulers: the nearest first, then the others, again and again until time is over. One
//! that failed a moment ago is asked after the others.

use std::collections::{BTreeMap, BTreeSet};

use super::alarm::Alarm;
use super::message::{Answer, Ask, Fail, Node, Request, Response};
use super::setup::Site;
use super::time::{MS, SECOND, Us};
use super::wire::Wire;

/// How long a scheduler that did not answer is asked after the others.
const SUSPECT: Us = SECOND;

/// First and longest pause between two laps over the schedulers.
const PAUSE: Us = 50 * MS;
const PAUSE_MAX: Us = 2 * SECOND;

/// What a scheduler that cannot decide asks for: its Retry-After.
const RETRY_AFTER: Us = SECOND;

/// Bounds of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) attempt: Us,
    pub(super) overall: Us,
    pub(super) tries: u32,
}

impl Limits {
    /// Those of the scheduler's client.
    pub(super) const DEFAULT: Self = Self { attempt: 5 * SECOND, overall: 20 * SECOND, tries: 12 };
}

/// A call under way, with what it is for.
struct Call<K> {
    request: Request,
    limits: Limits,
    until: Us,
    tries: u32,
    /// Asked in this lap.
    asked: BTreeSet<Site>,
    at: Site,
    pause: Us,
    purpose: K,
}

/// Everything that one node calls for.
pub(super) struct Caller<K> {
    node: Node,
    schedulers: Vec<Site>,
    failed_at: BTreeMap<Site, Us>,
    open: BTreeMap<u64, Call<K>>,
    resting: BTreeMap<u64, Call<K>>,
}

impl<K> Caller<K> {
    pub(super) fn new(node: Node, schedulers: Vec<Site>) -> Self {
        let (open, resting) = (BTreeMap::new(), BTreeMap::new());
        Self { node, schedulers, failed_at: BTreeMap::new(), open, resting }
    }

    pub(super) fn call(&mut self, wire: &mut Wire, request: Request, limits: Limits, purpose: K) {
        let (until, asked) = (wire.now + limits.overall, BTreeSet::new());
        self.send(wire, Call { request, limits, until, tries: 0, asked, at: 0, pause: PAUSE, purpose });
    }

    fn send(&mut self, wire: &mut Wire, mut call: Call<K>) {
        let now = wire.now;
        let suspect = |site: &Site| self.failed_at.get(site).is_some_and(|at| now - at < SUSPECT);
        let left = self.schedulers.iter().filter(|site| !call.asked.contains(site));
        call.at = *left.min_by_key(|site| suspect(site)).expect("a lap that is over begins anew");
        call.asked.insert(call.at);
        call.tries += 1;
        let timeout = call.limits.attempt.min(call.until - now);
        let ask = Ask::Http(call.request.clone());
        let number = wire.ask(self.node, Node::Scheduler(call.at), None, ask, timeout);
        self.open.insert(number, call);
    }

    /// A pause is over.
    pub(super) fn again(&mut self, wire: &mut Wire, number: u64) {
        if let Some(call) = self.resting.remove(&number) {
            self.send(wire, call);
        }
    }

    /// A try has ended. Returns what the call came to, if it is over; no answer = nobody could decide.
    pub(super) fn answered(
        &mut self,
        wire: &mut Wire,
        number: u64,
        answer: Result<Answer, Fail>,
    ) -> Option<(K, Option<Response>)> {
        let mut call = self.open.remove(&number)?;
        let mut least = 0;
        match answer {
            Ok(Answer::Http(Response::Unavailable)) => {
                self.failed_at.remove(&call.at);
                least = RETRY_AFTER;
            }
            Ok(Answer::Http(response)) => {
                self.failed_at.remove(&call.at);
                return Some((call.purpose, Some(response)));
            }
            Ok(Answer::Sql(..)) => unreachable!("a scheduler does not answer with rows"),
            Err(_) => {
                self.failed_at.insert(call.at, wire.now);
            }
        }
        let lap_over = call.asked.len() == self.schedulers.len();
        let pause = if lap_over { wire.rng.between(call.pause / 2, call.pause * 3 / 2).max(least) } else { 0 };
        if call.tries >= call.limits.tries || wire.now + pause >= call.until {
            return Some((call.purpose, None));
        }
        if lap_over {
            call.asked.clear();
            call.pause = (call.pause * 2).min(PAUSE_MAX);
            let number = wire.fresh();
            wire.alarm(self.node, pause, Alarm::Retry(number));
            self.resting.insert(number, call);
        } else {
            self.send(wire, call);
        }
        None
    }

    /// Gives calls up: nobody waits for them any more. Returns what they were for.
    pub(super) fn give_up(&mut self, wanted: impl Fn(&K) -> bool) -> Vec<K> {
        let open = self.open.extract_if(.., |_, call| wanted(&call.purpose)).map(|(_, call)| call.purpose);
        let mut given_up: Vec<K> = open.collect();
        given_up.extend(self.resting.extract_if(.., |_, call| wanted(&call.purpose)).map(|(_, call)| call.purpose));
        given_up
    }

    /// How many calls of a kind are under way.
    pub(super) fn count(&self, wanted: impl Fn(&K) -> bool) -> usize {
        self.open.values().chain(self.resting.values()).filter(|call| wanted(&call.purpose)).count()
    }
}
