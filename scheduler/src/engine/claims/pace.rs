//! How often a claimer polls when nothing wakes it.

use std::time::Duration;

/// First pause.
const SHORTEST: Duration = Duration::from_millis(250);
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(2);

/// A pause that doubles until something happens, with jitter so that claimers do not beat together.
#[derive(Debug)]
pub(super) struct Pace {
    next: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { next: SHORTEST }
    }
}

impl Pace {
    /// The next pause, between three and five quarters of its length; `jitter` is uniform in `[0, 1)`.
    pub(super) fn pause(&mut self, jitter: f64) -> Duration {
        let pause = self.next.mul_f64(0.75 + jitter / 2.0);
        self.next = (self.next * 2).min(LONGEST);
        pause
    }

    /// Something happened: start over.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_from_a_quarter_of_a_second_to_two_seconds() {
        let mut pace = Pace::default();
        let pauses: Vec<u128> = (0..6).map(|_| pace.pause(0.5).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 2000, 2000]);
        pace.reset();
        assert_eq!(pace.pause(0.5).as_millis(), 250);
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        for jitter in [0.0, 0.25, 0.999] {
            let pause = Pace::default().pause(jitter).as_secs_f64();
            assert!((0.1875..0.3125).contains(&pause), "{pause}");
        }
    }
}
