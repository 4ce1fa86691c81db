//! Who looks while the drill takes its course: at the probes, the abort rules and the stop file, every second, and for
//! signals.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{Event, Observed, Setup, reason_to_abort};
use crate::drill::{Drill, Probe};
use crate::journal::Probed;
use crate::tier::Gauges;

/// Time between two looks.
pub(super) const EVERY: Duration = Duration::from_secs(1);

pub(super) struct Lookout<'a, G> {
    drill: &'a Drill,
    gauges: G,
    probe_limit: Duration,
    clock: &'a (dyn Fn() -> i64 + Sync),
    stopped: &'a (dyn Fn() -> bool + Sync),
    progress: &'a (dyn Fn(Event<'_>) + Sync),
    observed: Mutex<Vec<Observed>>,
    /// Why the drill is broken off, once it is.
    broken: watch::Sender<Option<String>>,
    /// When the method began.
    method_at_us: watch::Sender<Option<i64>>,
    fault_at_us: Mutex<Option<i64>>,
}

impl<'a, G: Gauges> Lookout<'a, G> {
    pub(super) fn new(drill: &'a Drill, gauges: G, setup: &Setup<'a>) -> Self {
        Self {
            drill,
            gauges,
            probe_limit: setup.limits.probe,
            clock: setup.clock,
            stopped: setup.stopped,
            progress: setup.progress,
            observed: Mutex::default(),
            broken: watch::Sender::new(None),
            method_at_us: watch::Sender::new(None),
            fault_at_us: Mutex::default(),
        }
    }

    /// Keeps looking until it is dropped.
    pub(super) async fn keep(&self, signal: impl Future<Output = String>) -> Infallible {
        let signalled = async { self.break_off(signal.await) };
        tokio::join!(signalled, self.look_for_stop(), self.judge(), self.look());
        std::future::pending().await
    }

    /// The method begins: the probes are looked at every second, and the abort rules count.
    pub(super) fn begin(&self) {
        self.method_at_us.send_replace(Some((self.clock)()));
    }

    /// A fault was acknowledged; the first one counts.
    pub(super) fn fault(&self, at_us: i64) {
        lock(&self.fault_at_us).get_or_insert(at_us);
    }

    /// When the first fault was acknowledged.
    pub(super) fn fault_at_us(&self) -> Option<i64> {
        *lock(&self.fault_at_us)
    }

    /// Why the drill is broken off, where it is.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// Waits until it is broken off.
    pub(super) async fn until_broken(&self) {
        let mut broken = self.broken.subscribe();
        broken.wait_for(Option::is_some).await.expect("the sender is in self");
    }

    /// Waits; answers whether the drill goes on.
    pub(super) async fn pause(&self, time: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.until_broken() => false,
            () = sleep(time) => true,
        }
    }

    /// Looks at a probe once.
    pub(super) async fn look_at(&self, probe: &Probe) -> Probed {
        let figure = timeout(self.probe_limit, self.gauges.figure(probe)).await.ok().flatten();
        let holds = probe.tolerance.holds(figure);
        Probed { probe: probe.name.clone(), tolerance: probe.tolerance, figure, holds }
    }

    /// Looks at the whole hypothesis once.
    pub(super) async fn look_at_all(&self) -> Vec<Probed> {
        join_all(self.drill.hypothesis.probes.iter().map(|probe| self.observe(probe))).await
    }

    /// Everything that was seen.
    pub(super) fn take_observed(&self) -> Vec<Observed> {
        std::mem::take(&mut *lock(&self.observed))
    }

    async fn observe(&self, probe: &Probe) -> Probed {
        let probed = self.look_at(probe).await;
        let Probed { figure, holds, .. } = probed;
        let observed = Observed { at_us: (self.clock)(), probe: probe.name.clone(), figure, holds };
        (self.progress)(Event::Looked(&observed));
        lock(&self.observed).push(observed);
        probed
    }

    /// Each probe by itself, so that a slow one keeps none of the others.
    async fn look(&self) {
        self.until_method().await;
        let look_on = async |probe: &Probe| {
            let mut due = due();
            loop {
                due.tick().await;
                self.observe(probe).await;
            }
        };
        join_all(self.drill.hypothesis.probes.iter().map(look_on)).await;
    }

    async fn judge(&self) {
        let since_us = self.until_method().await;
        let mut due = due();
        while self.broken().is_none() {
            due.tick().await;
            let now_us = (self.clock)();
            let fault_at_us = self.fault_at_us();
            let reason = reason_to_abort(&self.drill.abort, &lock(&self.observed), since_us, fault_at_us, now_us);
            if let Some(reason) = reason {
                self.break_off(reason);
            }
        }
    }

    async fn look_for_stop(&self) {
        let mut due = due();
        while self.broken().is_none() {
            due.tick().await;
            if (self.stopped)() {
                self.break_off("`chaos stop` was called".to_owned());
            }
        }
    }

    /// The first reason stays.
    fn break_off(&self, reason: String) {
        self.broken.send_if_modified(|broken| {
            let first = broken.is_none();
            if first {
                (self.progress)(Event::BrokenOff { reason: &reason });
                *broken = Some(reason);
            }
            first
        });
    }

    async fn until_method(&self) -> i64 {
        let mut began = self.method_at_us.subscribe();
        let began = began.wait_for(Option::is_some).await.expect("the sender is in self");
        began.expect("it was waited for")
    }
}

fn due() -> tokio::time::Interval {
    let mut due = interval(EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    due
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}
