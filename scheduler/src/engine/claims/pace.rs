//! How often a claimer polls when nothing wakes it, and how much it asks for at once.

use std::time::Duration;

use crate::store::mission::CLAIM_LIMITS;

/// First pause.
const SHORTEST: Duration = Duration::from_millis(250);
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(2);
/// Longest pause in a line of another region, of whose work no hint comes here: its agents have come for want of a
/// scheduler of their own.
const LONGEST_UNTOLD: Duration = Duration::from_millis(500);

/// A pause that doubles until something happens, with jitter so that claimers do not beat together.
#[derive(Debug)]
pub(super) struct Pace {
    next: Duration,
    longest: Duration,
}

impl Pace {
    /// The pace of a line; `told` = hints of its work come here.
    pub(super) const fn new(told: bool) -> Self {
        Self { next: SHORTEST, longest: if told { LONGEST } else { LONGEST_UNTOLD } }
    }

    /// The next pause, between three and five quarters of its length; `jitter` is uniform in `[0, 1)`.
    pub(super) fn pause(&mut self, jitter: f64) -> Duration {
        let pause = self.next.mul_f64(0.75 + jitter / 2.0);
        self.next = (self.next * 2).min(self.longest);
        pause
    }

    /// Something happened: start over.
    pub(super) fn reset(&mut self) {
        self.next = SHORTEST;
    }
}

/// How many missions a claim asks for at most: an index into [`CLAIM_LIMITS`].
///
/// What a statement costs grows with what is asked for, and agents with hundreds of free slots ask for hundreds though
/// one mission waits. So a claim asks for little, and for more as long as all of it is granted; after one that nobody
/// heard the end of, for one: what such a claim grants is held by nobody until two heartbeats have not named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width(usize);

impl Default for Width {
    /// 16.
    fn default() -> Self {
        Self(2)
    }
}

impl Width {
    /// 1.
    pub(super) const LEAST: Self = Self(0);

    pub(super) const fn limit(self) -> usize {
        CLAIM_LIMITS[self.0]
    }

    /// The width of the next claim, after one that was granted so many of so many wishes.
    pub(super) fn after(self, wished: usize, granted: usize) -> Self {
        if granted == self.limit() {
            return Self((self.0 + 1).min(CLAIM_LIMITS.len() - 1));
        }
        // What was wished for was less than it might have been: nothing is known of the queue.
        if granted == wished {
            return self;
        }
        let enough = CLAIM_LIMITS.iter().position(|limit| *limit > granted).unwrap_or(CLAIM_LIMITS.len() - 1);
        // After a claim that nobody heard of it grows by what is granted alone.
        Self(enough.max(self.0.min(Self::default().0)))
    }
}

/// Answered looks after which an unanswered one is forgotten.
const FORGETS_AFTER: u32 = 8;

/// Looks that the database did not answer, lately. One alone is chance; where it is more, those who wait are better served
/// by another scheduler.
#[derive(Debug, Default)]
pub(super) struct Silence {
    unanswered: u32,
    answered_since: u32,
}

impl Silence {
    pub(super) const fn answered(&mut self) {
        self.answered_since = self.answered_since.saturating_add(1);
        if self.answered_since >= FORGETS_AFTER {
            self.unanswered = 0;
        }
    }

    /// Counts one; whether it is the only one lately.
    pub(super) const fn is_chance(&mut self) -> bool {
        self.unanswered = self.unanswered.saturating_add(1);
        self.answered_since = 0;
        self.unanswered == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_asks_for_more_while_all_is_granted_and_for_less_after() {
        let width = Width::default();
        assert_eq!(width.limit(), 16);
        assert_eq!(width.after(16, 16).limit(), 128);
        assert_eq!(width.after(16, 16).after(128, 128).after(512, 512).limit(), 512);
        assert_eq!(width.after(16, 3).limit(), 16);
        assert_eq!(width.after(16, 16).after(128, 16).limit(), 128);
        assert_eq!(width.after(16, 16).after(128, 15).limit(), 16);
        assert_eq!(width.after(2, 2).limit(), 16, "two wishes tell nothing of the queue");
        assert_eq!(Width::LEAST.after(1, 1).limit(), 4);
        assert_eq!(Width::LEAST.after(1, 0).limit(), 1, "it grows by what is granted alone");
        assert_eq!(Width::LEAST.after(1, 1).after(4, 2).limit(), 4);
    }

    #[test]
    fn it_doubles_from_a_quarter_of_a_second_to_two_seconds() {
        let mut pace = Pace::new(true);
        let pauses: Vec<u128> = (0..6).map(|_| pace.pause(0.5).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 2000, 2000]);
        pace.reset();
        assert_eq!(pace.pause(0.5).as_millis(), 250);
        let mut untold = Pace::new(false);
        let pauses: Vec<u128> = (0..3).map(|_| untold.pause(0.5).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 500], "nobody tells of work there");
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        for jitter in [0.0, 0.25, 0.999] {
            let pause = Pace::new(true).pause(jitter).as_secs_f64();
            assert!((0.1875..0.3125).contains(&pause), "{pause}");
        }
    }

    #[test]
    fn a_silence_is_chance_unless_another_was_a_few_looks_before() {
        let mut silence = Silence::default();
        assert!(silence.is_chance());
        (1..FORGETS_AFTER).for_each(|_| silence.answered());
        assert!(!silence.is_chance());
        assert!(!silence.is_chance());
        (0..FORGETS_AFTER).for_each(|_| silence.answered());
        assert!(silence.is_chance());
    }
}
