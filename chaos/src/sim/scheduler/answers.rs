//! What a scheduler does with a request, statement by statement, until it answers.

use std::collections::{BTreeMap, BTreeSet};

use scheduler_client::wire::{HeartbeatAnswer, LeaseName};
use scheduler_core::lifecycle::MissionState;
use scheduler_core::queue::rank;
use topology::SessionId;

use super::Scheduler;
use super::sql::{Failed, Purpose};
use crate::sim::message::{Lease, Parcel, Request, Response, Submit};
use crate::sim::setup::{Pool, mission_id, mission_number};
use crate::sim::statement::{Fate, NewMission, Pulse, Rows, Statement};
use crate::sim::time::{SECOND, Us, date, us};
use crate::sim::wire::Wire;

/// Longest wait for a statement of a request, over all gateways.
const PATIENCE: Us = 2 * SECOND;

/// What an answer waits for.
#[derive(Debug, Clone)]
pub(super) enum Answering {
    /// A mission is stored; where it would wait.
    Submitted(Option<Pool>),
    Registered,
    /// A heartbeat is renewed, then its leases are read, then what it does not name is put back, then the fates of what
    /// it names in vain are read.
    Renewed(Beat),
    Leases(Beat),
    Unnamed(Beat),
    Fates(Beat),
    /// The session has heard nothing for too long: that is said where the database is heard.
    Unheard,
    Word,
}

/// A heartbeat that is being answered.
#[derive(Debug, Clone)]
pub(super) struct Beat {
    session: SessionId,
    seq: i64,
    holds: BTreeSet<LeaseName>,
    /// Named, not held.
    gone: Vec<LeaseName>,
}

impl Scheduler {
    pub(super) fn asked(&mut self, wire: &mut Wire, asked: Parcel, request: Request) {
        match request {
            Request::Submit(submit) => self.submit(wire, asked, submit),
            Request::Register { session, site } => {
                let statement = Statement::SessionRegister { id: session, site };
                self.run_to_answer(wire, statement, asked, Answering::Registered);
            }
            Request::Heartbeat { session, seq, heard, .. } if self.is_deaf(seq, heard) => {
                self.run_to_answer(wire, Statement::Leases { session }, asked, Answering::Unheard);
            }
            Request::Heartbeat { session, seq, holds, .. } => {
                let beat = Beat { session, seq, holds: holds.into_iter().collect(), gone: Vec::new() };
                let statement = Statement::HeartbeatRenew { session, seq };
                self.run_to_answer(wire, statement, asked, Answering::Renewed(beat));
            }
            Request::Claim { session, site, free, wait } => self.claim(wire, asked, session, site, &free, wait),
            Request::Word(word) => self.run_to_answer(wire, Statement::Word(word), asked, Answering::Word),
            Request::GoneAway(call) => self.abandon(wire, call),
            Request::Hint(pool) => self.wake(wire, pool),
        }
    }

    /// Whether a session has heard of no renewal for as many heartbeats as it lives.
    fn is_deaf(&self, seq: i64, heard: i64) -> bool {
        (seq - heard) * us(self.setup.clocks.heartbeat) >= us(self.setup.clocks.session_ttl)
    }

    fn run_to_answer(&mut self, wire: &mut Wire, statement: Statement, asked: Parcel, answering: Answering) {
        self.errands.run(wire, statement, PATIENCE, Purpose::Answer(asked, answering));
    }

    /// Places on the view in memory, then stores.
    fn submit(&mut self, wire: &mut Wire, asked: Parcel, submit: Submit) {
        let nonce = wire.rng.next().cast_signed();
        let placed = self.view.place(&self.setup, &submit, submit.rule, nonce);
        if let Some(pool) = placed.pool {
            self.view.bump(&self.setup, pool);
        }
        let clock = date(self.view.clock(wire.now));
        let mission = NewMission {
            id: wire.fresh(),
            asked: submit,
            landing: placed.landing,
            pool: placed.pool,
            home: placed.home,
            rank: rank(clock, submit.priority, self.setup.clocks.aging),
            nonce,
        };
        let answering = Answering::Submitted(placed.pool);
        self.run_to_answer(wire, Statement::Submit { mission }, asked, answering);
    }

    pub(super) fn answer(&mut self, wire: &mut Wire, asked: Parcel, answering: Answering, rows: Result<Rows, Failed>) {
        match (answering, rows) {
            (Answering::Submitted(pool), Ok(Rows::Stored(mission))) => {
                Self::respond(wire, &asked, Response::Submitted(mission));
                if let Some(pool) = pool {
                    self.queued(wire, pool);
                }
            }
            (Answering::Registered, Ok(_)) => Self::respond(wire, &asked, Response::Registered),
            (Answering::Renewed(beat), Ok(Rows::Renewed(pulse))) => self.renewed(wire, asked, beat, pulse),
            (Answering::Leases(beat), Ok(Rows::Leases(held))) => self.audit(wire, asked, beat, &held),
            (Answering::Unnamed(beat), Ok(Rows::Moved(moved))) => {
                for pool in moved.into_iter().filter_map(|(_, pool)| pool) {
                    self.queued(wire, pool);
                }
                self.read_fates(wire, asked, beat);
            }
            (Answering::Fates(beat), Ok(Rows::Fates(fates))) => self.tell(wire, &asked, &beat, &fates),
            // From here on the session is renewed; what could not be read is told by the next heartbeat.
            (Answering::Leases(beat) | Answering::Unnamed(beat) | Answering::Fates(beat), _) => {
                self.tell(wire, &asked, &Beat { gone: Vec::new(), ..beat }, &[]);
            }
            (Answering::Unheard, Ok(_)) => Self::respond(wire, &asked, Response::Unheard),
            (Answering::Word, Ok(Rows::Accepted(true))) => Self::respond(wire, &asked, Response::Accepted),
            (Answering::Word, Ok(Rows::Accepted(false))) => Self::respond(wire, &asked, Response::LeaseLost),
            (
                Answering::Submitted(_)
                | Answering::Registered
                | Answering::Renewed(_)
                | Answering::Unheard
                | Answering::Word,
                _,
            ) => Self::respond(wire, &asked, Response::Unavailable),
        }
    }

    fn renewed(&mut self, wire: &mut Wire, asked: Parcel, beat: Beat, pulse: Pulse) {
        match pulse {
            Pulse::Live => {
                let statement = Statement::Leases { session: beat.session };
                self.run_to_answer(wire, statement, asked, Answering::Leases(beat));
            }
            Pulse::Ended => Self::respond(wire, &asked, Response::SessionEnded),
            Pulse::Stale => Self::respond(wire, &asked, Response::Unavailable),
        }
    }

    /// What a heartbeat names against what its session holds.
    fn audit(&mut self, wire: &mut Wire, asked: Parcel, mut beat: Beat, held: &[(Lease, i64)]) {
        let name = |lease: &Lease| LeaseName { mission: mission_id(lease.mission), epoch: lease.epoch };
        let names: BTreeSet<LeaseName> = held.iter().map(|(lease, _)| name(lease)).collect();
        beat.gone = beat.holds.difference(&names).copied().collect();
        let unnamed = held.iter().filter(|(lease, seq)| !beat.holds.contains(&name(lease)) && seq + 2 <= beat.seq);
        let leases: Vec<Lease> = unnamed.map(|(lease, _)| *lease).collect();
        if leases.is_empty() {
            return self.read_fates(wire, asked, beat);
        }
        let statement = Statement::Unnamed { leases, seq: beat.seq };
        self.run_to_answer(wire, statement, asked, Answering::Unnamed(beat));
    }

    fn read_fates(&mut self, wire: &mut Wire, asked: Parcel, beat: Beat) {
        if beat.gone.is_empty() {
            return self.tell(wire, &asked, &beat, &[]);
        }
        let missions = beat.gone.iter().map(|name| mission_number(name.mission)).collect();
        self.run_to_answer(wire, Statement::Fates { missions }, asked, Answering::Fates(beat));
    }

    /// Tells which of the named leases are lost or cancelled. What ended by this session's own word is neither, and so
    /// is a lease that was granted while the heartbeat was under way.
    fn tell(&self, wire: &mut Wire, asked: &Parcel, beat: &Beat, fates: &[Fate]) {
        let (mut lost, mut cancelled) = (Vec::new(), Vec::new());
        for name in &beat.gone {
            match fates.iter().find(|fate| fate.mission == mission_number(name.mission)) {
                Some(fate) if fate.session == Some(beat.session) && fate.epoch == name.epoch => {}
                Some(fate) if fate.state == MissionState::Cancelled && fate.epoch == name.epoch.next() => {
                    cancelled.push(*name);
                }
                Some(_) | None => lost.push(*name),
            }
        }
        let row = self.view.regions.get(crate::sim::message::Node::site_of(asked.from));
        let drain_until = row.and_then(|row| row.drain_until).map(date);
        let wished = BTreeMap::new();
        let answer = HeartbeatAnswer { seq: beat.seq, lost, cancelled, wished, drain_until };
        Self::respond(wire, asked, Response::Beat(answer));
    }
}
