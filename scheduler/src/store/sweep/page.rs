//! Which missions a sweep looks at: one locking statement a cause.

use chrono::{DateTime, Utc};
use scheduler_client::wire;
use scheduler_core::lifecycle::{MissionFacts, Reason};
use sql::{Row, Statement, ToSql};
use topology::{DatabaseRegion, Epoch, MissionId, PoolId, RegionName, ResidencyName, SessionId, Specialization};
use uuid::Uuid;

/// The columns of a [`MissionRow`].
macro_rules! select {
    ($name:literal, $tail:literal) => {
        sql::statement!(
            $name,
            once,
            "SELECT m.id, m.state, m.specialization, m.region, m.origin, m.residency, ",
            "m.epoch, m.attempts, m.crashes, m.moves, m.max_attempts, m.max_crashes, m.session_id, m.not_before, ",
            "m.start_by, m.run_until, m.reason, m.nonce, m.submitted_at, m.residency_version ",
            "FROM missions AS m WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND ",
            $tail,
            " FOR UPDATE SKIP LOCKED"
        )
    };
}

pub(super) const LEASES_OF_SESSIONS: Statement = select!(
    "leases_of_sessions",
    "m.state = 'leased' AND m.session_id = ANY ($3::UUID[])
     ORDER BY m.rank, m.submitted_at, m.id LIMIT $2::INT8"
);

/// Leases whose session is neither live nor waiting to be settled: nothing should be found here, ever.
pub(super) const LEASES_ORPHANED: Statement = select!(
    "leases_orphaned",
    "m.state = 'leased' AND NOT EXISTS (
         SELECT 1 FROM sessions AS s
         WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = m.session_id
             AND (s.ended_at IS NULL OR s.settled_at IS NULL)
     ) LIMIT $2::INT8"
);

pub(super) const LEASES_OF_REGION: Statement = select!(
    "leases_of_region",
    "m.state = 'leased' AND m.region = $3::TEXT ORDER BY m.rank, m.submitted_at, m.id LIMIT $2::INT8"
);

/// One probe a live session: what an ended one holds goes back in any case.
pub(super) const RUN_LIMIT: Statement = select!(
    "missions_over_run_limit",
    "m.state = 'leased' AND m.run_until < $3::TIMESTAMPTZ AND m.session_id IN (
         SELECT s.id FROM sessions AS s WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.ended_at IS NULL
     ) ORDER BY m.run_until LIMIT $2::INT8"
);

pub(super) const START_BY: Statement = select!(
    "missions_over_start_by",
    "m.state IN ('pending', 'queued') AND m.start_by IS NOT NULL AND m.start_by < $3::TIMESTAMPTZ
     ORDER BY m.start_by LIMIT $2::INT8"
);

pub(super) const QUEUED: Statement = select!(
    "missions_queued_in",
    "m.state = 'queued' AND m.region = $3::TEXT AND m.specialization = $4::TEXT
     ORDER BY m.rank, m.round, m.submitted_at, m.id LIMIT $2::INT8"
);

pub(super) const PENDING: Statement = select!(
    "missions_pending_after",
    "m.state = 'pending' AND (m.submitted_at, m.id) > ($3::TIMESTAMPTZ, $4::UUID)
     ORDER BY m.submitted_at, m.id LIMIT $2::INT8"
);

pub(super) const BOUND: Statement = select!(
    "missions_bound_before",
    "m.state IN ('pending', 'queued', 'leased') AND m.residency IS NOT NULL
         AND m.residency_version < $3::INT8
     ORDER BY m.residency_version, m.id LIMIT $2::INT8"
);

/// Which missions to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// What these sessions hold, in the order in which it would be granted.
    LeasesOfSessions(Vec<SessionId>),
    /// What is held by a session that was settled or is not there at all.
    LeasesOrphaned,
    /// What is held in a region.
    LeasesOfRegion(RegionName),
    /// What runs longer than allowed at this moment of the database's clock.
    RunLimit(DateTime<Utc>),
    /// What waits longer than it may.
    StartBy(DateTime<Utc>),
    /// What waits in a pool, in the order of its queue.
    Queued(PoolId),
    /// What is pending, behind a mission.
    Pending(DateTime<Utc>, MissionId),
    /// What is under a residency rule and was decided before this residency version.
    Bound(i64),
}

impl Page {
    pub(super) const fn statement(&self) -> &'static Statement {
        match self {
            Self::LeasesOfSessions(_) => &LEASES_OF_SESSIONS,
            Self::LeasesOrphaned => &LEASES_ORPHANED,
            Self::LeasesOfRegion(_) => &LEASES_OF_REGION,
            Self::RunLimit(_) => &RUN_LIMIT,
            Self::StartBy(_) => &START_BY,
            Self::Queued(_) => &QUEUED,
            Self::Pending(..) => &PENDING,
            Self::Bound(_) => &BOUND,
        }
    }

    pub(super) fn params(&self, home: &DatabaseRegion, limit: i64) -> Vec<Box<dyn ToSql + Sync + Send>> {
        let mut params: Vec<Box<dyn ToSql + Sync + Send>> = vec![Box::new(home.to_string()), Box::new(limit)];
        match self {
            Self::LeasesOfSessions(sessions) => {
                params.push(Box::new(sessions.iter().map(|id| id.0).collect::<Vec<Uuid>>()));
            }
            Self::LeasesOrphaned => {}
            Self::LeasesOfRegion(region) => params.push(Box::new(region.to_string())),
            Self::RunLimit(at) | Self::StartBy(at) => params.push(Box::new(*at)),
            Self::Queued(pool) => {
                params.push(Box::new(pool.region.to_string()));
                params.push(Box::new(pool.specialization.to_string()));
            }
            Self::Pending(at, id) => {
                params.push(Box::new(*at));
                params.push(Box::new(id.0));
            }
            Self::Bound(version) => params.push(Box::new(*version)),
        }
        params
    }
}

/// A locked mission, as far as a decision needs it.
#[derive(Debug, Clone)]
pub struct MissionRow {
    /// Its id.
    pub id: MissionId,
    /// What the lifecycle reads.
    pub facts: MissionFacts,
    /// Which kind of agent works on it.
    pub specialization: Specialization,
    /// Where it is placed.
    pub region: Option<RegionName>,
    /// As submitted.
    pub origin: Option<wire::Origin>,
    /// Its residency rule.
    pub residency: Option<ResidencyName>,
    /// Stored with the mission.
    pub nonce: i64,
    /// When it was submitted.
    pub submitted_at: DateTime<Utc>,
    /// Why it is pending, as stored.
    pub reason: Option<String>,
    /// The residency version that it was last decided under.
    pub residency_version: i64,
}

/// Where a page ended, and whether it was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Missions on the page.
    pub rows: usize,
    /// The last one.
    pub last: Option<(DateTime<Utc>, MissionId)>,
}

/// Reads a row; none where a name in it is not one any more, which only another program could have written.
pub(super) fn mission_row(row: &Row) -> Option<MissionRow> {
    let text = |column: &str| row.get::<_, Option<String>>(column);
    Some(MissionRow {
        id: MissionId(row.get("id")),
        facts: MissionFacts {
            state: text("state")?.parse().ok()?,
            epoch: Epoch(row.get("epoch")),
            attempts: row.get("attempts"),
            crashes: row.get("crashes"),
            moves: row.get("moves"),
            max_attempts: row.get("max_attempts"),
            max_crashes: row.get("max_crashes"),
            session: row.get::<_, Option<Uuid>>("session_id").map(SessionId),
            digest: None,
            not_before: row.get("not_before"),
            start_by: row.get("start_by"),
            run_until: row.get("run_until"),
            reason: text("reason").as_deref().and_then(Reason::parse),
        },
        specialization: text("specialization")?.parse().ok()?,
        region: text("region").and_then(|name| name.parse().ok()),
        origin: text("origin").and_then(|json| serde_json::from_str(&json).ok()),
        residency: match text("residency") {
            Some(name) => Some(name.parse().ok()?),
            None => None,
        },
        nonce: row.get("nonce"),
        submitted_at: row.get("submitted_at"),
        reason: text("reason"),
        residency_version: row.get("residency_version"),
    })
}
