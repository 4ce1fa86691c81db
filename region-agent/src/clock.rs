//! The clock that leases are judged by: it goes on while the machine sleeps, and every process reads the same one.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment of the machine's clock since boot, in nanoseconds. Means nothing on another machine or after a reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boot(pub u64);

impl Boot {
    /// The moment `by` later.
    #[must_use]
    pub const fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by.as_nanos() as u64))
    }

    /// How long until `later`; zero when it is past.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }
}

/// Where the time comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// `CLOCK_BOOTTIME` on Linux, `CLOCK_MONOTONIC` elsewhere.
    #[default]
    Machine,
    /// tokio's clock since the given moment, which tests can pause.
    Tokio(tokio::time::Instant),
}

impl Clock {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Boot {
        match self {
            Self::Machine => machine_now(),
            Self::Tokio(start) => Boot(start.elapsed().as_nanos() as u64),
        }
    }
}

/// Now, by the machine's clock.
#[must_use]
pub fn machine_now() -> Boot {
    #[cfg(target_os = "linux")]
    let id = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    let id = ClockId::CLOCK_MONOTONIC;
    let time = clock_gettime(id).expect("the kernel has this clock since 2.6.39");
    Boot(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clock_moves_forward() {
        let early = machine_now();
        assert!(machine_now() >= early);
        assert!(early > Boot(0));
    }

    #[test]
    fn a_past_moment_is_zero_away() {
        assert_eq!(Boot(5).until(Boot(3)), Duration::ZERO);
        assert_eq!(Boot(3).until(Boot(5)), Duration::from_nanos(2));
    }
}
