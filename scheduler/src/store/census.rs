//! Counts for operators: what a change of the topology would touch, and what is alive.

use std::collections::BTreeMap;

use sql::{Db, Statement};
use topology::{DatabaseRegion, PoolId, RegionName, Specialization};

/// Waiting missions of one pool are counted up to here.
const COUNT_MAX: i64 = 100_000;

const OPEN: Statement = sql::statement!("open_missions", idempotent, include_str!("sql/open_missions.sql"));

const WAITING: Statement = sql::statement!(
    "waiting_missions",
    idempotent,
    "SELECT count(*) FROM (
         SELECT id FROM missions
         WHERE crdb_region = $1::TEXT::crdb_internal_region AND state = 'pending' AND specialization = $2::TEXT
         LIMIT 1
     ) AS w"
);

const SESSIONS: Statement = sql::statement!(
    "sessions_by_region",
    idempotent,
    "SELECT region, count(*) AS sessions FROM sessions
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND ended_at IS NULL
     GROUP BY region"
);

/// Whether a region still has live sessions or missions that wait there or are worked on.
const IN_USE: Statement = sql::statement!(
    "region_in_use",
    idempotent,
    "SELECT EXISTS (
         SELECT 1 FROM sessions AS s
         WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.region = $2::TEXT AND s.ended_at IS NULL
     ) OR EXISTS (
         SELECT 1 FROM missions AS m
         WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'queued' AND m.region = $2::TEXT
     ) OR EXISTS (
         SELECT 1 FROM missions AS m
         WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'leased' AND m.region = $2::TEXT
     ) AS used"
);

/// The oldest pending missions of a home, by specialization. $1 home  $2 at most so many
const PENDING: Statement = sql::statement!(
    "pending_missions",
    idempotent,
    "SELECT p.specialization, count(*) AS missions
     FROM (
         SELECT m.specialization FROM missions AS m
         WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'pending'
         ORDER BY m.submitted_at, m.id LIMIT $2::INT8
     ) AS p
     GROUP BY p.specialization"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&OPEN, &WAITING, &SESSIONS, &IN_USE, &PENDING];

/// Pending missions of one home are counted up to here.
const PENDING_MAX: i64 = 5_000;

/// Open missions of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open {
    /// Waiting.
    pub queued: i64,
    /// Being worked on.
    pub leased: i64,
}

/// Open missions of pools in one home.
///
/// # Errors
/// The database's.
pub async fn missions_open(
    db: &Db,
    home: &DatabaseRegion,
    pools: &[PoolId],
) -> Result<BTreeMap<PoolId, Open>, sql::Error> {
    let regions: Vec<&str> = pools.iter().map(|pool| pool.region.as_str()).collect();
    let names: Vec<&str> = pools.iter().map(|pool| pool.specialization.as_str()).collect();
    let rows = db.query_in(Some(home), &OPEN, &[&home.as_str(), &regions, &names, &COUNT_MAX]).await?;
    let of = |row: &sql::Row| {
        let pool = PoolId {
            region: row.get::<_, &str>("region").parse().ok()?,
            specialization: row.get::<_, &str>("specialization").parse().ok()?,
        };
        Some((pool, Open { queued: row.get("queued"), leased: row.get("leased") }))
    };
    Ok(rows.iter().filter_map(of).collect())
}

/// Whether missions of a specialization wait as pending in a home.
///
/// # Errors
/// The database's.
pub async fn missions_wait(db: &Db, home: &DatabaseRegion, of: &Specialization) -> Result<bool, sql::Error> {
    let row = db.query_one(&WAITING, &[&home.as_str(), &of.as_str()]).await?;
    Ok(row.get::<_, i64>(0) > 0)
}

/// Pending missions of a home by specialization, the oldest 5,000.
///
/// # Errors
/// The database's.
pub async fn missions_pending(db: &Db, home: &DatabaseRegion) -> Result<BTreeMap<Specialization, i64>, sql::Error> {
    let rows = db.query(&PENDING, &[&home.as_str(), &PENDING_MAX]).await?;
    let of = |row: &sql::Row| Some((row.get::<_, &str>("specialization").parse().ok()?, row.get("missions")));
    Ok(rows.iter().filter_map(of).collect())
}

/// Live sessions of a home by region.
///
/// # Errors
/// The database's.
pub async fn sessions_by_region(db: &Db, home: &DatabaseRegion) -> Result<BTreeMap<RegionName, i64>, sql::Error> {
    let rows = db.query_in(Some(home), &SESSIONS, &[&home.as_str()]).await?;
    Ok(rows.iter().filter_map(|row| Some((row.get::<_, &str>("region").parse().ok()?, row.get("sessions")))).collect())
}

/// Whether a region still has live sessions or open missions in a home.
///
/// # Errors
/// The database's.
pub async fn region_in_use(db: &Db, home: &DatabaseRegion, region: &RegionName) -> Result<bool, sql::Error> {
    Ok(db.query_one(&IN_USE, &[&home.as_str(), &region.as_str()]).await?.get(0))
}
