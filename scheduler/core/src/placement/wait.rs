//! How long a mission would wait in a pool's queue.

use super::snapshot::PoolLoad;

/// Run time that is assumed of a pool whose missions were never timed.
pub const UNKNOWN_SERVICE_US: i64 = 60_000_000;

/// What a decision reads of a pool, worked out when its load changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Capacity {
    /// Estimated queue wait of one more mission.
    pub(crate) wait_us: u64,
    /// Slots that count: those of live sessions, less what the region's ramp holds back.
    pub(crate) slots: u32,
    /// Slots that nobody has or waits for.
    pub(crate) free: u32,
    /// The wait is over `spill_after`, or there is no slot.
    pub(crate) saturated: bool,
    /// The pool had a live session within `down_after`.
    pub(crate) live: bool,
}

/// Clocks that the estimate needs, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    pub(crate) spill_after_us: u64,
    pub(crate) down_after_us: u64,
}

/// Backlog over capacity, times the mean run time.
///
/// The backlog of one more mission is everybody who is before it and cannot run at once, and itself. A pool without
/// slots is waited for as long as it may take until it counts as unhealthy, then as if it had one slot.
pub(crate) fn capacity(load: &PoolLoad, permille: u16, clocks: Clocks) -> Capacity {
    let all = unsigned(load.slots);
    let slots = if all == 0 { 0 } else { (all.saturating_mul(u64::from(permille)) / 1_000).max(1) };
    let busy = unsigned(load.leased).saturating_add(unsigned(load.queued));
    let service = unsigned(if load.service_us > 0 { load.service_us } else { UNKNOWN_SERVICE_US });
    let wait_us = if slots == 0 {
        clocks.down_after_us.saturating_add(busy.saturating_add(1).saturating_mul(service))
    } else if busy < slots {
        0
    } else {
        (busy - slots + 1).saturating_mul(service) / slots
    };
    let saturated = slots == 0 || wait_us > clocks.spill_after_us;
    let narrow = |slots: u64| u32::try_from(slots).unwrap_or(u32::MAX);
    Capacity { wait_us, slots: narrow(slots), free: narrow(slots.saturating_sub(busy)), saturated, live: load.live }
}

fn unsigned(figure: i64) -> u64 {
    u64::try_from(figure).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCKS: Clocks = Clocks { spill_after_us: 2_000_000, down_after_us: 6_000_000 };

    fn load(slots: i64, leased: i64, queued: i64) -> PoolLoad {
        PoolLoad { sessions: 1, slots, leased, queued, service_us: 1_000_000, live: true }
    }

    #[test]
    fn the_wait_is_the_backlog_over_the_capacity() {
        // (slots, leased, queued, thousandths) -> (slots that count, free, wait, saturated)
        let cases = [
            ((10, 0, 0, 1000), (10, 10, 0, false)),
            ((10, 9, 0, 1000), (10, 1, 0, false)),
            ((10, 10, 0, 1000), (10, 0, 100_000, false)),
            ((10, 10, 19, 1000), (10, 0, 2_000_000, false)),
            ((10, 10, 20, 1000), (10, 0, 2_100_000, true)),
            ((10, 0, 0, 100), (1, 1, 0, false)),
            ((10, 1, 0, 100), (1, 0, 1_000_000, false)),
            ((3, 0, 0, 100), (1, 1, 0, false)),
            ((0, 0, 0, 1000), (0, 0, 7_000_000, true)),
            ((0, 0, 3, 1000), (0, 0, 10_000_000, true)),
            ((-5, -1, -1, 1000), (0, 0, 7_000_000, true)),
        ];
        for ((slots, leased, queued, permille), (count, free, wait_us, saturated)) in cases {
            let got = capacity(&load(slots, leased, queued), permille, CLOCKS);
            let wanted = Capacity { slots: count, free, wait_us, saturated, live: true };
            assert_eq!(got, wanted, "{slots} slots, {leased} leased, {queued} queued, {permille}");
        }
    }

    #[test]
    fn absurd_figures_saturate_and_do_not_wrap() {
        let absurd =
            PoolLoad { sessions: 1, slots: 1, leased: i64::MAX, queued: i64::MAX, service_us: i64::MAX, live: true };
        assert_eq!(capacity(&absurd, 1000, CLOCKS).wait_us, u64::MAX);
    }

    #[test]
    fn a_pool_that_was_never_timed_is_guessed() {
        let fresh = PoolLoad { service_us: 0, ..load(1, 1, 0) };
        assert_eq!(capacity(&fresh, 1000, CLOCKS).wait_us, UNKNOWN_SERVICE_US as u64);
    }
}
