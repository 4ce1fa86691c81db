//! Runs one loop: a jittered period, a time limit for each tick, metrics, and a stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::refusal::Refusal;

/// A tick that takes longer is dropped; the next one begins anew.
const TICK_MAX: Duration = Duration::from_secs(20);

/// A loop rests at least this multiple of the time that its tick took, so that it never takes the database for itself.
const REST: u32 = 2;

pub(super) struct Ticker {
    name: &'static str,
    period: Duration,
    stop: CancellationToken,
    /// What also starts a tick.
    wake: Option<watch::Receiver<u64>>,
}

impl Ticker {
    pub(super) const fn new(name: &'static str, period: Duration, stop: CancellationToken) -> Self {
        Self { name, period, stop, wake: None }
    }

    /// Also ticks at once when this changes.
    pub(super) fn woken_by(self, wake: watch::Receiver<u64>) -> Self {
        Self { wake: Some(wake), ..self }
    }

    /// Ticks until stopped. A tick answers whether it left work behind: then the next one follows at once.
    pub(super) async fn run<F>(mut self, context: Arc<Context>, tick: impl Fn(Arc<Context>) -> F + Send + 'static)
    where
        F: Future<Output = Result<More, Refusal>> + Send,
    {
        loop {
            let started = Instant::now();
            let more = self.once(tick(Arc::clone(&context))).await;
            let took = started.elapsed();
            metrics::histogram!("scheduler_loop_seconds", "loop" => self.name).record(took.as_secs_f64());
            let rest = if more == More::Left { Duration::ZERO } else { self.rest(took) };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(rest) => {}
                () = woken(&mut self.wake) => {}
            }
            if self.stop.is_cancelled() {
                return;
            }
        }
    }

    async fn once(&self, tick: impl Future<Output = Result<More, Refusal>>) -> More {
        let outcome = tokio::time::timeout(TICK_MAX, tick).await;
        let why = match outcome {
            Ok(Ok(more)) => return more,
            Ok(Err(refusal)) => refusal.code(),
            Err(_) => "timed_out",
        };
        metrics::counter!("scheduler_loop_failures_total", "loop" => self.name, "why" => why).increment(1);
        tracing::warn!(r#loop = self.name, why, "a tick failed; the next one begins anew");
        More::Done
    }

    /// The period give or take a tenth, less what the tick took.
    fn rest(&self, took: Duration) -> Duration {
        let period = self.period.mul_f64(rand::random_range(0.9..1.1));
        period.saturating_sub(took).max((took * REST).min(self.period * 10).min(period))
    }
}

/// Ends when the watched value changes; never where there is none.
async fn woken(wake: &mut Option<watch::Receiver<u64>>) {
    if let Some(wake) = wake
        && wake.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Whether a tick left work behind that it could have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    /// Nothing is left, or nothing that could be done now.
    Done,
    /// There is more of the same.
    Left,
}

impl More {
    /// Whether either left work behind.
    pub(super) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done, Self::Done) => Self::Done,
            (Self::Left, _) | (_, Self::Left) => Self::Left,
        }
    }
}
