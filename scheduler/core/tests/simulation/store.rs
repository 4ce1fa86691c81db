//! The database as a model: rows, and one function a statement. Each is atomic, and checks P2 as it writes.

use chrono::{DateTime, TimeDelta, Utc};
use scheduler_core::lifecycle::{
    Command, Holder, Landing, MissionFacts, MissionState, Proof, Refusal, Rest, Step, Transition, apply, submit,
};
use scheduler_core::placement::Unplaceable;
use topology::{Epoch, SessionId};
use uuid::Uuid;

pub(crate) const SLOTS: usize = 3;
pub(crate) const REGIONS: usize = 2;
const SESSION_TTL: TimeDelta = TimeDelta::seconds(5);
const RUN_LIMIT: TimeDelta = TimeDelta::seconds(60);

pub(crate) struct Store {
    pub(crate) now: DateTime<Utc>,
    pub(crate) missions: Vec<MissionRow>,
    pub(crate) sessions: Vec<SessionRow>,
    /// Regions that may take missions.
    pub(crate) open: [bool; REGIONS],
}

pub(crate) struct MissionRow {
    pub(crate) facts: MissionFacts,
    pub(crate) region: usize,
    /// Kills the agent that starts it.
    pub(crate) deadly: bool,
    grant_seq: i64,
    /// Every grant there ever was, and how often a completion was accepted: what P2 is about.
    grants: Vec<(SessionId, Epoch)>,
    accepted: Vec<(SessionId, Epoch)>,
}

pub(crate) struct SessionRow {
    pub(crate) id: SessionId,
    pub(crate) region: usize,
    pub(crate) ended: bool,
    seq: i64,
    heard_at: DateTime<Utc>,
}

/// A lease on its way to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) mission: usize,
    pub(crate) epoch: Epoch,
    pub(crate) seq: i64,
}

/// A heartbeat on its way to the store.
#[derive(Debug, Clone)]
pub(crate) struct Heartbeat {
    pub(crate) session: SessionId,
    pub(crate) seq: i64,
    pub(crate) holds: Vec<(usize, Epoch)>,
}

impl Store {
    pub(crate) fn new() -> Self {
        let now = DateTime::from_timestamp(1_000_000, 0).expect("a time");
        Self { now, missions: Vec::new(), sessions: Vec::new(), open: [true; REGIONS] }
    }

    pub(crate) fn register(&mut self, region: usize) -> SessionId {
        let id = SessionId(Uuid::from_u128(self.sessions.len() as u128 + 1));
        self.sessions.push(SessionRow { id, region, ended: false, seq: 0, heard_at: self.now });
        id
    }

    pub(crate) fn session(&self, id: SessionId) -> &SessionRow {
        self.sessions.iter().find(|session| session.id == id).expect("sessions are never deleted")
    }

    /// Where a mission may go: the wished region first.
    pub(crate) fn landing(&self, wished: usize) -> (Landing, usize) {
        match [wished, 1 - wished].into_iter().find(|region| self.open[*region]) {
            Some(region) => (Landing::Queued, region),
            None => (Landing::Pending(Unplaceable::NoHealthyPool), wished),
        }
    }

    pub(crate) fn submit(&mut self, wished: usize, deadly: bool) {
        let (landing, region) = self.landing(wished);
        let first = submit(landing);
        let facts = MissionFacts {
            state: first.to,
            epoch: first.epoch,
            attempts: 0,
            crashes: 0,
            moves: 0,
            max_attempts: 3,
            max_crashes: 4,
            session: None,
            digest: None,
            not_before: DateTime::UNIX_EPOCH,
            start_by: None,
            run_until: None,
            reason: first.reason,
        };
        let (grants, accepted) = (Vec::new(), Vec::new());
        self.missions.push(MissionRow { facts, region, deadly, grant_seq: 0, grants, accepted });
    }

    /// One claim: grants what the session has slots for, by the store's own count.
    pub(crate) fn claim(&mut self, session: SessionId) -> Vec<Grant> {
        let (ended, region, seq) = {
            let row = self.session(session);
            (row.ended, row.region, row.seq)
        };
        if ended {
            return Vec::new();
        }
        let mut grants = Vec::new();
        for mission in 0..self.missions.len() {
            let held = self.held_by(session);
            let alone = held.iter().any(|held| self.missions[*held].facts.alone());
            if held.len() >= SLOTS || alone || self.missions[mission].region != region {
                continue;
            }
            let command = Command::Grant { session, holds_nothing: held.is_empty() };
            if self.change(mission, &command).is_ok() {
                let now = self.now;
                let row = &mut self.missions[mission];
                row.grant_seq = seq;
                row.facts.run_until = Some(now + RUN_LIMIT);
                row.grants.push((session, row.facts.epoch));
                grants.push(Grant { mission, epoch: row.facts.epoch, seq });
            }
        }
        grants
    }

    fn held_by(&self, session: SessionId) -> Vec<usize> {
        let holds = |row: &MissionRow| row.facts.state == MissionState::Leased && row.facts.session == Some(session);
        (0..self.missions.len()).filter(|mission| holds(&self.missions[*mission])).collect()
    }

    /// Renews a session; what it did not name although it could have is taken back. Returns what was taken back, or
    /// nothing where the session has ended.
    pub(crate) fn heartbeat(&mut self, heartbeat: &Heartbeat) -> Option<Vec<(usize, Epoch)>> {
        let now = self.now;
        let session = self.sessions.iter_mut().find(|session| session.id == heartbeat.session)?;
        if session.ended {
            return None;
        }
        if heartbeat.seq <= session.seq {
            return Some(Vec::new());
        }
        (session.seq, session.heard_at) = (heartbeat.seq, now);
        let mut taken = Vec::new();
        for mission in self.held_by(heartbeat.session) {
            let row = &self.missions[mission];
            let name = (mission, row.facts.epoch);
            if row.grant_seq <= heartbeat.seq - 2 && !heartbeat.holds.contains(&name) {
                self.change(mission, &Command::Unnamed).expect("a leased mission can be taken back");
                taken.push(name);
            }
        }
        Some(taken)
    }

    pub(crate) fn complete(&mut self, mission: usize, proof: Proof<'_>) -> Result<(), Refusal> {
        let held = self.missions[mission].facts.clone();
        let step = self.run(mission, &Command::Complete(proof))?;
        let row = &mut self.missions[mission];
        match step {
            Step::Change(_) => {
                let speaker = (proof.session, proof.epoch);
                assert_eq!(row.grants.last(), Some(&speaker), "P2: completed by who did not hold the last grant");
                assert_eq!(held.state, MissionState::Leased, "P2: completed without a lease");
                row.accepted.push(speaker);
                row.facts.digest = Some(proof.digest.to_owned());
                assert_eq!(row.accepted.len(), 1, "P2: completed twice");
            }
            Step::Repeated => {
                assert_eq!(row.accepted, [(proof.session, proof.epoch)], "P2: repeated by another");
                assert_eq!(row.facts.digest.as_deref(), Some(proof.digest), "P2: repeated with another result");
            }
        }
        Ok(())
    }

    pub(crate) fn fail(&mut self, mission: usize, proof: Proof<'_>) -> Result<(), Refusal> {
        self.run(mission, &Command::Fail { proof, retryable: true })?;
        let row = &mut self.missions[mission];
        if row.facts.state.is_finished() {
            row.facts.digest = Some(proof.digest.to_owned());
        }
        Ok(())
    }

    pub(crate) fn release(&mut self, mission: usize, session: SessionId, epoch: Epoch) {
        let _refused = self.change(mission, &Command::Release { session, epoch });
    }

    /// A statement that was planned on what was read before: it re-checks state and epoch.
    pub(crate) fn compare_and_set(
        &mut self,
        mission: usize,
        seen: (MissionState, Epoch),
        command: &Command<'_>,
        region: usize,
    ) {
        let facts = &self.missions[mission].facts;
        if (facts.state, facts.epoch) != seen {
            return;
        }
        if matches!(command, Command::SessionExpired { .. }) {
            let ended = facts.session.is_some_and(|holder| self.session(holder).ended);
            assert!(ended, "P2: a stale plan takes the lease of a live session");
        }
        if self.change(mission, command).is_ok() {
            self.missions[mission].region = region;
        }
    }

    /// Ends a silent session, if it is still silent.
    pub(crate) fn expire(&mut self, session: SessionId) {
        let deadline = self.now - SESSION_TTL;
        let row = self.sessions.iter_mut().find(|row| row.id == session).expect("sessions are never deleted");
        row.ended |= row.heard_at < deadline;
    }

    pub(crate) fn end(&mut self, session: SessionId) {
        let row = self.sessions.iter_mut().find(|row| row.id == session).expect("sessions are never deleted");
        row.ended = true;
    }

    pub(crate) fn change(&mut self, mission: usize, command: &Command<'_>) -> Result<Transition, Refusal> {
        match self.run(mission, command)? {
            Step::Change(transition) => Ok(transition),
            Step::Repeated => unreachable!("only completions and failures are repeated"),
        }
    }

    fn run(&mut self, mission: usize, command: &Command<'_>) -> Result<Step, Refusal> {
        let row = &mut self.missions[mission];
        let step = apply(&row.facts, command, self.now)?;
        if let Step::Change(next) = &step {
            assert!(next.epoch >= row.facts.epoch, "P2: an epoch fell");
            let facts = &mut row.facts;
            (facts.state, facts.epoch, facts.reason) = (next.to, next.epoch, next.reason);
            (facts.attempts, facts.crashes, facts.moves) = (next.attempts, next.crashes, next.moves);
            match next.rest {
                Rest::Keep => {}
                Rest::AtOnce => facts.not_before = DateTime::UNIX_EPOCH,
                Rest::Until(at) => facts.not_before = at,
            }
            match next.holder {
                Holder::Keep => {}
                Holder::Set(session) => facts.session = Some(session),
                Holder::Clear => facts.session = None,
            }
            if facts.state != MissionState::Leased {
                facts.run_until = None;
            }
        }
        Ok(step)
    }

    /// P1: what was acknowledged has ended, each in one way.
    pub(crate) fn all_ended(&self) {
        for (mission, row) in self.missions.iter().enumerate() {
            assert!(row.facts.state.is_finished(), "P1: mission {mission} is stuck: {:?}", row.facts);
            let won = row.facts.state == MissionState::Succeeded;
            assert_eq!(row.accepted.len(), usize::from(won), "P2: mission {mission} ended {:?}", row.facts);
        }
    }
}
