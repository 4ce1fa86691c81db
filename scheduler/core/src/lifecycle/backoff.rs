//! How long a failed mission rests.

use std::time::Duration;

/// Rest after the first failure.
pub const RETRY_BASE: Duration = Duration::from_secs(1);

/// Longest rest.
pub const RETRY_CAP: Duration = Duration::from_secs(300);

/// Rest after the given number of failures: the base, doubled by each further one, at most the cap. None after none.
#[must_use]
pub fn retry_delay(attempts: i32) -> Duration {
    if attempts <= 0 {
        return Duration::ZERO;
    }
    let doublings = (attempts - 1).min(20);
    (RETRY_BASE * (1 << doublings)).min(RETRY_CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_doubles_up_to_the_cap() {
        let seconds: Vec<u64> = (-1..=12).map(|n| retry_delay(n).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(retry_delay(i32::MAX), RETRY_CAP);
    }
}
