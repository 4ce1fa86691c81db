//! Statements of the scheduler, by the names that they have there, and what they return.

use scheduler_core::health::{Standing, Verb};
use scheduler_core::lifecycle::{Landing, MissionFacts, MissionState, Transition};
use scheduler_core::placement::PoolLoad;
use topology::{Epoch, SchedulerId, SessionId};

use super::message::{Lease, Says, Submit, Word};
use super::setup::{Mission, Pool, Site};
use super::time::Us;

/// One statement. Each is atomic at the instant at which the database carries it out.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    SchedulerBeat {
        id: SchedulerId,
        site: Site,
        home: Site,
    },
    /// What a view is made of: the rows of regions, loads and schedulers.
    LoadRead,
    /// Counts the pools of a region and publishes them.
    LoadPublish {
        site: Site,
    },
    RegionLife {
        site: Site,
    },
    RegionHealth {
        site: Site,
        seen: Standing,
        next: Standing,
    },
    SessionRegister {
        id: SessionId,
        site: Site,
    },
    SessionReap {
        site: Site,
        deadline: Us,
    },
    SweepDue {
        home: Site,
    },
    Page {
        home: Site,
        page: Page,
    },
    Move {
        steps: Vec<Step>,
    },
    SessionsSettle {
        sessions: Vec<SessionId>,
    },
    Submit {
        mission: NewMission,
    },
    Claim {
        pool: Pool,
        clock: Us,
        wishes: Vec<(SessionId, i64)>,
        limit: usize,
    },
    ClaimAlone {
        pool: Pool,
        clock: Us,
        sessions: Vec<SessionId>,
    },
    HeartbeatRenew {
        session: SessionId,
        seq: i64,
    },
    Leases {
        session: SessionId,
    },
    Fates {
        missions: Vec<Mission>,
    },
    Unnamed {
        leases: Vec<Lease>,
        seq: i64,
    },
    Word(Word),
}

/// Which missions a sweep looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    LeasesOfSessions(Vec<SessionId>),
    LeasesOfRegion(Site),
    LeasesOrphaned,
    Queued(Pool),
    /// Behind this mission.
    Pending(Mission),
}

/// Missions that one page shows at most.
pub(super) const PAGE: usize = 250;

/// A mission that was placed and is not yet stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewMission {
    pub(super) id: Mission,
    pub(super) asked: Submit,
    pub(super) landing: Landing,
    pub(super) pool: Option<Pool>,
    pub(super) home: Site,
    pub(super) rank: i64,
    pub(super) nonce: i64,
}

/// A transition that was decided on what a page showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) mission: Mission,
    pub(super) seen: (MissionState, Epoch),
    pub(super) next: Transition,
    pub(super) pool: Option<Pool>,
    pub(super) home: Site,
}

/// What comes back.
#[derive(Debug, Clone)]
pub(super) enum Rows {
    None,
    Look(Box<Look>),
    Life(Life),
    Ended(Vec<SessionId>),
    Due(Due),
    Page(Vec<PageRow>),
    /// Missions that changed, with the pool where they wait now.
    Moved(Vec<(Mission, Option<Pool>)>),
    /// The mission of the key, stored now or before.
    Stored(Mission),
    /// What was leased, and whether something waits there that is leased only alone.
    Granted(Vec<Granted>, bool),
    Renewed(Pulse),
    Leases(Vec<(Lease, i64)>),
    Fates(Vec<Fate>),
    /// Whether a word was accepted, now or before.
    Accepted(bool),
}

/// What a scheduler sees of the world when it looks.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    pub(super) regions: Vec<RegionRow>,
    pub(super) loads: Vec<LoadRow>,
    pub(super) schedulers: Vec<(SchedulerId, Site)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RegionRow {
    pub(super) verb: Verb,
    pub(super) drain_until: Option<Us>,
    pub(super) standing: Standing,
}

/// Published figures of a pool. `load.live` is worked out by who reads them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LoadRow {
    pub(super) load: PoolLoad,
    pub(super) alive_at: Option<Us>,
    pub(super) at: Us,
}

/// What the heartbeats say of a region.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Life {
    pub(super) newest: Option<Us>,
    pub(super) quietest: Option<Us>,
}

/// What is due in a home.
#[derive(Debug, Clone, Default)]
pub(super) struct Due {
    pub(super) unsettled: Vec<Unsettled>,
    pub(super) queued: Vec<Pool>,
    pub(super) pending: bool,
}

/// An ended session whose leases may not all have left it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsettled {
    pub(super) id: SessionId,
    pub(super) site: Site,
    pub(super) expired: bool,
}

/// A mission as a decision needs it.
#[derive(Debug, Clone)]
pub(super) struct PageRow {
    pub(super) mission: Mission,
    pub(super) facts: MissionFacts,
    pub(super) asked: Submit,
    pub(super) pool: Option<Pool>,
    pub(super) nonce: i64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Granted {
    pub(super) lease: Lease,
    pub(super) seq: i64,
    pub(super) alone: bool,
}

/// What a heartbeat came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulse {
    /// The session lives.
    Live,
    /// It has ended, or was never there.
    Ended,
    /// A greater number was heard.
    Stale,
}

/// What became of a mission.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    pub(super) mission: Mission,
    pub(super) state: MissionState,
    pub(super) epoch: Epoch,
    pub(super) session: Option<SessionId>,
}

impl Statement {
    /// The name that the scheduler gives it, by which faults choose it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::SchedulerBeat { .. } => "scheduler_beat",
            Self::LoadRead => "load_read",
            Self::LoadPublish { .. } => "load_publish",
            Self::RegionLife { .. } => "region_life",
            Self::RegionHealth { .. } => "region_health",
            Self::SessionRegister { .. } => "session_register",
            Self::SessionReap { .. } => "session_reap",
            Self::SweepDue { .. } => "sweep_due",
            Self::Page { page, .. } => page.name(),
            Self::Move { .. } => "mission_move",
            Self::SessionsSettle { .. } => "sessions_settle",
            Self::Submit { .. } => "mission_submit",
            Self::Claim { limit: 1, .. } => "mission_claim_1",
            Self::Claim { limit: 4, .. } => "mission_claim_4",
            Self::Claim { limit: 16, .. } => "mission_claim_16",
            Self::Claim { limit: 128, .. } => "mission_claim_128",
            Self::Claim { .. } => "mission_claim_512",
            Self::ClaimAlone { .. } => "mission_claim_alone",
            Self::HeartbeatRenew { .. } => "heartbeat_renew",
            Self::Leases { .. } => "mission_leases",
            Self::Fates { .. } => "mission_fates",
            Self::Word(Word { says: Says::Complete(_), .. }) => "mission_complete",
            Self::Word(Word { says: Says::Release, .. }) | Self::Unnamed { .. } => "mission_release",
        }
    }

    /// Whether it changes anything: what `*` stands for.
    pub(super) const fn writes(&self) -> bool {
        match self {
            Self::LoadRead
            | Self::RegionLife { .. }
            | Self::SweepDue { .. }
            | Self::Page { .. }
            | Self::Leases { .. }
            | Self::Fates { .. } => false,
            Self::SchedulerBeat { .. }
            | Self::LoadPublish { .. }
            | Self::RegionHealth { .. }
            | Self::SessionRegister { .. }
            | Self::SessionReap { .. }
            | Self::Move { .. }
            | Self::SessionsSettle { .. }
            | Self::Submit { .. }
            | Self::Claim { .. }
            | Self::ClaimAlone { .. }
            | Self::HeartbeatRenew { .. }
            | Self::Unnamed { .. }
            | Self::Word(_) => true,
        }
    }

    /// Whether it may be sent again when nobody knows whether it was carried out.
    pub(super) const fn idempotent(&self) -> bool {
        !matches!(
            self,
            Self::RegionHealth { .. }
                | Self::Move { .. }
                | Self::Page { .. }
                | Self::Claim { .. }
                | Self::ClaimAlone { .. }
        )
    }
}

impl Page {
    const fn name(&self) -> &'static str {
        match self {
            Self::LeasesOfSessions(_) => "leases_of_sessions",
            Self::LeasesOfRegion(_) => "leases_of_region",
            Self::LeasesOrphaned => "leases_orphaned",
            Self::Queued(_) => "missions_queued_in",
            Self::Pending(_) => "missions_pending_after",
        }
    }
}
