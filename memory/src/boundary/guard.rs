//! One guarded call: time limit inside, breaker outside.

use std::future::Future;
use std::time::Duration;

use sql::BreakerState;
use sql::breaker::{Breaker, Permit};
use sql::config::BreakerConfig;
use tokio::time::{Instant, timeout};

use super::BREAKERS;

/// Bounds of calls through one guard.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest call.
    pub timeout: Duration,
    /// An answer that took so long is given to the caller, and counts as a failure.
    pub slow: Duration,
    /// When the breaker opens, and for how long.
    pub breaker: BreakerConfig,
}

impl Limits {
    /// A time limit, slow from four fifths of it on; three failures in a row open the breaker, for 1 s at first and 10 s
    /// at most, each shortened by up to a half.
    #[must_use]
    pub fn within(timeout: Duration) -> Self {
        let breaker =
            BreakerConfig { failures: 3, open_for: Duration::from_secs(1), open_max: Duration::from_secs(10) };
        Self { timeout, slow: timeout * 4 / 5, breaker }
    }
}

/// Why a guarded call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// It was not made: its breaker is open, or another call is the one probe.
    #[error("not asked, since it did not answer before")]
    Rejected,
    /// It did not answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// It was made and failed.
    #[error(transparent)]
    Failed(E),
}

/// Stands before all calls to one place outside the region.
pub struct Guard {
    name: String,
    limits: Limits,
    breaker: Breaker,
}

/// How a call went; a label in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Answered,
    Slow,
    /// It failed for a reason of ours: the other side did its part.
    Ours,
    Failed,
    TimedOut,
    /// Nobody waits for it any more.
    Dropped,
    /// Nobody waited, and it had been slow by then.
    DroppedSlow,
}

impl Ending {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Slow => "slow",
            Self::Ours => "ours",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Dropped => "dropped",
            Self::DroppedSlow => "dropped_slow",
        }
    }
}

impl Guard {
    /// A guard whose breaker is closed. `name` is its label in metrics.
    #[must_use]
    pub fn new(name: impl Into<String>, limits: Limits) -> Self {
        let name = name.into();
        Self { breaker: Breaker::new(&BREAKERS, &name, limits.breaker), name, limits }
    }

    /// The breaker's state now.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Makes a call, unless the breaker is open or its one probe is under way. Only errors that `is_theirs` are failures of
    /// the other side. A call that is dropped, by a shorter time limit of the caller's, is one once it has been slow.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn call<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        is_theirs: impl FnOnce(&E) -> bool,
    ) -> Result<T, Error<E>> {
        let permit = self.breaker.admit().ok_or(Error::Rejected)?;
        let mut watched = Watched { guard: self, permit: Some(permit), began: Instant::now() };
        match timeout(self.limits.timeout, call).await {
            Ok(Ok(answer)) => {
                watched.end(if watched.is_slow() { Ending::Slow } else { Ending::Answered });
                Ok(answer)
            }
            Ok(Err(error)) => {
                watched.end(if is_theirs(&error) { Ending::Failed } else { Ending::Ours });
                Err(Error::Failed(error))
            }
            Err(_) => {
                watched.end(Ending::TimedOut);
                Err(Error::TimedOut(self.limits.timeout))
            }
        }
    }
}

/// A call under way.
struct Watched<'g> {
    guard: &'g Guard,
    permit: Option<Permit<'g>>,
    began: Instant,
}

impl Watched<'_> {
    fn is_slow(&self) -> bool {
        self.began.elapsed() >= self.guard.limits.slow
    }

    fn end(&mut self, ending: Ending) {
        let Some(permit) = self.permit.take() else { return };
        match ending {
            Ending::Answered | Ending::Ours => permit.good(),
            Ending::Slow | Ending::Failed | Ending::TimedOut | Ending::DroppedSlow => {
                permit.bad();
            }
            Ending::Dropped => drop(permit),
        }
        let labels = [("boundary", self.guard.name.clone()), ("ending", ending.as_str().to_owned())];
        metrics::counter!("memory_boundary_calls_total", &labels).increment(1);
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.end(if self.is_slow() { Ending::DroppedSlow } else { Ending::Dropped });
    }
}

#[cfg(test)]
mod tests;
