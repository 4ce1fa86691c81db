//! A region-agent: the real book and the real lease of `region-agent`, around runs that only take time.

mod runs;

use std::collections::BTreeMap;
use std::sync::Arc;

use region_agent::book::{Book, Slots, Verdict};
use region_agent::clock::Boot;
use region_agent::lease::{Lease as Held, Terms};
use scheduler_client::wire::{Grant, HeartbeatAnswer, LeaseName};
use topology::SessionId;
use uuid::Uuid;

use self::runs::Run;
use super::alarm::Alarm;
use super::caller::{Caller, Limits};
use super::message::{Body, Lease, Node, Parcel, Request, Response, Says, Word};
use super::setup::{Setup, Site, mission_number};
use super::time::{MS, SECOND, Us, us};
use super::wire::Wire;

/// Longest wait of one claim; a random tenth less keeps agents apart.
const WAIT_MS: i64 = 10_000;

/// Most claims of a session at a time.
const OPEN_MAX: usize = 4;

/// Longest wait for a change that nobody announces.
const LOOK: Us = 500 * MS;

/// How long a hand-back is tried.
const HAND_BACK: Limits = Limits { attempt: 3 * SECOND, overall: 3 * SECOND, tries: 12 };

/// Results that are kept until they are accepted or refused, by number. They outlive the process.
pub(super) type Spool = BTreeMap<u64, Word>;

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Register(SessionId, Us),
    Beat(Us, i64),
    Claim(u64),
    Result(u64),
    HandBack(LeaseName),
}

/// One process.
pub(super) struct Agent {
    setup: Arc<Setup>,
    node: Node,
    pub(super) site: Site,
    caller: Caller<Purpose>,
    terms: Terms,
    /// The live session, where there is one.
    pub(super) session: Option<SessionId>,
    book: Book,
    held: Option<Held>,
    runs: BTreeMap<LeaseName, Run>,
    pub(super) spool: Spool,
    /// The number of the newest heartbeat timer, and heartbeats unanswered since the last answered one.
    beat: u64,
    unanswered: u32,
}

impl Agent {
    /// Starts a process, with what an earlier one left in the spool.
    pub(super) fn start(setup: &Arc<Setup>, number: usize, spool: Spool, wire: &mut Wire) -> Self {
        let (node, site) = (Node::Agent(number), Node::agent_site(number));
        let clocks = &setup.clocks;
        let mut agent = Self {
            caller: Caller::new(node, setup.nearest[site].clone()),
            terms: Terms { ttl: clocks.session_ttl, heartbeat: clocks.heartbeat, margin: clocks.margin },
            session: None,
            book: Book::default(),
            held: None,
            runs: BTreeMap::new(),
            spool,
            beat: 0,
            unanswered: 0,
            setup: Arc::clone(setup),
            node,
            site,
        };
        let left: Vec<u64> = agent.spool.keys().copied().collect();
        for result in left {
            agent.deliver(wire, result);
        }
        agent.beat_after(wire, 0);
        wire.alarm(node, LOOK, Alarm::Claim);
        agent
    }

    pub(super) fn on_alarm(&mut self, wire: &mut Wire, alarm: Alarm) {
        match alarm {
            Alarm::Beat(number) if number != self.beat => {}
            Alarm::Beat(_) if self.session.is_none() => self.register(wire),
            Alarm::Beat(_) => self.send_beat(wire),
            Alarm::Fence => self.look_at_lease(wire),
            Alarm::Claim => {
                wire.alarm(self.node, LOOK, Alarm::Claim);
                self.claim(wire);
            }
            Alarm::RunOver(name, number) => self.run_over(wire, name, number),
            Alarm::Retry(number) => self.retry(wire, number),
            Alarm::Tick(_) | Alarm::Look(..) | Alarm::PollOver(_) | Alarm::Hints | Alarm::Again(_) | Alarm::Submit => {
                unreachable!("agents set no such timer")
            }
        }
    }

    /// Either a call's pause is over or a result waits no more.
    fn retry(&mut self, wire: &mut Wire, number: u64) {
        if self.spool.contains_key(&number) {
            self.deliver(wire, number);
        } else {
            self.caller.again(wire, number);
        }
    }

    pub(super) fn on_parcel(&mut self, wire: &mut Wire, parcel: Parcel) {
        let Body::Answer(answer) = parcel.body else { unreachable!("nobody asks an agent") };
        let Some((purpose, response)) = self.caller.answered(wire, parcel.call, answer) else { return };
        match purpose {
            Purpose::Register(session, sent) => self.registered(wire, session, sent, response.is_some()),
            Purpose::Beat(sent, seq) => {
                if matches!(response, Some(Response::Beat(_) | Response::Unheard)) {
                    self.book.heard(seq);
                }
                self.beaten(wire, sent, response);
            }
            Purpose::Claim(number) => {
                self.book.claim_closed(number);
                if let Some(Response::Granted(grants, _)) = response {
                    self.take(wire, &grants);
                    self.claim(wire);
                }
            }
            Purpose::Result(result) => self.delivered(wire, result, response.is_some()),
            Purpose::HandBack(name) => self.book.settled(name),
        }
    }

    fn beat_after(&mut self, wire: &mut Wire, after: Us) {
        self.beat = wire.fresh();
        wire.alarm(self.node, after, Alarm::Beat(self.beat));
    }

    fn register(&mut self, wire: &mut Wire) {
        let session = SessionId(Uuid::from_u128(wire.fresh().into()));
        let request = Request::Register { session, site: self.site };
        self.caller.call(wire, request, Limits::DEFAULT, Purpose::Register(session, wire.now));
    }

    fn registered(&mut self, wire: &mut Wire, session: SessionId, sent: Us, answered: bool) {
        if !answered {
            return self.beat_after(wire, SECOND / 2);
        }
        let slots: Slots = self.setup.kinds.iter().map(|kind| (kind.clone(), self.setup.slots[self.site])).collect();
        (self.session, self.book, self.unanswered) = (Some(session), Book::new(slots), 0);
        self.renew(wire, sent);
        self.beat_after(wire, 0);
        self.claim(wire);
    }

    /// One heartbeat: it goes to the next scheduler where one hangs.
    fn send_beat(&mut self, wire: &mut Wire) {
        let Some(session) = self.session else { return };
        let beat = self.book.beat();
        let attempt = us(self.terms.ttl) / 4;
        let limits = Limits { attempt, overall: attempt * 2, tries: 3 };
        let heard = beat.heard.expect("a book says what it has heard");
        let request = Request::Heartbeat { session, seq: beat.seq, holds: beat.holds, heard };
        self.caller.call(wire, request, limits, Purpose::Beat(wire.now, beat.seq));
    }

    fn beaten(&mut self, wire: &mut Wire, sent: Us, response: Option<Response>) {
        match response {
            Some(Response::Beat(answer)) => {
                self.unanswered = 0;
                self.renew(wire, sent);
                self.obey(wire, &answer);
                let after = (sent + us(self.terms.heartbeat) - wire.now).max(0);
                self.beat_after(wire, after);
            }
            Some(Response::SessionEnded) => self.end_session(wire),
            Some(Response::Unheard) => self.beat_after(wire, 0),
            Some(_) | None => {
                let after = us(self.terms.again_after(self.unanswered));
                self.unanswered += 1;
                self.beat_after(wire, after);
                // Where a heartbeat hangs a claim may, too, and for much longer.
                self.give_up_claims(wire);
                self.claim(wire);
            }
        }
    }

    fn give_up_claims(&mut self, wire: &mut Wire) {
        for purpose in self.caller.give_up(wire, |purpose| matches!(purpose, Purpose::Claim(_))) {
            if let Purpose::Claim(number) = purpose {
                self.book.claim_closed(number);
            }
        }
    }

    /// Everything of the session is over but its results, which somebody still decides about.
    fn end_session(&mut self, wire: &mut Wire) {
        self.give_up_claims(wire);
        self.runs.clear();
        (self.session, self.held) = (None, None);
        self.beat_after(wire, 0);
    }

    fn obey(&mut self, wire: &mut Wire, answer: &HeartbeatAnswer) {
        for (name, _) in self.book.answered(answer) {
            self.runs.remove(&name);
        }
        if answer.drain_until.is_some_and(|until| super::time::date(wire.now) >= until) {
            for name in self.book.running() {
                self.runs.remove(&name);
                self.hand_back(wire, name);
            }
        }
    }

    /// Asks for all free slots, where more are free than the newest claim asks for.
    fn claim(&mut self, wire: &mut Wire) {
        let Some(session) = self.session else { return };
        while self.caller.count(|purpose| matches!(purpose, Purpose::Claim(_))) < OPEN_MAX {
            let wait_ms = WAIT_MS - wire.rng.between(0, WAIT_MS / 10);
            let Some(claim) = self.book.claim(wait_ms) else { return };
            let wait = wait_ms * MS;
            let limits = Limits {
                attempt: Limits::DEFAULT.attempt + wait,
                overall: Limits::DEFAULT.overall + wait,
                ..Limits::DEFAULT
            };
            let request = Request::Claim { session, site: self.site, free: claim.free, wait };
            self.caller.call(wire, request, limits, Purpose::Claim(self.book.claim_number()));
        }
    }

    /// Takes grants up, or hands back what must not be started.
    fn take(&mut self, wire: &mut Wire, grants: &[Grant]) {
        for grant in grants {
            let name = LeaseName { mission: grant.mission, epoch: grant.epoch };
            match self.book.admit(grant) {
                Verdict::Start => self.begin(wire, name),
                Verdict::Known => {}
                Verdict::HandBack(_) => self.hand_back(wire, name),
            }
        }
    }

    fn hand_back(&mut self, wire: &mut Wire, name: LeaseName) {
        let Some(session) = self.session else { return };
        let lease = Lease { mission: mission_number(name.mission), epoch: name.epoch, session };
        let word = Word { lease, says: Says::Release };
        self.caller.call(wire, Request::Word(word), HAND_BACK, Purpose::HandBack(name));
    }

    /// Sends a result that is kept, for as long as one call goes.
    fn deliver(&mut self, wire: &mut Wire, result: u64) {
        let Some(word) = self.spool.get(&result) else { return };
        self.caller.call(wire, Request::Word(*word), Limits::DEFAULT, Purpose::Result(result));
    }

    /// A result was accepted or refused, or nobody could decide: then it is sent again.
    fn delivered(&mut self, wire: &mut Wire, result: u64, decided: bool) {
        if !decided {
            return wire.alarm(self.node, SECOND, Alarm::Retry(result));
        }
        if let Some(word) = self.spool.remove(&result)
            && self.session == Some(word.lease.session)
        {
            self.book.settled(runs::name(&word.lease));
            self.claim(wire);
        }
    }

    const fn boot(now: Us) -> Boot {
        Boot(now.unsigned_abs() * 1_000)
    }

    /// Whether runs may do anything now.
    pub(super) fn may_work(&self, now: Us) -> bool {
        self.held.is_some_and(|held| !held.is_fenced(Self::boot(now)))
    }

    /// Whether the session works on a lease or has finished it.
    pub(super) fn names(&self, lease: &Lease) -> bool {
        self.session == Some(lease.session) && self.book.holds(runs::name(lease))
    }
}
