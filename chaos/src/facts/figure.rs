//! The figures of the hypothesis at an instant.

use std::time::Duration;

use super::{Facts, Life};
use crate::drill::Query;

impl Facts {
    /// A figure at an instant over the window before it; none where nothing in the window tells it, or where it does not
    /// come from missions.
    #[must_use]
    pub fn figure(&self, query: &Query, window: Duration, at_us: i64) -> Option<f64> {
        let from_us = at_us - i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
        match query {
            Query::SubmitSuccessRatio => self.success_ratio(from_us, at_us),
            Query::SubmitToLeasedP99Ms => self.p99_ms(from_us, at_us),
            Query::StrandedLeases => Some(self.stranded(at_us) as f64),
            Query::OverdueMissions => Some(self.overdue(from_us, at_us) as f64),
            Query::ServingRegions => self.serving.iter().rev().find(|(at, _)| *at <= at_us)?.1,
            Query::HttpStatus { .. } | Query::ExitCode { .. } | Query::Number { .. } => None,
        }
    }

    /// Of the submits that were answered in the window, and of those that wait for longer than it, the share that was
    /// promised. 1 where there is none.
    fn success_ratio(&self, from_us: i64, at_us: i64) -> Option<f64> {
        let (mut all, mut good) = (0_u64, 0_u64);
        for life in self.lives.iter().filter(|life| life.invoked_us <= at_us) {
            match life.answered.filter(|(answered_us, _)| *answered_us <= at_us) {
                Some((answered_us, promised)) if answered_us > from_us => {
                    all += 1;
                    good += u64::from(promised);
                }
                Some(_) => {}
                None => all += u64::from(life.invoked_us <= from_us),
            }
        }
        Some(if all == 0 { 1.0 } else { good as f64 / all as f64 })
    }

    fn p99_ms(&self, from_us: i64, at_us: i64) -> Option<f64> {
        let waits = self.lives.iter().filter(|life| life.invoked_us > from_us && life.promised_at(at_us));
        let waits = waits.filter(|life| !self.touches_a_hit(life)).map(|life| life.waited(at_us)).collect();
        percentile(waits, 0.99).map(|us| us as f64 / 1e3)
    }

    /// Whether its client or its first pool is in a region that a fault names at any time, or it was placed nowhere: it
    /// waits for a region then.
    pub(crate) fn touches_a_hit(&self, life: &Life) -> bool {
        let named = |region: &String| self.hits.iter().any(|hit| hit.region == *region);
        named(&life.entry) || life.first_region.as_ref().is_none_or(named)
    }

    fn stranded(&self, at_us: i64) -> usize {
        let in_reach = |life: &&Life| {
            !self.held_back(life, at_us)
                && !life.done_at(at_us)
                && life.newest(at_us).is_some_and(|run| !run.moved_at(at_us) && self.taken(&run.region, at_us))
        };
        self.lives.iter().filter(in_reach).count()
    }

    fn overdue(&self, from_us: i64, at_us: i64) -> usize {
        let waits = |life: &&Life| {
            life.waits_since(at_us).is_some_and(|since| since <= from_us) && !self.held_back(life, at_us)
        };
        self.lives.iter().filter(waits).count()
    }

    /// Whether the agents of a region are taken away.
    fn taken(&self, region: &str, at_us: i64) -> bool {
        self.hits.iter().any(|hit| hit.takes_leases && hit.region == region && hit.at(at_us))
    }

    /// Whether residency lets it run only where nothing serves now: it waits lawfully.
    fn held_back(&self, life: &Life, at_us: i64) -> bool {
        let away = |region: &String| self.taken(region, at_us) || !self.serves(region, at_us);
        !life.allowed.is_empty() && life.allowed.iter().all(away)
    }

    /// Whether a region served when its row was seen last.
    fn serves(&self, region: &str, at_us: i64) -> bool {
        let seen = self.standings.iter().rev().find(|(at, name, _)| *at <= at_us && name == region);
        seen.is_none_or(|(.., serves)| *serves)
    }
}

impl Life {
    /// Since when it waits in a queue; none where it does not.
    fn waits_since(&self, at_us: i64) -> Option<i64> {
        match self.newest(at_us) {
            None => self.answered.filter(|(answered, promised)| *promised && *answered <= at_us).map(|(at, _)| at),
            Some(run) if run.done_at(at_us) => None,
            Some(run) => run.moved_us.filter(|moved| *moved <= at_us),
        }
    }

    /// Microseconds from the submit to the first begin, or until now where it has not begun.
    fn waited(&self, at_us: i64) -> i64 {
        self.first_began().filter(|began| *began <= at_us).unwrap_or(at_us) - self.invoked_us
    }
}

/// The smallest value that is at least as large as this share of all; none of none.
pub(crate) fn percentile(mut values: Vec<i64>, share: f64) -> Option<i64> {
    if values.is_empty() {
        return None;
    }
    values.sort_unstable();
    let rank = (values.len() as f64 * share).ceil() as usize;
    Some(values[rank.clamp(1, values.len()) - 1])
}

#[cfg(test)]
mod tests {
    use topology::{Epoch, MissionId};
    use uuid::Uuid;

    use super::*;
    use crate::facts::LifeId;

    const SECOND: i64 = 1_000_000;

    fn submit(facts: &mut Facts, at_us: i64, entry: &str, allowed: &[&str]) -> LifeId {
        facts.submitted(Life {
            invoked_us: at_us,
            entry: entry.to_owned(),
            answered: None,
            priority: 5,
            specialization: "a".to_owned(),
            allowed: allowed.iter().map(|region| (*region).to_owned()).collect(),
            first_region: None,
            runs: Vec::new(),
        })
    }

    fn mission(n: u128) -> MissionId {
        MissionId(Uuid::from_u128(n))
    }

    fn accepted(facts: &mut Facts, n: u128, at_us: i64, region: &str, allowed: &[&str]) {
        let life = submit(facts, at_us, region, allowed);
        facts.accepted(life, at_us + 1, mission(n), Some(region.to_owned()));
    }

    fn figure(facts: &Facts, query: &Query, at_us: i64) -> Option<f64> {
        facts.figure(query, Duration::from_secs(2), at_us)
    }

    #[test]
    fn a_submit_that_waits_longer_than_the_window_counts_as_not_promised() {
        let mut facts = Facts::default();
        let quick = submit(&mut facts, 0, "west", &[]);
        let slow = submit(&mut facts, 0, "west", &[]);
        facts.accepted(quick, 10, mission(1), None);
        assert_eq!(figure(&facts, &Query::SubmitSuccessRatio, SECOND), Some(1.0));
        assert_eq!(figure(&facts, &Query::SubmitSuccessRatio, 2 * SECOND), Some(0.5));
        facts.accepted(slow, 4 * SECOND + 1, mission(2), None);
        assert_eq!(figure(&facts, &Query::SubmitSuccessRatio, 5 * SECOND), Some(1.0));
        assert_eq!(figure(&facts, &Query::SubmitSuccessRatio, 2 * SECOND), Some(0.5), "the past stays as it was");
        let refused = submit(&mut facts, 5 * SECOND, "west", &[]);
        facts.refused(refused, 5 * SECOND + 1);
        assert_eq!(figure(&facts, &Query::SubmitSuccessRatio, 6 * SECOND), Some(0.5));
    }

    #[test]
    fn a_lease_is_stranded_until_it_begins_elsewhere() {
        let mut facts = Facts::default();
        accepted(&mut facts, 1, 0, "west", &[]);
        facts.began(mission(1), Epoch(1), "west", 100);
        facts.hit("west", SECOND, true);
        assert_eq!(figure(&facts, &Query::StrandedLeases, SECOND - 1), Some(0.0));
        assert_eq!(figure(&facts, &Query::StrandedLeases, SECOND), Some(1.0));
        facts.began(mission(1), Epoch(3), "east", 3 * SECOND);
        assert_eq!(figure(&facts, &Query::StrandedLeases, 2 * SECOND), Some(1.0));
        assert_eq!(figure(&facts, &Query::StrandedLeases, 3 * SECOND), Some(0.0));
    }

    #[test]
    fn a_lease_that_was_taken_back_waits_in_a_queue_again() {
        let mut facts = Facts::default();
        accepted(&mut facts, 1, 0, "west", &[]);
        facts.began(mission(1), Epoch(1), "west", 100);
        facts.hit("west", SECOND, true);
        facts.moved(mission(1), Epoch(2), 2 * SECOND);
        assert_eq!(figure(&facts, &Query::StrandedLeases, 2 * SECOND), Some(0.0));
        assert_eq!(figure(&facts, &Query::OverdueMissions, 4 * SECOND - 1), Some(0.0));
        assert_eq!(figure(&facts, &Query::OverdueMissions, 4 * SECOND), Some(1.0));
        facts.began(mission(1), Epoch(3), "east", 5 * SECOND);
        assert_eq!(figure(&facts, &Query::OverdueMissions, 5 * SECOND), Some(0.0));
    }

    #[test]
    fn what_may_run_only_in_the_lost_region_is_neither_stranded_nor_overdue() {
        let mut facts = Facts::default();
        accepted(&mut facts, 1, 0, "west", &["west"]);
        accepted(&mut facts, 2, 0, "west", &["west", "east"]);
        accepted(&mut facts, 3, 0, "west", &["west"]);
        facts.began(mission(3), Epoch(1), "west", 100);
        facts.hit("west", SECOND, true);
        assert_eq!(figure(&facts, &Query::OverdueMissions, 4 * SECOND), Some(1.0));
        assert_eq!(figure(&facts, &Query::StrandedLeases, 4 * SECOND), Some(0.0));
        facts.stands("west", 3 * SECOND, false);
        facts.healed("west", 5 * SECOND, true);
        assert_eq!(figure(&facts, &Query::OverdueMissions, 6 * SECOND), Some(1.0), "it has not come back yet");
        facts.stands("west", 7 * SECOND, true);
        assert_eq!(figure(&facts, &Query::OverdueMissions, 8 * SECOND), Some(2.0));
    }

    #[test]
    fn the_percentile_counts_survivors_only_and_those_that_still_wait() {
        let mut facts = Facts::default();
        accepted(&mut facts, 1, 0, "east", &[]);
        facts.began(mission(1), Epoch(1), "east", 5_000);
        accepted(&mut facts, 2, 0, "west", &[]);
        accepted(&mut facts, 3, 1_000, "east", &[]);
        facts.hit("west", 0, true);
        assert_eq!(figure(&facts, &Query::SubmitToLeasedP99Ms, SECOND), Some(999.0));
        facts.began(mission(3), Epoch(1), "east", 21_000);
        assert_eq!(figure(&facts, &Query::SubmitToLeasedP99Ms, SECOND), Some(20.0));
    }

    #[test]
    fn a_run_that_begins_before_its_submit_is_answered_is_kept() {
        let mut facts = Facts::default();
        let life = submit(&mut facts, 0, "west", &[]);
        facts.began(mission(1), Epoch(1), "west", 10);
        facts.ended(mission(1), Epoch(1), 15);
        facts.accepted(life, 20, mission(1), Some("west".to_owned()));
        assert_eq!(facts.lives()[0].runs[0].ended_us, Some(15));
        assert_eq!(facts.leases_at(12).get("west"), Some(&1));
        assert!(facts.leases_at(16).is_empty());
    }

    #[test]
    fn a_percentile_is_a_value_that_was_had() {
        assert_eq!(percentile(vec![], 0.99), None);
        assert_eq!(percentile((1..=100).collect(), 0.99), Some(99));
        assert_eq!(percentile(vec![7], 0.99), Some(7));
    }
}
