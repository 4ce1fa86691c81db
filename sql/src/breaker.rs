//! A circuit breaker: `failsafe`'s state machine behind permits. The gateways stand behind it, and other crates' calls
//! that leave their region.
//!
//! Five behaviours of the library are mended here. A call that is dropped records nothing: a dropped probe counts as
//! failed, and a call's time limit belongs inside what holds the permit. Half-open lets every caller through: here
//! exactly one. Its success rate cannot trip in its first window: failures in a row count from the first call. A late
//! answer to a call from before the breaker opened would close it: a permit of an earlier generation is not recorded.
//! Its pauses start at one second at least: ours are any length.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use failsafe::failure_policy::{self, ConsecutiveFailures, OrElse, SuccessRateOverTimeWindow};
use failsafe::{FailurePolicy as _, Instrument, StateMachine};
use rand::RngExt as _;

use crate::config::BreakerConfig;
use crate::gateways::BreakerState;

/// What flaps: below this share of good calls over [`RATE_WINDOW`] it opens too.
const RATE_REQUIRED: f64 = 0.5;
const RATE_MIN_CALLS: u32 = 20;
const RATE_WINDOW: Duration = Duration::from_secs(10);

type Policy = OrElse<ConsecutiveFailures<Pauses>, SuccessRateOverTimeWindow<Pauses>>;

/// What a kind of breakers is called in metrics.
#[derive(Debug)]
pub struct Series {
    /// The label that tells breakers of this kind apart.
    pub label: &'static str,
    /// Gauge: 0 closed, 1 half open, 2 open.
    pub state: &'static str,
    /// Counter of changes, by new state in the label `to`.
    pub changes: &'static str,
    /// Counter of probes let through half open.
    pub probes: &'static str,
    /// Counter of calls kept away.
    pub rejected: &'static str,
}

/// Whether something may be called.
pub struct Breaker {
    machine: StateMachine<Policy, Seen>,
    seen: Seen,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    probing: bool,
    generation: u64,
}

/// The right to make one call. Say how it went; dropped without a word it is no news, and for a probe a failure.
#[must_use]
pub struct Permit<'b> {
    breaker: &'b Breaker,
    generation: u64,
    probe: bool,
    told: bool,
}

impl Breaker {
    /// A closed one. `name` is its value of the series' label.
    #[must_use]
    pub fn new(series: &'static Series, name: &str, config: BreakerConfig) -> Self {
        let pauses = Pauses { next: config.open_for, longest: config.open_max.max(config.open_for) };
        let policy = failure_policy::consecutive_failures(config.failures, pauses.clone())
            .or_else(failure_policy::success_rate_over_time_window(RATE_REQUIRED, RATE_MIN_CALLS, RATE_WINDOW, pauses));
        let seen = Seen { series, name: Arc::from(name), state: Arc::default() };
        let machine = failsafe::Config::new().failure_policy(policy).instrument(seen.clone()).build();
        Self { machine, seen, calls: Mutex::default() }
    }

    /// Its state now. An open one becomes half open when it is asked after its pause.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.seen.state()
    }

    /// A permit, unless the breaker is open or its one probe is under way.
    pub fn admit(&self) -> Option<Permit<'_>> {
        let mut calls = self.lock();
        if self.machine.is_call_permitted() {
            let probe = self.state() == BreakerState::HalfOpen;
            if !(probe && calls.probing) {
                calls.probing = probe;
                if probe {
                    self.seen.count(self.seen.series.probes);
                }
                return Some(Permit { breaker: self, generation: calls.generation, probe, told: false });
            }
        }
        drop(calls);
        self.seen.count(self.seen.series.rejected);
        None
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, generation: u64, probe: bool, good: bool) {
        let mut calls = self.lock();
        if calls.generation != generation {
            return;
        }
        let before = self.state();
        if good {
            self.machine.on_success();
        } else {
            self.machine.on_error();
        }
        if probe {
            calls.probing = false;
        }
        if self.state() != before {
            calls.generation += 1;
        }
    }
}

impl Permit<'_> {
    /// It answered, whatever it answered.
    pub fn good(mut self) {
        self.told = true;
        self.breaker.record(self.generation, self.probe, true);
    }

    /// It did not answer. True when the breaker is open now.
    pub fn bad(mut self) -> bool {
        self.told = true;
        self.breaker.record(self.generation, self.probe, false);
        self.breaker.state() == BreakerState::Open
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.told && self.probe {
            self.breaker.record(self.generation, true, false);
        }
    }
}

/// Makes the state machine's state readable and a metric.
#[derive(Clone)]
struct Seen {
    series: &'static Series,
    name: Arc<str>,
    state: Arc<AtomicU8>,
}

impl Seen {
    fn state(&self) -> BreakerState {
        match self.state.load(Ordering::SeqCst) {
            0 => BreakerState::Closed,
            1 => BreakerState::HalfOpen,
            _ => BreakerState::Open,
        }
    }

    fn set(&self, state: BreakerState) {
        let value = match state {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        };
        self.state.store(value, Ordering::SeqCst);
        let Series { label, state: gauge, changes, .. } = *self.series;
        metrics::gauge!(gauge, label => self.name.to_string()).set(f64::from(value));
        metrics::counter!(changes, label => self.name.to_string(), "to" => state.as_str()).increment(1);
    }

    fn count(&self, counter: &'static str) {
        metrics::counter!(counter, self.series.label => self.name.to_string()).increment(1);
    }
}

impl Instrument for Seen {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.set(BreakerState::Open);
        tracing::warn!(kind = self.series.label, name = %self.name, "breaker opened");
    }

    fn on_half_open(&self) {
        self.set(BreakerState::HalfOpen);
    }

    fn on_closed(&self) {
        if self.state() != BreakerState::Closed {
            tracing::info!(kind = self.series.label, name = %self.name, "breaker closed");
        }
        self.set(BreakerState::Closed);
    }
}

/// Pauses before a probe: doubling up to the longest, each shortened by up to a half.
#[derive(Debug, Clone)]
struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        Some(pause.mul_f64(rand::rng().random_range(0.5..=1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let config =
            BreakerConfig { failures: 3, open_for: Duration::from_millis(20), open_max: Duration::from_millis(40) };
        Breaker::new(&crate::gateway::BREAKERS, "test", config)
    }

    fn opened() -> Breaker {
        let breaker = breaker();
        for _ in 0..3 {
            breaker.admit().unwrap().bad();
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        breaker
    }

    /// Asks until the pause is over. Real time: the library reads the process clock.
    fn probe(breaker: &Breaker) -> Permit<'_> {
        loop {
            if let Some(permit) = breaker.admit() {
                return permit;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_a_success_between_starts_the_count_again() {
        let breaker = breaker();
        breaker.admit().unwrap().bad();
        breaker.admit().unwrap().bad();
        breaker.admit().unwrap().good();
        breaker.admit().unwrap().bad();
        breaker.admit().unwrap().bad();
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(breaker.admit().unwrap().bad(), "the third in a row opens it");
        assert!(breaker.admit().is_none());
    }

    #[test]
    fn half_open_lets_exactly_one_probe_through() {
        let breaker = opened();
        let permit = probe(&breaker);
        assert!(permit.probe);
        for _ in 0..100 {
            assert!(breaker.admit().is_none(), "a second call while the probe is under way");
        }
        permit.good();
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(breaker.admit().is_some() && breaker.admit().is_some());
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let breaker = opened();
        probe(&breaker).bad();
        assert_eq!(breaker.state(), BreakerState::Open);
        probe(&breaker).good();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_dropped_probe_does_not_stick_half_open() {
        let breaker = opened();
        drop(probe(&breaker));
        assert_eq!(breaker.state(), BreakerState::Open);
        probe(&breaker).good();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_late_success_from_before_does_not_close_it() {
        let breaker = breaker();
        let (late, later) = (breaker.admit().unwrap(), breaker.admit().unwrap());
        for _ in 0..3 {
            breaker.admit().unwrap().bad();
        }
        late.good();
        assert_eq!(breaker.state(), BreakerState::Open);
        let permit = probe(&breaker);
        later.good();
        assert_eq!(breaker.state(), BreakerState::HalfOpen, "only the probe decides");
        permit.good();
    }

    #[test]
    fn a_dropped_call_is_no_news() {
        let breaker = breaker();
        for _ in 0..10 {
            drop(breaker.admit().unwrap());
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = Pauses { next: Duration::from_millis(100), longest: Duration::from_millis(300) };
        for (pause, most) in pauses.zip([100, 200, 300, 300]) {
            assert!(pause <= Duration::from_millis(most) && pause >= Duration::from_millis(most / 2), "{pause:?}");
        }
    }
}
