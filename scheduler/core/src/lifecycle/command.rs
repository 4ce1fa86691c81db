//! What may be asked of a mission, and from which states.

use topology::{Epoch, SessionId};

use super::state::MissionState;
use crate::placement::Unplaceable;

/// What an agent shows when it speaks about a mission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof<'a> {
    /// The session.
    pub session: SessionId,
    /// Fencing token of its grant.
    pub epoch: Epoch,
    /// Digest of the result that it brings.
    pub digest: &'a str,
}

/// Where a mission that leaves its holder lands, as placement decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// In a pool's queue.
    Queued,
    /// Nowhere for now.
    Pending(Unplaceable),
}

/// What is asked of a mission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// A pool was found for a pending mission.
    Place,
    /// A waiting mission goes to another pool.
    Replace,
    /// No pool may take a waiting mission.
    Unplaceable(Unplaceable),
    /// A session takes it; `holds_nothing` = the session has no other lease.
    Grant {
        /// The session.
        session: SessionId,
        /// Whether the session has no other lease.
        holds_nothing: bool,
    },
    /// Its holder has done it.
    Complete(Proof<'a>),
    /// Its holder gives it up.
    Fail {
        /// Who speaks.
        proof: Proof<'a>,
        /// Whether another attempt may help.
        retryable: bool,
    },
    /// Its holder hands it back unfinished.
    Release {
        /// The session.
        session: SessionId,
        /// Fencing token of its grant.
        epoch: Epoch,
    },
    /// The reaper found it over its run limit.
    RunLimit,
    /// Its holder did not name it in a heartbeat at least two after the grant.
    Unnamed,
    /// Its holder fell silent; `charged` = while its region showed other life.
    SessionExpired {
        /// Whether its region showed other life (`health::charge`).
        charged: bool,
        /// Where it goes.
        landing: Landing,
    },
    /// Its session ended with its whole region.
    RegionLost(Landing),
    /// Its region's drain is over its deadline.
    DrainHandBack(Landing),
    /// A changed residency rule forbids its region.
    Unlawful(Landing),
    /// It waited longer than its `start_by`.
    StartByPassed,
    /// Its submitter or an operator calls it off.
    Cancel,
    /// It is submitted again.
    Retry(Landing),
}

/// A command without its particulars: what tables and filters are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is described at Command")]
pub enum CommandKind {
    Place,
    Replace,
    Unplaceable,
    Grant,
    Complete,
    Fail,
    Release,
    RunLimit,
    Unnamed,
    SessionExpired,
    RegionLost,
    DrainHandBack,
    Unlawful,
    StartByPassed,
    Cancel,
    Retry,
}

impl Command<'_> {
    /// Which command it is.
    #[must_use]
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::Place => CommandKind::Place,
            Self::Replace => CommandKind::Replace,
            Self::Unplaceable(_) => CommandKind::Unplaceable,
            Self::Grant { .. } => CommandKind::Grant,
            Self::Complete(_) => CommandKind::Complete,
            Self::Fail { .. } => CommandKind::Fail,
            Self::Release { .. } => CommandKind::Release,
            Self::RunLimit => CommandKind::RunLimit,
            Self::Unnamed => CommandKind::Unnamed,
            Self::SessionExpired { .. } => CommandKind::SessionExpired,
            Self::RegionLost(_) => CommandKind::RegionLost,
            Self::DrainHandBack(_) => CommandKind::DrainHandBack,
            Self::Unlawful(_) => CommandKind::Unlawful,
            Self::StartByPassed => CommandKind::StartByPassed,
            Self::Cancel => CommandKind::Cancel,
            Self::Retry(_) => CommandKind::Retry,
        }
    }
}

impl CommandKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Place,
        Self::Replace,
        Self::Unplaceable,
        Self::Grant,
        Self::Complete,
        Self::Fail,
        Self::Release,
        Self::RunLimit,
        Self::Unnamed,
        Self::SessionExpired,
        Self::RegionLost,
        Self::DrainHandBack,
        Self::Unlawful,
        Self::StartByPassed,
        Self::Cancel,
        Self::Retry,
    ];

    /// The states from which the command changes a mission: the filter of its statement.
    #[must_use]
    pub const fn valid_from(self) -> &'static [MissionState] {
        use MissionState::{Cancelled, Failed, Leased, Pending, Queued};
        match self {
            Self::Place => &[Pending],
            Self::Replace | Self::Grant => &[Queued],
            Self::Unplaceable | Self::StartByPassed => &[Pending, Queued],
            Self::Complete
            | Self::Fail
            | Self::Release
            | Self::RunLimit
            | Self::Unnamed
            | Self::SessionExpired
            | Self::RegionLost
            | Self::DrainHandBack
            | Self::Unlawful => &[Leased],
            Self::Cancel => &[Pending, Queued, Leased],
            Self::Retry => &[Failed, Cancelled],
        }
    }
}
