//! Fair turns among submitters.

use std::collections::HashMap;

use topology::PoolId;

/// Submitters that are remembered for one pool and rank; beyond them the oldest rounds are forgotten, which costs
/// fairness for a moment and nothing else.
const REMEMBERED: usize = 4_096;

/// Start-time fairness over the submitters of a pool, within one rank (Goyal, Vin, Cheng 1996, with equal weights).
///
/// A submitter's first mission starts in the round that the pool has reached, each further one a round later: whoever
/// queues a thousand missions waits for a thousand rounds, and a newcomer's first mission passes them. It is what one
/// scheduler remembers; several schedulers are each fair, and a restart forgets.
#[derive(Debug, Default)]
pub struct Rounds {
    lines: HashMap<PoolId, Line>,
}

/// One pool's line: ranks only grow as time passes, so only the present ones matter.
#[derive(Debug, Default)]
struct Line {
    ranks: HashMap<i64, Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    /// The last round that was granted.
    reached: i64,
    /// The round of each submitter's next mission.
    next: HashMap<Box<str>, i64>,
}

/// Ranks that are remembered for one pool: ten priorities over a few steps of aging.
const RANKS: usize = 64;

impl Rounds {
    /// Nothing remembered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The round of a submitter's next mission in a pool and rank.
    pub fn next(&mut self, pool: &PoolId, rank: i64, submitter: &str) -> i64 {
        let turns = self.turns(pool, rank);
        let reached = turns.reached;
        if turns.next.len() >= REMEMBERED && !turns.next.contains_key(submitter) {
            // Who has no mission beyond the present round starts there anyway.
            turns.next.retain(|_, next| *next > reached);
            if turns.next.len() >= REMEMBERED {
                turns.next.clear();
            }
        }
        match turns.next.get_mut(submitter) {
            Some(next) => {
                let round = (*next).max(reached);
                *next = round.saturating_add(1);
                round
            }
            None => {
                turns.next.insert(submitter.into(), reached.saturating_add(1));
                reached
            }
        }
    }

    /// Tells that a mission of this rank and round was granted: nobody starts before it any more.
    pub fn granted(&mut self, pool: &PoolId, rank: i64, round: i64) {
        let turns = self.turns(pool, rank);
        turns.reached = turns.reached.max(round);
    }

    fn turns(&mut self, pool: &PoolId, rank: i64) -> &mut Turns {
        if !self.lines.contains_key(pool) {
            self.lines.insert(pool.clone(), Line::default());
        }
        let line = self.lines.get_mut(pool).expect("it was put there if it was missing");
        if line.ranks.len() >= RANKS && !line.ranks.contains_key(&rank) {
            let oldest = line.ranks.keys().min().copied();
            oldest.map(|rank| line.ranks.remove(&rank));
        }
        line.ranks.entry(rank).or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pool() -> PoolId {
        "us-west/coach".parse().unwrap()
    }

    #[test]
    fn a_newcomer_passes_whoever_filled_the_queue() {
        let mut rounds = Rounds::new();
        let mut queue: Vec<(i64, usize, &str)> = Vec::new();
        for at in 0..100 {
            queue.push((rounds.next(&pool(), 0, "greedy"), at, "greedy"));
        }
        for _ in 0..10 {
            queue.sort_unstable();
            let (round, _, _) = queue.remove(0);
            rounds.granted(&pool(), 0, round);
        }
        queue.push((rounds.next(&pool(), 0, "modest"), 100, "modest"));
        queue.sort_unstable();
        let turn = queue.iter().position(|(_, _, who)| *who == "modest").unwrap();
        assert!(turn <= 1, "the newcomer is number {turn}");
    }

    #[test]
    fn a_submitter_that_was_away_gains_nothing_by_it() {
        let mut rounds = Rounds::new();
        assert_eq!(rounds.next(&pool(), 0, "early"), 0);
        rounds.granted(&pool(), 0, 50);
        assert_eq!(rounds.next(&pool(), 0, "early"), 50);
        assert_eq!(rounds.next(&pool(), 0, "new"), 50);
    }

    #[test]
    fn ranks_and_pools_do_not_touch_each_other() {
        let mut rounds = Rounds::new();
        assert_eq!(rounds.next(&pool(), 0, "a"), 0);
        assert_eq!(rounds.next(&pool(), 0, "a"), 1);
        assert_eq!(rounds.next(&pool(), 1, "a"), 0);
        assert_eq!(rounds.next(&"us-east/coach".parse().unwrap(), 0, "a"), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut rounds = Rounds::new();
        for at in 0..20_000 {
            rounds.next(&pool(), 0, &format!("s{at}"));
        }
        for rank in 0..1_000 {
            rounds.next(&pool(), rank, "a");
        }
        let line = &rounds.lines[&pool()];
        assert!(line.ranks.len() <= RANKS);
        assert!(line.ranks.values().all(|turns| turns.next.len() <= REMEMBERED));
    }

    proptest! {
        #[test]
        fn busy_submitters_get_equal_shares(weights in proptest::collection::vec(20_usize..60, 2..6)) {
            let mut rounds = Rounds::new();
            let mut queue: Vec<(i64, usize, usize)> = Vec::new();
            for (who, missions) in weights.iter().enumerate() {
                for at in 0..*missions {
                    queue.push((rounds.next(&pool(), 7, &who.to_string()), at, who));
                }
            }
            queue.sort_unstable();
            let turns = 20 * weights.len();
            for who in 0..weights.len() {
                let share = queue[..turns].iter().filter(|(_, _, of)| *of == who).count();
                prop_assert_eq!(share, 20);
            }
        }
    }
}
