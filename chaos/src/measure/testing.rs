//! Short ways to what is known, for the tests of the measures.

use topology::{Epoch, MissionId};
use uuid::Uuid;

use crate::facts::{Facts, Life};

#[derive(Default)]
pub(super) struct World {
    pub(super) facts: Facts,
}

impl World {
    /// A mission that was submitted near a region, placed there, and began there.
    pub(super) fn ran(&mut self, n: u128, at_us: i64, region: &str, began_us: i64) {
        self.with_priority(n, 5, at_us, region, began_us);
    }

    pub(super) fn with_priority(&mut self, n: u128, priority: i32, at_us: i64, region: &str, began_us: i64) {
        let life = self.facts.submitted(life(at_us, region, priority));
        let mission = MissionId(Uuid::from_u128(n));
        self.facts.accepted(life, at_us + 10, mission, Some(region.to_owned()));
        self.facts.began(mission, Epoch(1), region, began_us);
    }

    /// A submit that nobody answers.
    pub(super) fn unanswered(&mut self, at_us: i64) {
        self.facts.submitted(life(at_us, "west", 5));
    }
}

fn life(invoked_us: i64, entry: &str, priority: i32) -> Life {
    Life {
        invoked_us,
        entry: entry.to_owned(),
        answered: None,
        priority,
        specialization: "a".to_owned(),
        allowed: Vec::new(),
        first_region: None,
        runs: Vec::new(),
    }
}
