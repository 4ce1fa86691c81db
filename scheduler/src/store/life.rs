//! `heartbeats` as evidence of life: the scheduler's own, and the newest of a region's schedulers and sessions.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, RegionName, SchedulerId};

const BEAT: Statement = sql::statement!(
    "scheduler_beat",
    idempotent,
    "INSERT INTO heartbeats (crdb_region, id, kind, region, address, version, topology_version, seq, at)
     VALUES ($1::TEXT::crdb_internal_region, $2::UUID, 'scheduler', $3::TEXT, $4::TEXT, $5::TEXT, $6::INT8, 1, now())
     ON CONFLICT (crdb_region, id) DO UPDATE
     SET region = excluded.region, address = excluded.address, version = excluded.version,
         topology_version = excluded.topology_version, seq = heartbeats.seq + 1, at = excluded.at"
);

const GONE: Statement = sql::statement!(
    "scheduler_gone",
    idempotent,
    "DELETE FROM heartbeats
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND id = $2::UUID AND kind = 'scheduler'"
);

const SCHEDULERS: Statement = sql::statement!(
    "schedulers_read",
    idempotent,
    "SELECT id, region, address, version, topology_version, at FROM heartbeats
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND kind = 'scheduler' AND at >= $2::TIMESTAMPTZ"
);

/// The newest sign of life of a region, and the oldest heartbeat of a session that has not ended (its number is not
/// -1).
const REGION_LIFE: Statement = sql::statement!(
    "region_life",
    idempotent,
    "SELECT max(at) AS newest, min(CASE WHEN kind = 'session' AND seq >= 0 THEN at END) AS quietest
     FROM heartbeats WHERE crdb_region = $1::TEXT::crdb_internal_region AND region = $2::TEXT"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&BEAT, &GONE, &SCHEDULERS, &REGION_LIFE];

/// What a scheduler says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat<'a> {
    /// This process.
    pub id: SchedulerId,
    /// The region it stands in.
    pub region: &'a RegionName,
    /// Where it is reached.
    pub address: &'a str,
    /// Version of the program.
    pub version: &'a str,
    /// The topology version in force here.
    pub topology_version: i64,
}

/// A scheduler that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The process.
    pub id: SchedulerId,
    /// The region it stands in.
    pub region: RegionName,
    /// Where it is reached.
    pub address: String,
    /// Version of its program.
    pub version: String,
    /// The topology version in force there.
    pub topology_version: i64,
    /// Its last heartbeat.
    pub at: DateTime<Utc>,
}

/// What the heartbeats say of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Life {
    /// The newest one of a scheduler or session, ended or not; none where nothing was ever heard.
    pub newest: Option<DateTime<Utc>>,
    /// The oldest one of a session that has not ended; none where there is no such session.
    pub quietest_session: Option<DateTime<Utc>>,
}

/// Writes the scheduler's heartbeat.
///
/// # Errors
/// The database's.
pub async fn scheduler_beat(db: &Db, home: &DatabaseRegion, beat: &Beat<'_>) -> Result<(), sql::Error> {
    db.execute(
        &BEAT,
        &[&home.as_str(), &beat.id.0, &beat.region.as_str(), &beat.address, &beat.version, &beat.topology_version],
    )
    .await
    .map(|_| ())
}

/// Withdraws the scheduler's heartbeat.
///
/// # Errors
/// The database's.
pub async fn scheduler_gone(db: &Db, home: &DatabaseRegion, id: SchedulerId) -> Result<(), sql::Error> {
    db.execute(&GONE, &[&home.as_str(), &id.0]).await.map(|_| ())
}

/// The schedulers of a database region that were heard since a moment.
///
/// # Errors
/// The database's.
pub async fn schedulers_read(db: &Db, home: &DatabaseRegion, since: DateTime<Utc>) -> Result<Vec<Peer>, sql::Error> {
    let rows = db.query_in(Some(home), &SCHEDULERS, &[&home.as_str(), &since]).await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(Peer {
                id: SchedulerId(row.get("id")),
                region: row.get::<_, &str>("region").parse().ok()?,
                address: row.get::<_, Option<String>>("address")?,
                version: row.get::<_, Option<String>>("version").unwrap_or_default(),
                topology_version: row.get::<_, Option<i64>>("topology_version").unwrap_or_default(),
                at: row.get("at"),
            })
        })
        .collect())
}

/// What the heartbeats say of a region.
///
/// # Errors
/// The database's.
pub async fn region_life(db: &Db, home: &DatabaseRegion, region: &RegionName) -> Result<Life, sql::Error> {
    let row = db.query_opt(&REGION_LIFE, &[&home.as_str(), &region.as_str()]).await?;
    Ok(row.map_or(Life::default(), |row| Life { newest: row.get("newest"), quietest_session: row.get("quietest") }))
}
