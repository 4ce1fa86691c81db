//! What the loops find and move: pages of missions, locked, decided by the pure core, and written in the same
//! transaction with their events.
//!
//! A page skips rows that another scheduler has locked, and the write checks state and epoch again, so that any number
//! of schedulers may sweep the same home (P7).

mod page;
mod step;

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, RegionName, SessionId, Specialization};

pub use page::{Found, MissionRow, Page};
pub use step::{Change, Decide, Moved, Swept, Terms, Verdict, sweep};

/// Ended sessions whose leases may not all have left them yet.
const UNSETTLED: Statement = sql::statement!(
    "sessions_unsettled",
    idempotent,
    "SELECT id, region, ended_at, ended_reason FROM sessions
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND ended_at IS NOT NULL AND settled_at IS NULL
     ORDER BY ended_at LIMIT $2::INT8"
);

/// Writes down that an ended session holds nothing any more. A claim locks the live session's row, so nothing can be
/// granted to it after this saw nothing.
const SETTLE: Statement = sql::statement!(
    "sessions_settle",
    idempotent,
    "UPDATE sessions SET settled_at = now()
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND id = ANY ($2::UUID[])
         AND ended_at IS NOT NULL AND settled_at IS NULL
         AND NOT EXISTS (
             SELECT 1 FROM missions
             WHERE missions.crdb_region = $1::TEXT::crdb_internal_region AND missions.state = 'leased'
                 AND missions.session_id = sessions.id
         )"
);

/// What is due in a home: each part is one probe of an index, that of run limits one a live session.
const DUE: Statement = sql::statement!("sweep_due", idempotent, include_str!("sql/sweep_due.sql"));

const POOLS_QUEUED: Statement = sql::statement!("pools_queued", idempotent, include_str!("sql/pools_queued.sql"));

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[
    &UNSETTLED,
    &SETTLE,
    &DUE,
    &POOLS_QUEUED,
    &step::MOVE.few,
    &step::CONFIRM,
    &page::LEASES_OF_SESSIONS,
    &page::LEASES_ORPHANED,
    &page::LEASES_OF_REGION,
    &page::RUN_LIMIT,
    &page::START_BY,
    &page::QUEUED,
    &page::PENDING,
    &page::BOUND,
];

/// Pools looked at in one tick of one home.
const POOLS_MAX: i64 = 2_000;

/// An ended session that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// The session.
    pub id: SessionId,
    /// The region it ran in.
    pub region: RegionName,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Why it ended.
    pub reason: String,
}

/// What is due in a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// Ended sessions are not settled.
    pub unsettled: bool,
    /// Missions run longer than they may.
    pub over_run: bool,
    /// Missions wait longer than they may.
    pub over_wait: bool,
    /// Missions under a rule were decided under an older residency version.
    pub bound: bool,
    /// Missions are pending.
    pub pending: bool,
}

/// Asks what is due in a home: runs that should have ended by `run`, waits by `wait`.
///
/// # Errors
/// The database's.
pub async fn sweep_due(
    db: &Db,
    home: &DatabaseRegion,
    run: DateTime<Utc>,
    wait: DateTime<Utc>,
    residency_version: i64,
) -> Result<Due, sql::Error> {
    let row = db.query_one(&DUE, &[&home.as_str(), &run, &wait, &residency_version]).await?;
    Ok(Due {
        unsettled: row.get("unsettled"),
        over_run: row.get("over_run"),
        over_wait: row.get("over_wait"),
        bound: row.get("bound"),
        pending: row.get("pending"),
    })
}

/// Ended sessions of a home whose leases may not all have been moved yet, the oldest first.
///
/// # Errors
/// The database's.
pub async fn sessions_unsettled(db: &Db, home: &DatabaseRegion, limit: i64) -> Result<Vec<Unsettled>, sql::Error> {
    let rows = db.query(&UNSETTLED, &[&home.as_str(), &limit]).await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(Unsettled {
                id: SessionId(row.get("id")),
                region: row.get::<_, &str>("region").parse().ok()?,
                ended_at: row.get("ended_at"),
                reason: row.get::<_, Option<String>>("ended_reason").unwrap_or_default(),
            })
        })
        .collect())
}

/// Settles those of the sessions that hold nothing any more; returns how many did.
///
/// # Errors
/// The database's.
pub async fn sessions_settle(db: &Db, home: &DatabaseRegion, sessions: &[SessionId]) -> Result<u64, sql::Error> {
    let ids: Vec<uuid::Uuid> = sessions.iter().map(|id| id.0).collect();
    db.execute(&SETTLE, &[&home.as_str(), &ids]).await
}

/// The pools that have queued missions in a home.
///
/// # Errors
/// The database's.
pub async fn pools_queued(db: &Db, home: &DatabaseRegion) -> Result<Vec<(RegionName, Specialization)>, sql::Error> {
    let rows = db.query(&POOLS_QUEUED, &[&home.as_str(), &POOLS_MAX]).await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let (region, specialization): (Option<&str>, &str) = (row.get(0), row.get(1));
            Some((region?.parse().ok()?, specialization.parse().ok()?))
        })
        .collect())
}
