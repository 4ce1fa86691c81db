//! How fast missions may be moved.

use std::collections::BTreeMap;
use std::time::Duration;

use topology::RegionName;

/// What a tick may move into each region: its free slots plus a rate, shared out over the schedulers that move.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    left: BTreeMap<RegionName, i64>,
}

impl Budget {
    /// Missions a second into one region, over all schedulers, beside its free slots.
    pub const RATE_PER_S: u64 = 5_000;

    /// Longest time that counts as passed since the tick before: a loop that stood still does not come back with a
    /// flood.
    pub const LONGEST_TICK: Duration = Duration::from_secs(1);

    /// Nothing may be moved until the first tick is begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a tick: `since_last` after the tick before it, shared by so many live `schedulers`, with the `free`
    /// slots by target region. Each gets at least one mission into every region, so that all get on. What the tick
    /// before left is lost.
    pub fn refill(
        &mut self,
        since_last: Duration,
        schedulers: usize,
        free: impl IntoIterator<Item = (RegionName, i64)>,
    ) {
        let micros = since_last.min(Self::LONGEST_TICK).as_micros() as i64;
        let rate = Self::RATE_PER_S as i64 * micros / 1_000_000;
        let share = i64::try_from(schedulers).unwrap_or(i64::MAX).max(1);
        let left = free.into_iter().map(|(region, free)| (region, (free.max(0).saturating_add(rate) / share).max(1)));
        self.left = left.collect();
    }

    /// How many more may go to a region in this tick; none to a region that was not named.
    #[must_use]
    pub fn left(&self, region: &RegionName) -> i64 {
        self.left.get(region).copied().unwrap_or(0)
    }

    /// Takes one; false where nothing is left.
    pub fn take(&mut self, region: &RegionName) -> bool {
        match self.left.get_mut(region) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_moves_the_free_slots_and_its_share_of_the_rate() {
        let region: RegionName = "us-west".parse().unwrap();
        // (milliseconds, schedulers, free slots) -> missions
        let cases = [
            ((100, 1, 0), 500),
            ((100, 1, 40), 540),
            ((100, 5, 40), 108),
            ((60_000, 1, 0), 5_000),
            ((0, 9, 0), 1),
            ((100, 0, -7), 500),
        ];
        for ((ms, schedulers, free), wanted) in cases {
            let mut budget = Budget::new();
            budget.refill(Duration::from_millis(ms), schedulers, [(region.clone(), free)]);
            assert_eq!(budget.left(&region), wanted, "{ms} ms, {schedulers} schedulers, {free} free");
        }
    }

    #[test]
    fn what_is_taken_is_gone() {
        let (region, other) = ("us-west".parse().unwrap(), "us-east".parse().unwrap());
        let mut budget = Budget::new();
        budget.refill(Duration::ZERO, 1, [(region, 2)]);
        let region = "us-west".parse().unwrap();
        assert_eq!([budget.take(&region), budget.take(&region), budget.take(&region)], [true, true, false]);
        assert!(!budget.take(&other));
    }
}
