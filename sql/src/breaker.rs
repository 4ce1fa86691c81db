//! The circuit breaker of one gateway: `failsafe`'s state machine behind permits.
//!
//! Four behaviours of the library are mended here. A call that is dropped records nothing: a dropped probe counts as
//! failed. Half-open lets every caller through: here exactly one. A late answer to a call from before the breaker
//! opened would close it: a permit of an earlier generation is not recorded. Its pauses start at one second at least:
//! ours are any length.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use failsafe::failure_policy::{self, ConsecutiveFailures, OrElse, SuccessRateOverTimeWindow};
use failsafe::{FailurePolicy as _, Instrument, StateMachine};
use rand::RngExt as _;

use crate::config::BreakerConfig;
use crate::gateways::BreakerState;

/// A flapping gateway: below this share of good calls over [`RATE_WINDOW`] it opens too.
const RATE_REQUIRED: f64 = 0.5;
const RATE_MIN_CALLS: u32 = 20;
const RATE_WINDOW: Duration = Duration::from_secs(10);

type Policy = OrElse<ConsecutiveFailures<Pauses>, SuccessRateOverTimeWindow<Pauses>>;

/// Whether a gateway may be called.
pub(crate) struct Breaker {
    machine: StateMachine<Policy, Seen>,
    seen: Seen,
    gateway: String,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    probing: bool,
    generation: u64,
}

/// The right to make one call. Say how it went; dropped without a word it is no news, and for a probe a failure.
pub(crate) struct Permit<'b> {
    breaker: &'b Breaker,
    generation: u64,
    probe: bool,
    told: bool,
}

impl Breaker {
    pub(crate) fn new(gateway: &str, config: BreakerConfig) -> Self {
        let pauses = Pauses { next: config.open_for, longest: config.open_max.max(config.open_for) };
        let policy = failure_policy::consecutive_failures(config.failures, pauses.clone())
            .or_else(failure_policy::success_rate_over_time_window(RATE_REQUIRED, RATE_MIN_CALLS, RATE_WINDOW, pauses));
        let seen = Seen { gateway: Arc::from(gateway), state: Arc::default() };
        let machine = failsafe::Config::new().failure_policy(policy).instrument(seen.clone()).build();
        Self { machine, seen, gateway: gateway.to_owned(), calls: Mutex::default() }
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.seen.state()
    }

    /// A permit, unless the breaker is open or its one probe is under way.
    pub(crate) fn admit(&self) -> Option<Permit<'_>> {
        let mut calls = self.lock();
        if self.machine.is_call_permitted() {
            let probe = self.state() == BreakerState::HalfOpen;
            if !(probe && calls.probing) {
                calls.probing = probe;
                if probe {
                    metrics::counter!("sql_breaker_probes_total", "gateway" => self.gateway.clone()).increment(1);
                }
                return Some(Permit { breaker: self, generation: calls.generation, probe, told: false });
            }
        }
        drop(calls);
        metrics::counter!("sql_breaker_rejected_total", "gateway" => self.gateway.clone()).increment(1);
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
    /// The gateway answered, whatever it answered.
    pub(crate) fn good(mut self) {
        self.told = true;
        self.breaker.record(self.generation, self.probe, true);
    }

    /// The gateway did not answer. True when this opened the breaker.
    pub(crate) fn bad(mut self) -> bool {
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
    gateway: Arc<str>,
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
        metrics::gauge!("sql_breaker_state", "gateway" => self.gateway.to_string()).set(f64::from(value));
        metrics::counter!("sql_breaker_changes_total", "gateway" => self.gateway.to_string(), "to" => state.as_str())
            .increment(1);
    }
}

impl Instrument for Seen {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.set(BreakerState::Open);
        tracing::warn!(gateway = %self.gateway, "gateway's breaker opened");
    }

    fn on_half_open(&self) {
        self.set(BreakerState::HalfOpen);
    }

    fn on_closed(&self) {
        if self.state() != BreakerState::Closed {
            tracing::info!(gateway = %self.gateway, "gateway's breaker closed");
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
        Breaker::new("test", config)
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
