//! The checker: takes the lines of a history in, in any order but for the ledger's own, and judges at the end.

use std::collections::HashMap;

use topology::MissionId;

use super::epochs::Moved;
use super::judge::Case;
use super::key::Key;
use super::mission::{Ended, Mission, Told};
use super::names::{Allowed, Mark, Names};
use super::{AnomalyKind, Summary};
use crate::history::{Call, Effect, Event, Op, OpKind, Row};

/// A part of a history's missions and keys. Parts share nothing, so each can be judged with the memory that it needs
/// alone; their summaries add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    number: u64,
    of: u64,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// All parts of so many, at least one.
    pub fn all(of: u64) -> impl Iterator<Item = Self> {
        let of = of.max(1);
        (0..of).map(move |number| Self { number, of })
    }

    const fn has_mission(self, mission: MissionId) -> bool {
        let (high, low) = mission.0.as_u64_pair();
        // Also ids that are counted up, as in simulations, are to be spread: the middle bits of a product are.
        let mixed = (high ^ low.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 24) % self.of == self.number
    }

    const fn has_key(self, key: Mark) -> bool {
        key.part(self.of) == self.number
    }
}

/// Judges one part of a history. Pure: it reads no file and no clock.
#[derive(Debug)]
pub struct Checker {
    part: Part,
    /// Whether agents and runners wrote down what they did.
    watched: bool,
    names: Names,
    missions: HashMap<MissionId, Box<Mission>>,
    keys: HashMap<Mark, Key>,
    /// Operations that have begun and not ended, by their file and number.
    under_way: HashMap<(usize, u64), UnderWay>,
    operations: u64,
}

/// What an operation without an end leaves open.
#[derive(Debug)]
enum UnderWay {
    Submit(Mark),
    Result(MissionId, Told),
}

impl Checker {
    /// A checker of one part, which leaves out the lines of others.
    #[must_use]
    pub fn new(part: Part) -> Self {
        Self {
            part,
            watched: true,
            names: Names::default(),
            missions: HashMap::new(),
            keys: HashMap::new(),
            under_way: HashMap::new(),
            operations: 0,
        }
    }

    /// A checker of one part of a history that agents and runners wrote nothing of: it does not judge what only they show.
    #[must_use]
    pub fn without_runners(part: Part) -> Self {
        Self { watched: false, ..Self::new(part) }
    }

    /// Takes a line of operations; `file` tells the files apart, in each of which a number stands for one operation.
    pub fn op(&mut self, file: usize, op: &Op) {
        let name = (file, op.op);
        match &op.call {
            Call::Submit { key, mission, allowed, .. } => {
                if let (OpKind::Ok, Some(mission)) = (op.kind, mission)
                    && self.part.has_mission(*mission)
                {
                    let allowed = self.names.allowed(allowed);
                    self.mission(*mission).acknowledge(allowed);
                }
                let key = Mark::of(key);
                if self.part.has_key(key) {
                    self.submit(name, op.kind, key, *mission);
                }
            }
            Call::Complete { mission, epoch, session, outcome } => {
                if self.part.has_mission(*mission) {
                    let session = self.names.session(*session);
                    let outcome = Some(Mark::of(outcome));
                    self.result(name, op.kind, *mission, Told { epoch: *epoch, session, outcome, accepted: false });
                }
            }
            Call::Fail { mission, epoch, session } => {
                if self.part.has_mission(*mission) {
                    let session = self.names.session(*session);
                    self.result(
                        name,
                        op.kind,
                        *mission,
                        Told { epoch: *epoch, session, outcome: None, accepted: false },
                    );
                }
            }
        }
    }

    fn submit(&mut self, name: (usize, u64), kind: OpKind, key: Mark, mission: Option<MissionId>) {
        let known = self.keys.entry(key).or_default();
        match (kind, mission) {
            (OpKind::Invoke, _) => {
                self.operations += 1;
                known.ask();
                self.under_way.insert(name, UnderWay::Submit(key));
            }
            (OpKind::Ok, Some(mission)) => {
                known.acknowledge(mission);
                self.under_way.remove(&name);
            }
            (OpKind::Fail, _) => {
                self.under_way.remove(&name);
            }
            // Without an end it is unknown what became of it.
            (OpKind::Info, _) | (OpKind::Ok, None) => {}
        }
    }

    fn result(&mut self, name: (usize, u64), kind: OpKind, mission: MissionId, told: Told) {
        match kind {
            OpKind::Invoke => {
                self.operations += 1;
                self.under_way.insert(name, UnderWay::Result(mission, told));
            }
            OpKind::Ok => {
                self.under_way.remove(&name);
                self.mission(mission).told(Told { accepted: true, ..told });
            }
            OpKind::Fail => {
                self.under_way.remove(&name);
            }
            OpKind::Info => {}
        }
    }

    /// Takes a line of the ledger; they come in its order.
    pub fn effect(&mut self, effect: &Effect) {
        if self.part.has_mission(effect.mission) {
            let session = self.names.session(effect.session);
            let region = self.names.region(&effect.region);
            self.mission(effect.mission).effect(effect, session, region);
        }
    }

    /// Takes a mission's row.
    pub fn row(&mut self, row: &Row) {
        let bound = row.residency.is_some();
        let key = row.key.as_deref().map(Mark::of);
        if let Some(key) = key.filter(|key| self.part.has_key(*key)) {
            self.keys.entry(key).or_default().row(row.mission, row.state, bound);
        }
        if self.part.has_mission(row.mission) {
            let ended = Ended {
                state: row.state,
                epoch: row.epoch,
                session: row.session.map(|session| self.names.session(session)),
                outcome: row.outcome.as_deref().map(Mark::of),
                region: row.region.as_deref().map(|region| self.names.region(region)),
                reason: row.reason.as_deref().map(|reason| self.names.reason(reason)),
                bound,
                allowed: if bound { self.names.allowed(&row.allowed) } else { Allowed::ANYWHERE },
            };
            self.mission(row.mission).row = Some(Box::new(ended));
        }
    }

    /// Takes a row of a mission's history in the database.
    pub fn event(&mut self, event: &Event) {
        if self.part.has_mission(event.mission) {
            // A session that ends hands back what it holds; its word on a mission is another one.
            let by_holder = event.actor.starts_with("session:") && event.reason.as_deref() != Some("session_ended");
            let moved = Moved {
                epoch: event.epoch,
                from: event.from,
                to: event.to,
                region: event.region.as_deref().map(|region| self.names.region(region)),
                holder: event.session.filter(|_| by_holder).map(|session| self.names.session(session)),
            };
            self.mission(event.mission).events.push(moved);
        }
    }

    fn mission(&mut self, id: MissionId) -> &mut Mission {
        self.missions.entry(id).or_default()
    }

    /// Judges everything that was taken in.
    #[must_use]
    pub fn finish(mut self) -> Summary {
        for open in std::mem::take(&mut self.under_way).into_values() {
            match open {
                UnderWay::Submit(key) => self.keys.entry(key).or_default().lose_answer(),
                UnderWay::Result(mission, told) => self.mission(mission).told(told),
            }
        }
        let mut summary = Summary { operations: self.operations, ..Summary::default() };
        if !self.watched {
            summary.unjudged.extend(AnomalyKind::BY_RUNNERS);
        }
        for (id, mission) in self.missions {
            Case::new(id, *mission, self.watched, &self.names, &mut summary).judge();
        }
        for key in self.keys.into_values() {
            key.judge(&mut summary);
        }
        summary
    }
}
