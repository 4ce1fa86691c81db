//! A history in memory, written the way its writers would: short words for hand-written ones and for the model.

use scheduler_client::wire::MissionState;
use topology::{Epoch, MissionId, SessionId};
use uuid::Uuid;

use crate::checker::{Checker, Part, Summary};
use crate::history::{Call, Effect, EffectKind, Event, Op, OpKind, Row};

/// All lines of a history.
#[derive(Debug, Clone, Default)]
pub(super) struct Books {
    pub(super) submits: Vec<Op>,
    pub(super) agents: Vec<Op>,
    pub(super) ledger: Vec<Effect>,
    pub(super) rows: Vec<Row>,
    pub(super) events: Vec<Event>,
    clock: i64,
    op: u64,
}

pub(super) fn id(mission: u128) -> MissionId {
    MissionId(Uuid::from_u128(mission))
}

/// Who is granted an epoch, unless a test says otherwise.
pub(super) fn holder(epoch: i64) -> SessionId {
    SessionId(Uuid::from_u128(0x5e55 << 64 | u128::try_from(epoch).unwrap()))
}

/// Digest of what a run under an epoch gives.
pub(super) fn outcome(epoch: i64) -> String {
    format!("outcome of {epoch}")
}

/// What an agent brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Complete,
    Fail,
}

impl Books {
    pub(super) const fn now(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }

    /// A submit that was acknowledged.
    pub(super) fn submitted(self, mission: u128) -> Self {
        self.asked(mission, &[], OpKind::Ok)
    }

    /// A submit that ended in some way; `Invoke` = it has no end.
    pub(super) fn asked(mut self, mission: u128, allowed: &[&str], end: OpKind) -> Self {
        self.submit(&format!("key-{mission}"), mission, allowed, end);
        self
    }

    pub(super) fn submit(&mut self, key: &str, mission: u128, allowed: &[&str], end: OpKind) {
        self.op += 1;
        let call = |mission| Call::Submit {
            key: key.to_owned(),
            mission,
            priority: 5,
            residency: (!allowed.is_empty()).then(|| "rule".to_owned()),
            allowed: allowed.iter().map(|region| (*region).to_owned()).collect(),
        };
        let invoke = Op { at_us: self.now(), op: self.op, kind: OpKind::Invoke, call: call(None), error: None };
        self.submits.push(invoke);
        if end != OpKind::Invoke {
            let mission = (end == OpKind::Ok).then(|| id(mission));
            let op = Op { at_us: self.now(), op: self.op, kind: end, call: call(mission), error: None };
            self.submits.push(op);
        }
    }

    /// A run that began, and what it did next, in `us-west`.
    pub(super) fn ran(mut self, mission: u128, epoch: i64, then: &[EffectKind]) -> Self {
        self.effect(mission, epoch, EffectKind::Start, "us-west");
        for event in then {
            self.effect(mission, epoch, *event, "us-west");
        }
        self
    }

    pub(super) fn effect(&mut self, mission: u128, epoch: i64, event: EffectKind, region: &str) {
        let ok = (event == EffectKind::End).then_some(true);
        let (at_us, mission, session) = (self.now(), id(mission), holder(epoch));
        let region = region.to_owned();
        self.ledger.push(Effect { at_us, event, mission, epoch: Epoch(epoch), session, region, ok });
    }

    /// A result that was brought and answered; `Invoke` = never answered.
    pub(super) fn brought(mut self, word: Word, mission: u128, epoch: i64, end: OpKind) -> Self {
        self.bring(word, mission, epoch, end);
        self
    }

    pub(super) fn bring(&mut self, word: Word, mission: u128, epoch: i64, end: OpKind) {
        self.op += 1;
        let (mission, session) = (id(mission), holder(epoch));
        let call = match word {
            Word::Complete => Call::Complete { mission, epoch: Epoch(epoch), session, outcome: outcome(epoch) },
            Word::Fail => Call::Fail { mission, epoch: Epoch(epoch), session },
        };
        let invoke = Op { at_us: self.now(), op: self.op, kind: OpKind::Invoke, call: call.clone(), error: None };
        self.agents.push(invoke);
        if end != OpKind::Invoke {
            let op = Op { at_us: self.now(), op: self.op, kind: end, call, error: None };
            self.agents.push(op);
        }
    }

    /// The row of a mission that may run anywhere, with the key of its submit.
    pub(super) fn stored(mut self, mission: u128, state: MissionState, epoch: i64) -> Self {
        self.row(mission, state, epoch, &[]);
        self
    }

    pub(super) fn row(&mut self, mission: u128, state: MissionState, epoch: i64, allowed: &[&str]) {
        let won = state == MissionState::Succeeded;
        let holds = won || state == MissionState::Leased;
        self.rows.push(Row {
            mission: id(mission),
            key: Some(format!("key-{mission}")),
            state,
            epoch: Epoch(epoch),
            session: holds.then(|| holder(epoch)),
            region: (state != MissionState::Pending).then(|| "us-west".to_owned()),
            home: "us-west-2".to_owned(),
            residency: (!allowed.is_empty()).then(|| "rule".to_owned()),
            allowed: allowed.iter().map(|region| (*region).to_owned()).collect(),
            reason: None,
            priority: 5,
            outcome: won.then(|| outcome(epoch)),
            submitted_at_us: 0,
            leased_at_us: None,
            finished_at_us: None,
            attempts: 0,
            crashes: 0,
            moves: 0,
        });
    }

    /// A transition off the straight path, to an epoch, by a scheduler.
    pub(super) fn moved(mut self, mission: u128, from: MissionState, to: MissionState, epoch: i64) -> Self {
        self.event(mission, from, to, epoch, "scheduler:1");
        self
    }

    pub(super) fn event(&mut self, mission: u128, from: MissionState, to: MissionState, epoch: i64, actor: &str) {
        // A holder that said it had failed for good keeps its epoch; all others are one behind.
        let held = if to == MissionState::Failed { epoch } else { epoch - 1 };
        let at_us = self.now();
        self.events.push(Event {
            mission: id(mission),
            at_us,
            from: Some(from),
            to,
            epoch: Epoch(epoch),
            session: (from == MissionState::Leased).then(|| holder(held)),
            actor: actor.to_owned(),
            reason: Some("region_lost".to_owned()),
            region: (to == MissionState::Queued).then(|| "us-west".to_owned()),
        });
    }

    pub(super) fn check(&self) -> Summary {
        self.check_part(Part::WHOLE)
    }

    pub(super) fn check_part(&self, part: Part) -> Summary {
        let mut checker = Checker::new(part);
        self.submits.iter().for_each(|op| checker.op(0, op));
        self.agents.iter().for_each(|op| checker.op(1, op));
        self.ledger.iter().for_each(|effect| checker.effect(effect));
        self.rows.iter().for_each(|row| checker.row(row));
        self.events.iter().for_each(|event| checker.event(event));
        checker.finish()
    }
}
