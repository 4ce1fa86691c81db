//! Whether every grant and every move raised the fencing token: from the history in the database alone.
//!
//! The events are read in the order of their epochs, not of their times: two gateways' clocks differ, and a token that
//! was not raised shows as one that is too near to the one before it.

use std::cmp::Reverse;

use scheduler_client::wire::MissionState;
use topology::Epoch;

use super::names::{Region, Session};

/// One event of a mission.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    pub(super) epoch: Epoch,
    pub(super) from: Option<MissionState>,
    pub(super) to: MissionState,
    pub(super) region: Option<Region>,
    /// Who held it before, where it was by that session's own word.
    pub(super) holder: Option<Session>,
}

impl Moved {
    /// By how much the epoch is above that of the event before, at least: one for a move, and one for the grant that
    /// must lie between two events of which the later one leaves `leased`.
    const fn rise(self) -> i64 {
        let fails = matches!(self.to, MissionState::Failed);
        let cancelled = matches!(self.to, MissionState::Cancelled);
        match self.from {
            // A holder's own last word keeps its epoch.
            Some(MissionState::Leased) if fails => 1,
            Some(MissionState::Leased) => 2,
            // A deadline that passed, or a place at last: nobody held it.
            Some(MissionState::Queued) if fails => 0,
            None | Some(MissionState::Pending) if !cancelled => 0,
            None
            | Some(
                MissionState::Pending
                | MissionState::Queued
                | MissionState::Succeeded
                | MissionState::Failed
                | MissionState::Cancelled,
            ) => 1,
        }
    }

    /// Whether its epoch is a new one that no grant may have.
    const fn is_own(self) -> bool {
        let by_its_holder = matches!((self.from, self.to), (Some(MissionState::Leased), MissionState::Failed));
        self.rise() > 0 && !by_its_holder
    }

    /// Whether it is what a holder's word that a run failed does.
    pub(super) fn is_failure_of(self, epoch: Epoch, session: Session) -> bool {
        let after = match self.to {
            MissionState::Queued => epoch.next(),
            MissionState::Failed => epoch,
            MissionState::Pending | MissionState::Leased | MissionState::Succeeded | MissionState::Cancelled => {
                return false;
            }
        };
        self.from == Some(MissionState::Leased) && self.holder == Some(session) && self.epoch == after
    }
}

/// The first event that did not raise the epoch, with what is wrong. `granted` are epochs under which something ran.
pub(super) fn not_raised(events: &mut [Moved], granted: impl Fn(Epoch) -> bool) -> Option<String> {
    events.sort_unstable_by_key(|event| (event.epoch, Reverse(event.rise())));
    let mut before = Epoch::INITIAL;
    for event in events {
        let least = before.0 + event.rise();
        let from = event.from.map_or("nothing", word);
        let to = word(event.to);
        if event.epoch.0 < least {
            return Some(format!("{from} to {to} with epoch {}, at least {least} was due", event.epoch));
        }
        if event.is_own() && granted(event.epoch) {
            return Some(format!("{from} to {to} with epoch {}, under which a run was granted", event.epoch));
        }
        before = event.epoch;
    }
    None
}

/// A state in words.
pub(super) const fn word(state: MissionState) -> &'static str {
    match state {
        MissionState::Pending => "pending",
        MissionState::Queued => "queued",
        MissionState::Leased => "leased",
        MissionState::Succeeded => "succeeded",
        MissionState::Failed => "failed",
        MissionState::Cancelled => "cancelled",
    }
}
