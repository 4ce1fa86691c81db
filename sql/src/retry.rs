//! How often and how long something is tried again. The only place that names `backoff`, whose own defaults go on for
//! a quarter of an hour.

use std::time::{Duration, Instant};

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// Most tries after the first one.
pub(crate) const CONFLICT_RETRIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_WHOLE: Duration = Duration::from_secs(5);

/// The pauses of one call: growing, jittered, few.
pub(crate) struct Retry {
    label: &'static str,
    pauses: ExponentialBackoff,
    left: u32,
}

impl Retry {
    /// For a call that may be repeated at once. `label` names the statement in the metric.
    pub(crate) fn new(label: &'static str) -> Self {
        Self::with_limits(label, CONFLICT_RETRIES, FIRST_PAUSE, LONGEST_WHOLE)
    }

    /// As [`Retry::new`] with limits of its own: schema changes are slower than rows.
    pub(crate) fn with_limits(label: &'static str, retries: u32, first: Duration, whole: Duration) -> Self {
        let pauses = ExponentialBackoff {
            current_interval: first,
            initial_interval: first,
            randomization_factor: 0.5,
            multiplier: 2.0,
            max_interval: LONGEST_PAUSE,
            max_elapsed_time: Some(whole),
            start_time: Instant::now(),
            ..ExponentialBackoff::default()
        };
        Self { label, pauses, left: retries }
    }

    /// Waits before the next try and counts it; false when there is none.
    pub(crate) async fn pause(&mut self) -> bool {
        let Some(pause) = self.next_pause() else { return false };
        metrics::counter!("sql_retries_total", "statement" => self.label).increment(1);
        tokio::time::sleep(pause).await;
        true
    }

    fn next_pause(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        self.pauses.next_backoff()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_end_after_the_cap_and_stay_short() {
        let mut retry = Retry::new("any");
        let pauses: Vec<Duration> = std::iter::from_fn(|| retry.next_pause()).collect();
        assert_eq!(pauses.len(), CONFLICT_RETRIES as usize);
        assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE * 3 / 2), "{pauses:?}");
        assert!(retry.next_pause().is_none());
    }

    #[test]
    fn retries_end_when_the_whole_time_is_over() {
        let mut retry = Retry::with_limits("any", 1_000, Duration::from_millis(1), Duration::ZERO);
        assert!(retry.next_pause().is_none());
    }
}
