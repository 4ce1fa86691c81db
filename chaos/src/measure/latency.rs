//! How long missions waited, and whether priorities held.

use crate::facts::{Facts, Life, percentile};

/// Begins nearer to each other than this say nothing of their order: one claim grants many.
const TOGETHER_US: i64 = 250_000;

/// p99 from submitted to the first begin, in milliseconds, of missions submitted in this time that no named region
/// touches. What never began counts as if it began at the end of what is known.
pub(super) fn survivors_p99_ms(facts: &Facts, from_us: i64, to_us: i64) -> Option<f64> {
    let last = facts.lives().iter().flat_map(|life| &life.runs).map(|run| run.began_us).max().unwrap_or(to_us);
    let submitted = facts.lives().iter().filter(|life| (from_us..to_us).contains(&life.invoked_us));
    let promised = submitted.filter(|life| life.answered.is_some_and(|(_, promised)| promised));
    let waits = promised
        .filter(|life| !facts.touches_a_hit(life))
        .map(|life| life.first_began().unwrap_or(last) - life.invoked_us);
    percentile(waits.collect(), 0.99).map(|us| us as f64 / 1e3)
}

/// Submits of this time that ended without a promise, or never.
pub(super) fn errors(facts: &Facts, from_us: i64, to_us: i64) -> u64 {
    let submitted = facts.lives().iter().filter(|life| (from_us..to_us).contains(&life.invoked_us));
    submitted.filter(|life| !life.answered.is_some_and(|(_, promised)| promised)).count() as u64
}

/// Missions that began clearly after one of lower priority which was submitted later into the same pool. What was moved
/// before it began is left out: it stood in another queue.
pub(super) fn priority_inversions(facts: &Facts) -> u64 {
    let settled: Vec<&Life> = facts.lives().iter().filter(|life| began_where_it_was_placed(life)).collect();
    let overtaken = |life: &&&Life| settled.iter().any(|other| overtakes(other, life));
    settled.iter().filter(overtaken).count() as u64
}

fn began_where_it_was_placed(life: &Life) -> bool {
    life.runs.first().is_some_and(|run| Some(&run.region) == life.first_region.as_ref())
}

fn overtakes(other: &Life, life: &Life) -> bool {
    let queued = life.answered.map_or(i64::MAX, |(at, _)| at);
    other.priority < life.priority
        && other.specialization == life.specialization
        && other.first_region == life.first_region
        && other.invoked_us > queued
        && other.first_began().zip(life.first_began()).is_some_and(|(other, own)| other + TOGETHER_US < own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::testing::World;

    #[test]
    fn the_survivors_percentile_leaves_out_whoever_a_fault_names() {
        let mut world = World::default();
        world.ran(1, 0, "east", 4_000);
        world.ran(2, 0, "west", 900_000);
        world.facts.hit("west", 10, true);
        assert_eq!(survivors_p99_ms(&world.facts, 0, 1_000_000), Some(4.0));
        assert_eq!(survivors_p99_ms(&world.facts, 5, 1_000_000), None);
    }

    #[test]
    fn an_inversion_is_a_later_and_lesser_mission_that_began_clearly_earlier() {
        let began = |high: i64, low: i64| {
            let mut world = World::default();
            world.with_priority(1, 9, 0, "west", high);
            world.with_priority(2, 1, 1_000, "west", low);
            priority_inversions(&world.facts)
        };
        assert_eq!(began(5_000_000, 2_000_000), 1);
        assert_eq!(began(2_100_000, 2_000_000), 0, "one claim may grant both");
        assert_eq!(began(1_000_000, 2_000_000), 0);
    }

    #[test]
    fn a_submit_without_an_answer_is_an_error() {
        let mut world = World::default();
        world.ran(1, 0, "west", 5);
        world.unanswered(7);
        assert_eq!((errors(&world.facts, 0, 10), errors(&world.facts, 8, 10)), (1, 0));
    }
}
