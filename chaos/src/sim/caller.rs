//! How agents and clients call schedulers: the nearest first, then the others, again and again until time is over. One
//! that failed a moment ago is asked after the others.

use std::collections::{BTreeMap, BTreeSet};

use super::alarm::Alarm;
use super::message::{Answer, Ask, Fail, Node, Request, Response};
use super::setup::Site;
use super::time::{MS, SECOND, Us};
use super::wire::Wire;

/// How long a scheduler that did not answer, or whose database did not, is asked after the others: twice as long every time
/// up to a limit.
const SUSPECT: Us = SECOND;
const SUSPECT_MAX: Us = 16 * SECOND;

/// One that did not answer for so long, three times in a row, is not asked at all meanwhile: its breaker is open.
const OPEN: Us = 4 * SUSPECT;

/// How long after such a time it counts as every time.
const KEPT: Us = 30 * SECOND;

/// Longest wait for a connection, and how long one stays open that is not used.
const CONNECT: Us = SECOND;
const IDLE: Us = 30 * SECOND;

/// First and longest pause between two laps over the schedulers.
const PAUSE: Us = 50 * MS;
const PAUSE_MAX: Us = 2 * SECOND;

/// What a scheduler that cannot decide asks for: its Retry-After.
const RETRY_AFTER: Us = SECOND;

/// Who waits for whom at a scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Lease,
    Claim,
    Other,
}

const fn lane(request: &Request) -> Lane {
    match request {
        Request::Register { .. } | Request::Heartbeat { .. } | Request::Word(_) => Lane::Lease,
        Request::Claim { .. } | Request::GoneAway(_) => Lane::Claim,
        Request::Submit(_) | Request::Hint(_) => Lane::Other,
    }
}

const fn once(request: &Request) -> bool {
    matches!(request, Request::Heartbeat { .. } | Request::Claim { .. })
}

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
    /// Until when who is asked after the others, and for how long that is: without a lane those that did not answer, with
    /// one those whose database did not.
    suspects: BTreeMap<(Option<Lane>, Site), (Us, Us)>,
    answered_at: BTreeMap<Site, Us>,
    open: BTreeMap<u64, Call<K>>,
    resting: BTreeMap<u64, Call<K>>,
}

impl<K> Caller<K> {
    pub(super) fn new(node: Node, schedulers: Vec<Site>) -> Self {
        let (open, resting) = (BTreeMap::new(), BTreeMap::new());
        let (suspects, answered_at) = (BTreeMap::new(), BTreeMap::new());
        Self { node, schedulers, suspects, answered_at, open, resting }
    }

    pub(super) fn call(&mut self, wire: &mut Wire, request: Request, limits: Limits, purpose: K) {
        let (until, asked) = (wire.now + limits.overall, BTreeSet::new());
        self.send(wire, Call { request, limits, until, tries: 0, asked, at: 0, pause: PAUSE, purpose });
    }

    fn send(&mut self, wire: &mut Wire, mut call: Call<K>) {
        let now = wire.now;
        // Where all breakers are open the nearest is the probe.
        call.at = self.next(&call, now).unwrap_or(self.schedulers[0]);
        call.asked.insert(call.at);
        call.tries += 1;
        let timeout = call.limits.attempt.min(call.until - now);
        let (ask, to) = (Ask::Http(call.request.clone()), Node::Scheduler(call.at));
        let is_open = self.answered_at.get(&call.at).is_some_and(|at| now - at < IDLE);
        let number = if is_open || wire.connects(self.node, to) {
            wire.ask(self.node, to, None, ask, timeout)
        } else {
            wire.refuse(self.node, to, CONNECT.min(timeout))
        };
        self.open.insert(number, call);
    }

    /// Whom to ask next in this lap: the nearest, those that failed lately last, those whose breakers are open not at all.
    fn next(&self, call: &Call<K>, now: Us) -> Option<Site> {
        let lane = lane(&call.request);
        let length = |key| self.suspects.get(&key).filter(|(until, _)| now < *until).map_or(0, |(_, length)| *length);
        let left = self.schedulers.iter().filter(|site| !call.asked.contains(site) && length((None, **site)) < OPEN);
        left.copied().min_by_key(|site| length((None, *site)) > 0 || length((Some(lane), *site)) > 0)
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
                self.heard(wire.now, call.at);
                self.suspect(wire.now, Some(lane(&call.request)), call.at);
                least = RETRY_AFTER;
            }
            Ok(Answer::Http(response)) => {
                self.heard(wire.now, call.at);
                if matches!(response, Response::Granted(_, true)) {
                    self.suspect(wire.now, Some(Lane::Claim), call.at);
                }
                return Some((call.purpose, Some(response)));
            }
            Ok(Answer::Sql(..)) => unreachable!("a scheduler does not answer with rows"),
            Err(fail) => {
                self.answered_at.remove(&call.at);
                self.suspect(wire.now, None, call.at);
                // What is not the same when it is done twice is not sent again.
                if fail != Fail::Refused && once(&call.request) {
                    return Some((call.purpose, None));
                }
            }
        }
        let lap_over = self.next(&call, wire.now).is_none();
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

    fn heard(&mut self, now: Us, site: Site) {
        self.suspects.remove(&(None, site));
        self.answered_at.insert(site, now);
    }

    /// A scheduler did not answer, or its database did not. Calls that were under way together say it once.
    fn suspect(&mut self, now: Us, lane: Option<Lane>, site: Site) {
        let (until, length) = self.suspects.entry((lane, site)).or_insert((now, 0));
        if now >= *until {
            *length = if now - *until < KEPT { (*length * 2).clamp(SUSPECT, SUSPECT_MAX) } else { SUSPECT };
            *until = now + *length;
        }
    }

    /// Gives calls up: nobody waits for them any more, and their connections are closed. Returns what they were for.
    pub(super) fn give_up(&mut self, wire: &mut Wire, wanted: impl Fn(&K) -> bool) -> Vec<K> {
        let mut given_up = Vec::new();
        for (number, call) in self.open.extract_if(.., |_, call| wanted(&call.purpose)) {
            wire.ask(self.node, Node::Scheduler(call.at), None, Ask::Http(Request::GoneAway(number)), CONNECT);
            given_up.push(call.purpose);
        }
        given_up.extend(self.resting.extract_if(.., |_, call| wanted(&call.purpose)).map(|(_, call)| call.purpose));
        given_up
    }

    /// How many calls of a kind are under way.
    pub(super) fn count(&self, wanted: impl Fn(&K) -> bool) -> usize {
        self.open.values().chain(self.resting.values()).filter(|call| wanted(&call.purpose)).count()
    }
}
