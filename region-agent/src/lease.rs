//! How long the session's leases are certainly its own: the rule by which the agent fences itself.
//!
//! The scheduler counts a session's silence from the moment a heartbeat reaches it; the agent counts from before it
//! sent the heartbeat that was answered, which is never later. At [`Lease::fence_at`], a margin before the scheduler
//! may end the session, every runner is stopped; it goes on when a later heartbeat is answered.

use std::time::Duration;

use crate::clock::Boot;

/// The clocks that a session lives by, as the scheduler told them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Silence after which the scheduler ends the session.
    pub ttl: Duration,
    /// Time between heartbeats.
    pub heartbeat: Duration,
    /// How much earlier than the scheduler the agent acts.
    pub margin: Duration,
}

impl Terms {
    /// How long after an unanswered heartbeat the next one goes, where so many before it were unanswered too: soon at
    /// first, and never later than an answered one.
    #[must_use]
    pub fn again_after(&self, unanswered: u32) -> Duration {
        (self.heartbeat / 10).saturating_mul(1 << unanswered.min(8)).min(self.heartbeat)
    }
}

/// Until when the session's leases hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// From here on runners stand still.
    pub fence_at: Boot,
    /// From here on somebody else may work on the missions.
    pub expires_at: Boot,
    /// Whether runners stand still.
    pub fenced: bool,
}

impl Lease {
    /// The lease after a heartbeat that was sent at `sent` and answered.
    #[must_use]
    pub fn renewed(terms: &Terms, sent: Boot) -> Self {
        let fence_at = sent.after(terms.ttl.saturating_sub(terms.margin));
        Self { fence_at, expires_at: sent.after(terms.ttl), fenced: false }
    }

    /// Whether runners must stand still at `now`, whatever has been noticed so far.
    #[must_use]
    pub fn is_fenced(&self, now: Boot) -> bool {
        self.fenced || now >= self.fence_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms =
        Terms { ttl: Duration::from_secs(5), heartbeat: Duration::from_secs(1), margin: Duration::from_millis(500) };

    #[test]
    fn the_fence_falls_a_margin_before_the_end_counted_from_the_sending() {
        let sent = Boot(1_000_000_000);
        let lease = Lease::renewed(&TERMS, sent);
        assert_eq!(lease.fence_at, Boot(5_500_000_000));
        assert_eq!(lease.expires_at, Boot(6_000_000_000));
        assert!(!lease.is_fenced(Boot(5_499_999_999)));
        assert!(lease.is_fenced(Boot(5_500_000_000)));
    }

    #[test]
    fn unanswered_heartbeats_come_again_soon_and_then_at_the_usual_pace() {
        let waits: Vec<_> = (0..6).map(|n| TERMS.again_after(n).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(TERMS.again_after(u32::MAX), TERMS.heartbeat);
    }

    #[test]
    fn a_margin_above_the_ttl_fences_at_once_and_never_before_the_sending() {
        let terms = Terms { margin: Duration::from_secs(9), ..TERMS };
        assert!(Lease::renewed(&terms, Boot(7)).is_fenced(Boot(7)));
    }
}
