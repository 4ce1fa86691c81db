//! Submit, claim and retry: how missions come to be queued, and leave a queue.

use std::collections::BTreeMap;

use chrono::DateTime;
use scheduler_core::lifecycle::{Command, MissionFacts, submit};
use topology::SessionId;

use super::{Database, MissionRow};
use crate::drill::PlantedBug;
use crate::sim::message::Lease;
use crate::sim::setup::{Mission, Pool};
use crate::sim::statement::{Granted, NewMission, Rows};
use crate::sim::time::{Us, date};
use crate::sim::wire::Wire;

/// With the bug, one submit in so many is answered and stored nowhere.
const DROPPED_EVERY: u64 = 50;

impl Database {
    /// Stores a mission with its key; a key that is there already answers with its mission.
    pub(super) fn mission_submit(&mut self, wire: &mut Wire, new: NewMission) -> Rows {
        if let Some(mission) = self.keys.get(&new.asked.key) {
            return Rows::Stored(*mission);
        }
        if self.has(PlantedBug::DropAcknowledgement) && new.id.is_multiple_of(DROPPED_EVERY) {
            return Rows::Stored(new.id);
        }
        self.keys.insert(new.asked.key, new.id);
        let row = row(&new, wire.now, self.setup.clocks.max_attempts, self.setup.clocks.max_crashes);
        let site = new.pool.map(|pool| self.setup.site_of(pool));
        wire.witness.stored(wire.now, new.id, new.asked.rule, site);
        let state = row.facts.state;
        wire.trace.note(wire.now, [new.id, state as u64, new.asked.key], || {
            format!("mission {} of key {} stored {state}", new.id, new.asked.key)
        });
        self.index(new.id, &row);
        self.missions.insert(new.id, row);
        Rows::Stored(new.id)
    }

    /// Leases queued missions of a pool to the sessions that wait for it, each at most what it has free by the
    /// database's own count.
    pub(super) fn mission_claim(
        &mut self,
        wire: &mut Wire,
        pool: Pool,
        clock: Us,
        wishes: &[(SessionId, i64)],
        limit: usize,
    ) -> Rows {
        let slots: Vec<SessionId> = self.free_slots(pool, wishes);
        let ready = |row: &MissionRow| !row.facts.alone() && row.facts.not_before <= date(clock);
        let turns = self.queued[pool].iter().map(|(_, _, mission)| *mission);
        let chosen: Vec<Mission> =
            turns.filter(|mission| ready(&self.missions[mission])).take(limit.min(slots.len())).collect();
        let granted = chosen
            .into_iter()
            .zip(slots)
            .filter_map(|(mission, session)| self.grant(wire, mission, session, false))
            .collect();
        let alone = self.queued[pool].iter().any(|(_, _, mission)| self.missions[mission].facts.alone());
        Rows::Granted(granted, alone)
    }

    /// Leases a mission that has crashed its holders to the first session that holds nothing.
    pub(super) fn mission_claim_alone(
        &mut self,
        wire: &mut Wire,
        pool: Pool,
        clock: Us,
        sessions: &[SessionId],
    ) -> Rows {
        let ready = |row: &MissionRow| row.facts.alone() && row.facts.not_before <= date(clock);
        let mut turns = self.queued[pool].iter().map(|(_, _, mission)| *mission);
        let mission = turns.find(|mission| ready(&self.missions[mission]));
        let idle = |session: &SessionId| self.is_live(*session) && !self.leased.contains_key(session);
        let session = sessions.iter().copied().find(idle);
        let granted = mission.zip(session).and_then(|(mission, session)| self.grant(wire, mission, session, true));
        Rows::Granted(granted.into_iter().collect(), false)
    }

    /// The wished slots that are free, in turn.
    fn free_slots(&self, pool: Pool, wishes: &[(SessionId, i64)]) -> Vec<SessionId> {
        let mut free: BTreeMap<SessionId, i64> = BTreeMap::new();
        for (session, _) in wishes {
            free.entry(*session).or_insert_with(|| self.free_of(*session, pool));
        }
        wishes.iter().filter(|(session, nth)| *nth <= free[session]).map(|(session, _)| *session).collect()
    }

    fn free_of(&self, session: SessionId, pool: Pool) -> i64 {
        if !self.is_live(session) {
            return 0;
        }
        let held = self.leased.get(&session).into_iter().flatten().map(|mission| &self.missions[mission]);
        let (mut here, mut alone) = (0, false);
        for row in held {
            here += i64::from(row.pool == Some(pool));
            alone |= row.facts.alone();
        }
        if alone { 0 } else { self.setup.slots[self.setup.site_of(pool)] - here }
    }

    fn grant(&mut self, wire: &mut Wire, mission: Mission, session: SessionId, alone: bool) -> Option<Granted> {
        let seq = self.sessions.get(&session)?.seq;
        let next = self.apply(wire, mission, &Command::Grant { session, holds_nothing: alone }).ok().flatten()?;
        let row = self.missions.get_mut(&mission)?;
        row.grant_seq = seq;
        Some(Granted { lease: Lease { mission, epoch: next.epoch, session }, seq, alone })
    }
}

fn row(new: &NewMission, now: Us, max_attempts: u32, max_crashes: u32) -> MissionRow {
    let first = submit(new.landing);
    let small = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let facts = MissionFacts {
        state: first.to,
        epoch: first.epoch,
        attempts: first.attempts,
        crashes: first.crashes,
        moves: first.moves,
        max_attempts: small(max_attempts),
        max_crashes: small(max_crashes),
        session: None,
        digest: None,
        not_before: DateTime::UNIX_EPOCH,
        start_by: None,
        run_until: None,
        reason: first.reason,
    };
    MissionRow {
        facts,
        asked: new.asked,
        pool: new.pool,
        home: new.home,
        outcome: None,
        placed_at: now,
        leased_at: now,
        rank: new.rank,
        nonce: new.nonce,
        grant_seq: 0,
        submitted_at: now,
    }
}
