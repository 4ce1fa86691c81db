//! What the session holds and may ask for. Pure: no clock, no I/O; the caller locks it.
//!
//! - A: every heartbeat names everything that is held: running, and finished but not yet accepted.
//! - B: a grant whose number is two or more heartbeats old is void: those heartbeats did not name it, so the scheduler
//!   may have given it away.
//! - C: a mission that has crashed its holders runs alone: nothing beside it, and nothing is asked for meanwhile.
//! - D: the newest claim asks for all free slots; a new one is due as soon as more are free than it asks for.
//! - E: a draining session asks for nothing and starts nothing.
//! - F: every heartbeat says which one was the last to be answered, so that a session which is heard and hears nothing
//!   is not kept alive for runners that stand still.

use std::collections::BTreeMap;

use scheduler_client::wire::{Claim, Grant, Heartbeat, HeartbeatAnswer, LeaseName};
use topology::Specialization;

/// Slots by specialization.
pub type Slots = BTreeMap<Specialization, i64>;

/// What the session holds.
#[derive(Debug, Default)]
pub struct Book {
    seq: i64,
    /// The newest heartbeat that was answered.
    heard: i64,
    held: BTreeMap<LeaseName, Held>,
    slots: Slots,
    /// What the newest claim asks for, until it is answered.
    asked: Slots,
    claims: u64,
    draining: bool,
}

#[derive(Debug)]
struct Held {
    specialization: Specialization,
    alone: bool,
    finished: bool,
}

/// What to do with a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the book: run it.
    Start,
    /// It is held already: the answer came twice.
    Known,
    /// Hand it back unstarted, for this reason.
    HandBack(&'static str),
}

/// Why a runner is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// Somebody else has the mission now.
    Lost,
    /// The mission was called off.
    Cancelled,
    /// The session is over.
    SessionEnded,
    /// It is handed back, since the agent or the region drains.
    Drain,
}

impl Book {
    /// An empty book that offers these slots.
    #[must_use]
    pub fn new(slots: Slots) -> Self {
        Self { slots, ..Self::default() }
    }

    /// The next heartbeat (A, F).
    pub fn beat(&mut self) -> Heartbeat {
        self.seq += 1;
        let holds = self.held.keys().copied().collect();
        Heartbeat { seq: self.seq, holds, draining: self.draining, heard: Some(self.heard) }
    }

    /// A scheduler that hears the database answered a heartbeat (F). Others do not count: in a region that is heard and
    /// hears nothing there may be schedulers, too.
    pub fn heard(&mut self, seq: i64) {
        self.heard = self.heard.max(seq);
    }

    /// Takes a grant up, or says why not (B, C, E).
    pub fn admit(&mut self, grant: &Grant) -> Verdict {
        let name = LeaseName { mission: grant.mission, epoch: grant.epoch };
        if self.held.contains_key(&name) {
            return Verdict::Known;
        }
        if self.seq >= grant.seq + 2 {
            return Verdict::HandBack("grant_void");
        }
        if self.draining {
            return Verdict::HandBack("drain");
        }
        if self.held.values().any(|held| held.alone) || (grant.alone && !self.held.is_empty()) {
            return Verdict::HandBack("alone");
        }
        // Two schedulers, or two claims at the same moment, may each grant all that is free.
        if self.free_of(&grant.specialization) <= 0 {
            return Verdict::HandBack("full");
        }
        let held = Held { specialization: grant.specialization.clone(), alone: grant.alone, finished: false };
        self.held.insert(name, held);
        Verdict::Start
    }

    fn free_of(&self, specialization: &Specialization) -> i64 {
        let held = self.held.values().filter(|held| held.specialization == *specialization).count();
        self.slots.get(specialization).copied().unwrap_or(0) - held as i64
    }

    /// A claim for all free slots, where more are free than the newest open claim asks for (C, D, E). The scheduler
    /// answers the session's earlier claims when it reads this one. Close it with [`Book::claim_closed`].
    pub fn claim(&mut self, wait_ms: i64) -> Option<Claim> {
        if self.draining || self.held.values().any(|held| held.alone) {
            return None;
        }
        let mut free = self.slots.clone();
        for (specialization, slots) in &mut free {
            *slots = self.free_of(specialization);
        }
        free.retain(|_, slots| *slots > 0);
        let asked = |name: &Specialization| self.asked.get(name).copied().unwrap_or(0);
        if free.iter().all(|(name, slots)| *slots <= asked(name)) {
            return None;
        }
        self.asked.clone_from(&free);
        self.claims += 1;
        Some(Claim { free, holding: self.held.len() as i64, wait_ms })
    }

    /// The number of the newest claim, to close it by.
    #[must_use]
    pub const fn claim_number(&self) -> u64 {
        self.claims
    }

    /// A claim was answered or lost. Only the newest one still asks for anything.
    pub fn claim_closed(&mut self, number: u64) {
        if number == self.claims {
            self.asked.clear();
        }
    }

    /// What a heartbeat's answer takes away: no longer held, to be stopped.
    pub fn answered(&mut self, answer: &HeartbeatAnswer) -> Vec<(LeaseName, StopCause)> {
        let lost = answer.lost.iter().map(|name| (*name, StopCause::Lost));
        let cancelled = answer.cancelled.iter().map(|name| (*name, StopCause::Cancelled));
        lost.chain(cancelled).filter(|(name, _)| self.held.remove(name).is_some()).collect()
    }

    /// The runner ended, its result is on its way.
    pub fn finished(&mut self, name: LeaseName) {
        if let Some(held) = self.held.get_mut(&name) {
            held.finished = true;
        }
    }

    /// The result was accepted or refused, or the mission handed back: the slot is free.
    pub fn settled(&mut self, name: LeaseName) {
        self.held.remove(&name);
    }

    /// Whether the session holds it.
    #[must_use]
    pub fn holds(&self, name: LeaseName) -> bool {
        self.held.contains_key(&name)
    }

    /// Other slots from now on; what runs goes on.
    pub fn set_slots(&mut self, slots: Slots) {
        self.slots = slots;
    }

    /// The slots that it offers.
    #[must_use]
    pub const fn slots(&self) -> &Slots {
        &self.slots
    }

    /// From now on nothing new (E).
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// What is running.
    #[must_use]
    pub fn running(&self) -> Vec<LeaseName> {
        self.held.iter().filter(|(_, held)| !held.finished).map(|(name, _)| *name).collect()
    }

    /// Everything held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use topology::{Epoch, MissionId};
    use uuid::Uuid;

    use super::*;

    fn spec(name: &str) -> Specialization {
        name.parse().unwrap()
    }

    fn slots(slots: &[(&str, i64)]) -> Slots {
        slots.iter().map(|(name, slots)| (spec(name), *slots)).collect()
    }

    fn grant(mission: u128, seq: i64) -> Grant {
        Grant {
            mission: MissionId(Uuid::from_u128(mission)),
            epoch: Epoch(1),
            home: "us-west-2".to_owned(),
            specialization: spec("a"),
            title: String::new(),
            payload: serde_json::Value::Null,
            attempt: 1,
            run_limit_ms: 1_000,
            seq,
            alone: false,
            traceparent: None,
            drill: None,
        }
    }

    fn name(mission: u128) -> LeaseName {
        LeaseName { mission: MissionId(Uuid::from_u128(mission)), epoch: Epoch(1) }
    }

    fn answer(lost: &[u128], cancelled: &[u128]) -> HeartbeatAnswer {
        HeartbeatAnswer {
            seq: 1,
            lost: lost.iter().map(|m| name(*m)).collect(),
            cancelled: cancelled.iter().map(|m| name(*m)).collect(),
            wished: Slots::new(),
            drain_until: None,
        }
    }

    #[test]
    fn a_heartbeat_names_what_runs_and_what_is_finished_but_not_accepted() {
        let mut book = Book::new(slots(&[("a", 3)]));
        book.admit(&grant(1, 0));
        book.admit(&grant(2, 0));
        book.finished(name(2));
        let beat = |seq, holds| Heartbeat { seq, holds, draining: false, heard: Some(0) };
        assert_eq!(book.beat(), beat(1, vec![name(1), name(2)]));
        book.settled(name(2));
        assert_eq!(book.beat(), beat(2, vec![name(1)]));
    }

    #[test]
    fn a_heartbeat_says_which_one_was_the_last_to_be_answered() {
        let mut book = Book::new(slots(&[("a", 3)]));
        let (first, second) = (book.beat(), book.beat());
        assert_eq!((first.heard, second.heard), (Some(0), Some(0)));
        book.heard(second.seq);
        book.heard(first.seq);
        assert_eq!(book.beat().heard, Some(2), "a late answer to an older one takes nothing back");
    }

    #[test]
    fn a_grant_is_void_after_two_heartbeats_that_did_not_name_it() {
        let cases = [(0, Verdict::Start), (1, Verdict::Start), (2, Verdict::HandBack("grant_void"))];
        for (beats, wanted) in cases {
            let mut book = Book::new(slots(&[("a", 3)]));
            for _ in 0..beats {
                book.beat();
            }
            assert_eq!(book.admit(&grant(1, 0)), wanted, "{beats} heartbeats");
        }
    }

    #[test]
    fn what_is_granted_beyond_the_slots_goes_back() {
        let mut book = Book::new(slots(&[("a", 1)]));
        assert_eq!(book.admit(&grant(1, 0)), Verdict::Start);
        assert_eq!(book.admit(&grant(2, 0)), Verdict::HandBack("full"));
        book.settled(name(1));
        assert_eq!(book.admit(&grant(2, 0)), Verdict::Start);
    }

    #[test]
    fn the_same_grant_twice_starts_once() {
        let mut book = Book::new(slots(&[("a", 3)]));
        assert_eq!(book.admit(&grant(1, 0)), Verdict::Start);
        assert_eq!(book.admit(&grant(1, 0)), Verdict::Known);
        assert_eq!(book.len(), 1);
    }

    #[test]
    fn a_crashed_mission_runs_alone() {
        let alone = |mission| Grant { alone: true, ..grant(mission, 0) };
        let mut book = Book::new(slots(&[("a", 3)]));
        assert_eq!(book.admit(&alone(1)), Verdict::Start);
        assert_eq!(book.admit(&grant(2, 0)), Verdict::HandBack("alone"));
        assert_eq!(book.admit(&alone(3)), Verdict::HandBack("alone"));
        assert_eq!(book.claim(0), None);
        book.settled(name(1));
        assert!(book.claim(0).is_some());

        let mut busy = Book::new(slots(&[("a", 3)]));
        busy.admit(&grant(1, 0));
        assert_eq!(busy.admit(&alone(2)), Verdict::HandBack("alone"));
    }

    #[test]
    fn a_slot_that_comes_free_is_asked_for_at_once_with_all_others() {
        let mut book = Book::new(slots(&[("a", 2), ("b", 1)]));
        let first = book.claim(7).unwrap();
        let first_number = book.claim_number();
        assert_eq!(first, Claim { free: slots(&[("a", 2), ("b", 1)]), holding: 0, wait_ms: 7 });
        assert_eq!(book.claim(7), None, "nothing more is free");
        book.admit(&grant(1, 0));
        book.claim_closed(first_number);
        let second = book.claim(7).unwrap();
        assert_eq!(second, Claim { free: slots(&[("a", 1), ("b", 1)]), holding: 1, wait_ms: 7 });
        book.settled(name(1));
        assert_eq!(book.claim(7).unwrap().free, slots(&[("a", 2), ("b", 1)]), "the other slots are asked for again");
        book.claim_closed(first_number + 1);
        assert_eq!(book.claim(7), None, "an earlier claim that ends leaves the newest one open");
    }

    #[test]
    fn fewer_slots_than_missions_ask_for_nothing() {
        let mut book = Book::new(slots(&[("a", 2)]));
        book.admit(&grant(1, 0));
        book.admit(&grant(2, 0));
        book.set_slots(slots(&[("a", 1)]));
        assert_eq!(book.claim(0), None);
        book.settled(name(1));
        assert_eq!(book.claim(0), None);
        book.settled(name(2));
        assert_eq!(book.claim(0).unwrap().free, slots(&[("a", 1)]));
    }

    #[test]
    fn an_answer_takes_away_only_what_is_held() {
        let mut book = Book::new(slots(&[("a", 3)]));
        book.admit(&grant(1, 0));
        book.admit(&grant(2, 0));
        let stopped = book.answered(&answer(&[1, 9], &[2]));
        assert_eq!(stopped, [(name(1), StopCause::Lost), (name(2), StopCause::Cancelled)]);
        assert!(book.is_empty());
    }

    #[test]
    fn a_draining_session_starts_and_asks_for_nothing() {
        let mut book = Book::new(slots(&[("a", 3)]));
        book.drain();
        assert_eq!(book.admit(&grant(1, 0)), Verdict::HandBack("drain"));
        assert_eq!(book.claim(0), None);
        assert!(book.beat().draining);
    }
}
