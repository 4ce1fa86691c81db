//! What holders and heartbeats write about leases.

use scheduler_core::lifecycle::{Command, MissionState, Proof};
use topology::SessionId;

use super::Database;
use crate::drill::PlantedBug;
use crate::sim::message::{Lease, Outcome, Says, Word};
use crate::sim::setup::Mission;
use crate::sim::statement::{Fate, Rows};
use crate::sim::wire::Wire;

impl Database {
    /// Every lease of a session, with the number that its grant saw.
    pub(super) fn leases_of(&self, session: SessionId) -> Vec<(Lease, i64)> {
        let held = self.leased.get(&session).into_iter().flatten();
        held.map(|mission| {
            let row = &self.missions[mission];
            (Lease { mission: *mission, epoch: row.facts.epoch, session }, row.grant_seq)
        })
        .collect()
    }

    pub(super) fn fates(&self, missions: &[Mission]) -> Vec<Fate> {
        let rows = missions.iter().filter_map(|mission| Some((*mission, &self.missions.get(mission)?.facts)));
        rows.map(|(mission, facts)| Fate { mission, state: facts.state, epoch: facts.epoch, session: facts.session })
            .collect()
    }

    /// Puts back what a heartbeat, at least two after the grant, has not named.
    pub(super) fn release_unnamed(&mut self, wire: &mut Wire, leases: &[Lease], seq: i64) -> Rows {
        let mut moved = Vec::new();
        if self.has(PlantedBug::IgnoreUnnamedLease) {
            return Rows::Moved(moved);
        }
        for lease in leases {
            let is_due = self.missions.get(&lease.mission).is_some_and(|row| {
                let facts = &row.facts;
                facts.state == MissionState::Leased
                    && (facts.epoch, facts.session) == (lease.epoch, Some(lease.session))
                    && row.grant_seq + 2 <= seq
            });
            if is_due && self.apply(wire, lease.mission, &Command::Unnamed).is_ok() {
                moved.push((lease.mission, self.missions[&lease.mission].pool));
            }
        }
        Rows::Moved(moved)
    }

    /// What an agent says of a lease.
    pub(super) fn word(&mut self, wire: &mut Wire, word: Word) -> Rows {
        let Lease { mission, epoch, session } = word.lease;
        match word.says {
            Says::Complete(outcome) => Rows::Accepted(self.complete(wire, &word.lease, outcome)),
            Says::Release => Rows::Accepted(self.apply(wire, mission, &Command::Release { session, epoch }).is_ok()),
        }
    }

    fn complete(&mut self, wire: &mut Wire, lease: &Lease, outcome: Outcome) -> bool {
        let Some(held) = self.missions.get(&lease.mission).map(|row| row.facts.clone()) else { return false };
        // The bug leaves both out of the statement's WHERE: whoever speaks is taken for the holder.
        let (session, epoch) = if self.has(PlantedBug::CompleteWithoutEpochCheck) && held.state == MissionState::Leased
        {
            (held.session.unwrap_or(lease.session), held.epoch)
        } else {
            (lease.session, lease.epoch)
        };
        let digest = digest(outcome);
        let proof = Proof { session, epoch, digest: &digest };
        match self.apply(wire, lease.mission, &Command::Complete(proof)) {
            Ok(Some(_)) => {
                wire.witness.completed(wire.now, lease, &held, outcome);
                let lose = self.has(PlantedBug::LoseOutcome);
                let row = self.missions.get_mut(&lease.mission).expect("it was just written");
                if !lose {
                    (row.outcome, row.facts.digest) = (Some(outcome), Some(digest));
                }
                true
            }
            Ok(None) => true,
            Err(_) => false,
        }
    }
}

fn digest(outcome: Outcome) -> String {
    format!("{outcome:x}")
}
