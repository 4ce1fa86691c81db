//! One breaker a scheduler: `failsafe`, wrapped where its own behaviour does not serve.
//!
//! - A dropped call records nothing there. So the timeout stands inside the guarded call (see `transport`), and a
//!   dropped call gives its place as probe back.
//! - Half open, it lets everybody through. So a gate of one lets a single probe through.
//! - Its success rate cannot trip in its first window. So consecutive failures count from the first call.
//! - By default it stays open for 10 to 300 s, and its backoffs know whole seconds only, from one on. Here it is half
//!   a second to ten, by an iterator of our own.
//!
//! A late answer of a call that began before the breaker opened says nothing about now, and is not counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use failsafe::failure_policy::{ConsecutiveFailures, OrElse, SuccessRateOverTimeWindow};
use failsafe::{FailurePolicy, Instrument, StateMachine, failure_policy};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Lets calls through.
    Closed,
    /// Lets one probe through.
    HalfOpen,
    /// Lets nothing through.
    Open,
}

impl BreakerState {
    const fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Closed,
            1 => Self::HalfOpen,
            _ => Self::Open,
        }
    }
}

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Opens after so many failures in a row,
    pub(crate) failures: u32,
    /// or below this share of successes with at least 20 calls, once it has watched for ten seconds.
    pub(crate) success_rate: f64,
    /// Shortest time open,
    pub(crate) open: Duration,
    /// and the longest, after failed probes.
    pub(crate) open_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { failures: 3, success_rate: 0.5, open: Duration::from_millis(500), open_max: Duration::from_secs(10) }
    }
}

type Policy = OrElse<ConsecutiveFailures<OpenTimes>, SuccessRateOverTimeWindow<OpenTimes>>;

/// How long it stays open: twice as long every time, up to a limit, each half fixed and half random.
#[derive(Clone)]
struct OpenTimes {
    next: Duration,
    max: Duration,
}

impl Iterator for OpenTimes {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let half = self.next.min(self.max) / 2;
        self.next = (self.next * 2).min(self.max);
        Some(half + half.mul_f64(rand::random()))
    }
}

/// The state as failsafe reports it, readable at any time, and the number of times that it opened.
struct Watch {
    address: String,
    state: AtomicU8,
    opened: AtomicU64,
}

impl Watch {
    fn set(&self, state: BreakerState) {
        self.state.store(state as u8, Ordering::SeqCst);
        metrics::gauge!("scheduler_client_breaker_state", "scheduler" => self.address.clone())
            .set(f64::from(state as u8));
    }

    fn get(&self) -> BreakerState {
        BreakerState::from_u8(self.state.load(Ordering::SeqCst))
    }
}

#[derive(Clone)]
struct Observer(Arc<Watch>);

impl Instrument for Observer {
    fn on_call_rejected(&self) {
        metrics::counter!("scheduler_client_breaker_rejected_total", "scheduler" => self.0.address.clone())
            .increment(1);
    }

    fn on_open(&self) {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        self.0.set(BreakerState::Open);
        tracing::warn!(scheduler = %self.0.address, "breaker open");
    }

    fn on_half_open(&self) {
        self.0.set(BreakerState::HalfOpen);
    }

    fn on_closed(&self) {
        self.0.set(BreakerState::Closed);
    }
}

/// The breaker of one scheduler.
pub(crate) struct Breaker {
    machine: StateMachine<Policy, Observer>,
    watch: Arc<Watch>,
    probe: Arc<Semaphore>,
}

/// The right to one call. Dropped without a verdict it counts as nothing.
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    opened: u64,
    _probe: Option<OwnedSemaphorePermit>,
}

impl Breaker {
    pub(crate) fn new(address: &str, settings: Settings) -> Self {
        let pauses = || OpenTimes { next: settings.open, max: settings.open_max };
        let row = failure_policy::consecutive_failures(settings.failures, pauses());
        let rate =
            failure_policy::success_rate_over_time_window(settings.success_rate, 20, Duration::from_secs(10), pauses());
        let watch = Arc::new(Watch {
            address: address.to_owned(),
            state: AtomicU8::new(BreakerState::Closed as u8),
            opened: AtomicU64::new(0),
        });
        let machine = StateMachine::new(row.or_else(rate), Observer(watch.clone()));
        Self { machine, watch, probe: Arc::new(Semaphore::new(1)) }
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.watch.get()
    }

    /// Asks for the right to one call. While the breaker is not closed there is one such right at a time.
    pub(crate) fn admit(&self) -> Option<Permit<'_>> {
        let opened = self.watch.opened.load(Ordering::SeqCst);
        let probe = match self.state() {
            BreakerState::Closed => None,
            BreakerState::HalfOpen | BreakerState::Open => Some(Arc::clone(&self.probe).try_acquire_owned().ok()?),
        };
        if !self.machine.is_call_permitted() {
            return None;
        }
        // It opened and became half open between the two looks: this call would be a second probe.
        if probe.is_none() && self.state() != BreakerState::Closed {
            return None;
        }
        Some(Permit { breaker: self, opened, _probe: probe })
    }
}

impl Permit<'_> {
    /// The scheduler answered.
    pub(crate) fn succeeded(self) {
        if self.current() {
            self.breaker.machine.on_success();
        }
    }

    /// The scheduler did not answer.
    pub(crate) fn failed(self) {
        if self.current() {
            self.breaker.machine.on_error();
        }
    }

    fn current(&self) -> bool {
        self.opened == self.breaker.watch.opened.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn breaker() -> Breaker {
        let open = Duration::from_millis(20);
        Breaker::new("test", Settings { open, open_max: open, ..Settings::default() })
    }

    fn trip(breaker: &Breaker) {
        for _ in 0..3 {
            breaker.admit().unwrap().failed();
        }
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    /// The first permit after the breaker's time; failsafe reads the real clock, so this spins on it.
    fn probe(breaker: &Breaker) -> Permit<'_> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(permit) = breaker.admit() {
                return permit;
            }
            assert!(Instant::now() < end, "never half open");
            std::thread::yield_now();
        }
    }

    #[test]
    fn three_failures_in_a_row_open_it_from_the_first_call() {
        let breaker = breaker();
        trip(&breaker);
        assert!(breaker.admit().is_none());
    }

    #[test]
    fn half_open_lets_exactly_one_probe_through() {
        let breaker = breaker();
        trip(&breaker);
        let permit = probe(&breaker);
        assert_eq!((0..100).filter_map(|_| breaker.admit()).count(), 0);
        permit.succeeded();
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(breaker.admit().is_some());
    }

    #[test]
    fn a_dropped_probe_leaves_the_place_to_the_next_one() {
        let breaker = breaker();
        trip(&breaker);
        drop(probe(&breaker));
        assert!(breaker.admit().is_some());
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let breaker = breaker();
        trip(&breaker);
        probe(&breaker).failed();
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn a_late_success_of_an_old_call_does_not_close_it() {
        let breaker = breaker();
        let old = breaker.admit().unwrap();
        trip(&breaker);
        let permit = probe(&breaker);
        old.succeeded();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        permit.succeeded();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
