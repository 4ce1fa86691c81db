//! Pauses between the laps of a call. The only place that touches `backoff`, whose own default goes on for 15 minutes.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

use crate::config::Limits;

/// Longest pause that a scheduler may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// The pauses of one call: they double from [`Limits::pause`] to [`Limits::pause_max`], each times 0.5 to 1.5.
///
/// They never end by themselves: the caller counts tries and time.
#[derive(Debug)]
pub struct Pauses(ExponentialBackoff);

impl Pauses {
    /// The pauses of one call under these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let mut backoff = ExponentialBackoff {
            initial_interval: limits.pause,
            current_interval: limits.pause,
            max_interval: limits.pause_max,
            multiplier: 2.0,
            randomization_factor: 0.5,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        backoff.reset();
        Self(backoff)
    }

    /// The next pause, not shorter than what the scheduler asked for.
    pub fn next(&mut self, retry_after: Option<Duration>) -> Duration {
        let own = self.0.next_backoff().expect("without a time limit there is always a next pause");
        own.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_jitter_up_to_the_limit_and_honour_retry_after() {
        let limits =
            Limits { pause: Duration::from_millis(100), pause_max: Duration::from_millis(400), ..Limits::default() };
        let mut pauses = Pauses::new(&limits);
        for middle in [100u64, 200, 400, 400, 400] {
            let pause = pauses.next(None);
            let range = Duration::from_millis(middle / 2)..=Duration::from_millis(middle * 3 / 2 + 1);
            assert!(range.contains(&pause), "{pause:?} is not in {range:?}");
        }
        assert_eq!(pauses.next(Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(pauses.next(Some(Duration::from_secs(3600))), RETRY_AFTER_MAX);
    }
}
