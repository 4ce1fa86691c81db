//! Many seeds of one drill.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::outcome::Outcome;
use super::run;
use crate::checker::AnomalyKind;
use crate::drill::Drill;
use crate::journal::Verdict;

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Seeds that passed, all of those before the failing one among them.
    pub passed: u64,
    /// The first seed that did not.
    pub failed: Option<Box<Outcome>>,
}

impl Sweep {
    /// Whether every seed passed.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.failed.is_none()
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failed {
            None => write!(f, "{} seeds passed", self.passed),
            Some(outcome) => write!(f, "{} seeds passed, then\n{outcome}", self.passed),
        }
    }
}

/// Runs a drill under every seed of a range, `jobs` at a time, and stops at the first that does not pass.
///
/// The failing seed that is told is the lowest one, whatever the number of jobs: the answer is the same every time.
#[must_use]
pub fn sweep(drill: &Drill, seeds: Range<u64>, jobs: usize) -> Sweep {
    let first = seeds.start;
    let failed = first_of(drill, seeds.clone(), jobs, |outcome| outcome.verdict != Verdict::Pass);
    let end = failed.as_ref().map_or(seeds.end, |outcome| outcome.seed);
    Sweep { passed: end.saturating_sub(first), failed: failed.map(Box::new) }
}

/// A seed that found something.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How many seeds it took.
    pub seeds: u64,
    /// The run.
    pub outcome: Outcome,
}

/// How many seeds it takes until a run shows an anomaly of this kind; none where no seed of the range does.
#[must_use]
pub fn seeds_to_find(drill: &Drill, kind: AnomalyKind, seeds: Range<u64>, jobs: usize) -> Option<Found> {
    let first = seeds.start;
    let outcome = first_of(drill, seeds, jobs, |outcome| outcome.check.count(kind) > 0)?;
    Some(Found { seeds: outcome.seed - first + 1, outcome })
}

/// The run of the lowest seed that is wanted.
fn first_of(
    drill: &Drill,
    seeds: Range<u64>,
    jobs: usize,
    wanted: impl Fn(&Outcome) -> bool + Sync,
) -> Option<Outcome> {
    let next = AtomicU64::new(seeds.start);
    let found: Mutex<Option<Outcome>> = Mutex::new(None);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let lowest = lock(&found).as_ref().map_or(seeds.end, |outcome| outcome.seed);
            if seed >= lowest {
                return;
            }
            let outcome = run(drill, seed);
            let mut found = lock(&found);
            if wanted(&outcome) && found.as_ref().is_none_or(|before| seed < before.seed) {
                *found = Some(outcome);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
