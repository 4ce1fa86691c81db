//! The timers that nodes set.

use scheduler_client::wire::LeaseName;

/// A timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    /// A loop of a scheduler ticks.
    Tick(Loop),
    /// A claimer of a scheduler looks again, if nothing woke it since.
    Look(usize, u64),
    /// A long poll has waited for long enough.
    PollOver(u64),
    /// Hints that were gathered are sent.
    Hints,
    /// A statement is sent again, by the number of its errand.
    Again(u64),
    /// An agent registers, or sends its next heartbeat, unless it did since.
    Beat(u64),
    /// An agent looks at its lease.
    Fence,
    /// An agent looks whether it may claim.
    Claim,
    /// A run is over, unless it stood still since.
    RunOver(LeaseName, u64),
    /// Something that failed is tried again.
    Retry(u64),
    /// A client submits its next mission.
    Submit,
}

/// A loop of a scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loop {
    Beat,
    Watch,
    Load,
    Health,
    Reap,
    Sweeps,
    Orphans,
}
