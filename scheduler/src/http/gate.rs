//! How much is being submitted at a time: as much as the database takes without making it wait.
//!
//! A fixed number would be wrong on most machines. So the gate compares how long submits take with how long they take
//! when nobody waits, and moves its limit: down at once when they take twice as long, up slowly while it is in use.
//! What does not pass is shed, and what passes is answered about as fast as ever (DESIGN section 6).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Submits take this many times as long as without load: too many are let in.
const SLOW: f64 = 2.0;

/// Factor of the limit when they do.
const DOWN: f64 = 0.85;

/// Factor of the limit when they do not and the limit was reached.
const UP: f64 = 1.1;

/// Between two moves of the limit.
const STEP: Duration = Duration::from_millis(100);

/// Measurements that a move needs.
const ENOUGH: usize = 8;

/// By how much the remembered time without load grows a second, so that a machine that got slower is believed.
const FORGET: f64 = 1.02;

/// A time without load is at least this: what takes less than twice as long is no overload, whatever the best was.
const FLOOR: Duration = Duration::from_millis(10);

/// Upper bounds of the classes of batches, in missions: a large batch takes longer by nature.
const CLASSES: [usize; 4] = [1, 16, 128, usize::MAX];

/// Missions of a batch that count as much as one request does by itself.
const PER_WEIGHT: usize = 50;

/// Lets submits in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Mutex<State>>);

/// Missions that were let in; gives their places back when it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Gate,
    missions: usize,
    since: Instant,
    /// Whether the time it took says something.
    counts: bool,
}

/// What the gate knows. Takes the time as an argument, so that it can be tested without waiting.
#[derive(Debug)]
struct State {
    bounds: (usize, usize),
    limit: f64,
    inside: usize,
    /// Shortest time without load by class, in seconds.
    best: [Option<f64>; CLASSES.len()],
    /// How many times as long as the best, of everything since the last move.
    slowness: Vec<f64>,
    /// Whether the limit was reached since the last move.
    reached: bool,
    moved: Instant,
}

impl Gate {
    /// A gate whose limit stays within bounds, counted in single submits.
    #[must_use]
    pub fn new(lowest: usize, highest: usize) -> Self {
        Self(Arc::new(Mutex::new(State::new(lowest, highest, Instant::now()))))
    }

    /// Lets missions in, or not.
    pub(crate) fn enter(&self, missions: usize) -> Option<Pass> {
        let since = Instant::now();
        self.state().enter(missions).then(|| Pass { gate: self.clone(), missions, since, counts: true })
    }

    /// The limit now.
    pub(crate) fn limit(&self) -> f64 {
        self.state().limit
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // A state is whole after each of its methods.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// The submit failed by itself: its time says nothing.
    pub(crate) fn discount(&mut self) {
        self.counts = false;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let took = self.counts.then(|| self.since.elapsed());
        self.gate.state().leave(self.missions, took, Instant::now());
    }
}

impl State {
    fn new(lowest: usize, highest: usize, now: Instant) -> Self {
        let bounds = (lowest.max(1), highest.max(lowest).max(1));
        let limit = to_f64(bounds.1);
        Self { bounds, limit, inside: 0, best: Default::default(), slowness: Vec::new(), reached: false, moved: now }
    }

    fn enter(&mut self, missions: usize) -> bool {
        let weight = weight(missions);
        // A batch larger than the limit gets in when it is alone.
        let fits = self.inside == 0 || to_f64(self.inside + weight) <= self.limit;
        if fits {
            self.inside += weight;
        }
        self.reached |= to_f64(self.inside) >= self.limit * 0.8 || !fits;
        fits
    }

    fn leave(&mut self, missions: usize, took: Option<Duration>, now: Instant) {
        self.inside -= weight(missions);
        if let Some(took) = took {
            let class = CLASSES.iter().position(|most| missions <= *most).unwrap_or(CLASSES.len() - 1);
            let took = took.max(FLOOR).as_secs_f64();
            let best = self.best[class].get_or_insert(took);
            *best = best.min(took);
            self.slowness.push(took / *best);
        }
        let since = now.saturating_duration_since(self.moved);
        if since >= STEP && self.slowness.len() >= ENOUGH {
            self.step(since);
            self.moved = now;
        }
    }

    fn step(&mut self, since: Duration) {
        self.slowness.sort_unstable_by(f64::total_cmp);
        let typical = self.slowness[self.slowness.len() / 2];
        let (lowest, highest) = (to_f64(self.bounds.0), to_f64(self.bounds.1));
        if typical > SLOW {
            self.limit = (self.limit * DOWN).max(lowest);
        } else if self.reached {
            self.limit = (self.limit * UP).min(highest);
        }
        for best in self.best.iter_mut().flatten() {
            *best *= FORGET.powf(since.as_secs_f64().min(10.0));
        }
        self.slowness.clear();
        self.reached = false;
    }
}

/// How much a batch counts.
const fn weight(missions: usize) -> usize {
    1 + missions / PER_WEIGHT
}

/// A weight for comparing with the limit.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn to_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A database that works on `servers` single missions at a time, each for 12 ms: what more is let in waits.
    fn after_seconds(servers: usize, offered: usize, seconds: usize) -> State {
        let mut now = Instant::now();
        let mut state = State::new(8, 10_000, now);
        for _ in 0..seconds * 100 {
            let entered = (0..offered).filter(|_| state.enter(1)).count();
            now += Duration::from_millis(12);
            for place in 0..entered {
                state.leave(1, Some(Duration::from_millis(12 * (1 + place / servers) as u64)), now);
            }
        }
        state
    }

    #[test]
    fn overload_is_held_near_what_the_database_takes() {
        let state = after_seconds(50, 1_000, 10);
        assert!((50.0..400.0).contains(&state.limit), "{}", state.limit);
    }

    #[test]
    fn a_fast_database_gets_what_is_offered() {
        let state = after_seconds(5_000, 1_000, 20);
        assert!(state.limit >= 1_000.0, "{}", state.limit);
    }

    #[test]
    fn a_batch_larger_than_the_limit_gets_in_alone() {
        let mut state = State::new(8, 100, Instant::now());
        assert!(state.enter(50_000));
        assert!(!state.enter(1));
        state.leave(50_000, None, Instant::now());
        assert!(state.enter(1));
    }

    proptest! {
        #[test]
        fn places_are_never_lost_and_the_limit_keeps_its_bounds(
            steps in prop::collection::vec((1_usize..300, any::<bool>(), 1_u64..5_000), 1..400)
        ) {
            let mut now = Instant::now();
            let mut state = State::new(8, 200, now);
            let mut inside = Vec::new();
            for (missions, leaves, took) in steps {
                now += Duration::from_millis(took);
                if leaves && let Some(missions) = inside.pop() {
                    state.leave(missions, Some(Duration::from_millis(took)), now);
                } else if state.enter(missions) {
                    inside.push(missions);
                }
                prop_assert_eq!(state.inside, inside.iter().map(|missions| weight(*missions)).sum::<usize>());
                prop_assert!((8.0..=200.0).contains(&state.limit));
            }
        }
    }
}
