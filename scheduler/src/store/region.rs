//! `region_states`: the operator's verb and the observed health of every region. GLOBAL, so that every scheduler reads
//! it at home.

use chrono::{DateTime, Utc};
use scheduler_core::health::{Standing, Verb};
use sql::{Db, Row, Statement};
use topology::RegionName;

const READ: Statement = sql::statement!(
    "region_read",
    idempotent,
    "SELECT region, verb, verb_reason, verb_by, verb_at, drain_until, health, health_at,
     returned_at FROM region_states"
);

/// Makes the rows of regions that are new in the topology.
const ENSURE: Statement = sql::statement!(
    "region_ensure",
    idempotent,
    "INSERT INTO region_states (region, verb, verb_reason, verb_by, verb_at, health, health_at, health_by)
     SELECT n.region, 'none', '', $2::TEXT, now(), 'unknown', now(), $2::TEXT FROM unnest($1::TEXT[]) AS n (region)
     ON CONFLICT (region) DO NOTHING"
);

/// Compare-and-set on the verb that was seen, with its history row.
const VERB: Statement = sql::statement!("region_verb", once, include_str!("sql/region_verb.sql"));

/// Compare-and-set on the health that was seen, with its history row.
const HEALTH: Statement = sql::statement!("region_health", once, include_str!("sql/region_health.sql"));

/// Takes the row of a region away that left the topology, with its history row, while that topology is in force. A cordon
/// stays: a region that comes back is not uncordoned by that.
const FORGET: Statement = sql::statement!("region_forget", once, include_str!("sql/region_forget.sql"));

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&READ, &ENSURE, &VERB, &HEALTH, &FORGET];

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionRow {
    /// The region.
    pub region: RegionName,
    /// The operator's wish.
    pub verb: Verb,
    /// Why.
    pub verb_reason: String,
    /// Whose wish.
    pub verb_by: String,
    /// Since when.
    pub verb_at: DateTime<Utc>,
    /// When a drain hands back what is left.
    pub drain_until: Option<DateTime<Utc>>,
    /// What the heartbeats show, and since when.
    pub standing: Standing,
}

/// A wish of an operator.
#[derive(Debug, Clone, Copy)]
pub struct NewVerb<'a> {
    /// What is wished.
    pub verb: Verb,
    /// Why.
    pub reason: &'a str,
    /// Whose wish.
    pub actor: &'a str,
    /// For a drain: time until what is left is handed back.
    pub deadline_ms: Option<i64>,
}

/// All rows. A row that this program cannot read (from a newer one) is left out.
///
/// # Errors
/// The database's.
pub async fn regions_read(db: &Db) -> Result<Vec<RegionRow>, sql::Error> {
    Ok(db.query(&READ, &[]).await?.iter().filter_map(region_row).collect())
}

/// Makes the rows that are missing.
///
/// # Errors
/// The database's.
pub async fn regions_ensure(db: &Db, regions: &[RegionName], actor: &str) -> Result<u64, sql::Error> {
    let names: Vec<&str> = regions.iter().map(RegionName::as_str).collect();
    db.execute(&ENSURE, &[&names, &actor]).await
}

/// Sets the verb if it is still the one that was seen; returns whether it was.
///
/// # Errors
/// The database's.
pub async fn region_verb(db: &Db, seen: &RegionRow, new: &NewVerb<'_>) -> Result<bool, sql::Error> {
    let row = db
        .query_opt(
            &VERB,
            &[
                &seen.region.as_str(),
                &seen.verb.as_str(),
                &seen.verb_at,
                &new.verb.as_str(),
                &new.reason,
                &new.actor,
                &new.deadline_ms,
            ],
        )
        .await?;
    Ok(row.is_some())
}

/// Sets the health if it is still the one that was seen; returns whether it was.
///
/// # Errors
/// The database's.
pub async fn region_health(
    db: &Db,
    seen: &RegionRow,
    next: &Standing,
    actor: &str,
    why: &str,
) -> Result<bool, sql::Error> {
    let row = db
        .query_opt(
            &HEALTH,
            &[
                &seen.region.as_str(),
                &seen.standing.health.as_str(),
                &seen.standing.since,
                &next.health.as_str(),
                &actor,
                &why,
                &next.returned_at,
            ],
        )
        .await?;
    Ok(row.is_some())
}

/// Forgets a region that is not in the topology of a version, if that is still in force and the region's row still says
/// what was seen and does not cordon it; returns whether it went.
///
/// # Errors
/// The database's.
pub async fn region_forget(db: &Db, seen: &RegionRow, topology_version: i64, actor: &str) -> Result<bool, sql::Error> {
    let params: sql::Params<'_> = &[&seen.region.as_str(), &seen.verb_at, &actor, &topology_version];
    let row = db.query_opt(&FORGET, params).await?;
    Ok(row.is_some())
}

fn region_row(row: &Row) -> Option<RegionRow> {
    Some(RegionRow {
        region: row.get::<_, &str>("region").parse().ok()?,
        verb: row.get::<_, &str>("verb").parse().ok()?,
        verb_reason: row.get("verb_reason"),
        verb_by: row.get("verb_by"),
        verb_at: row.get("verb_at"),
        drain_until: row.get("drain_until"),
        standing: Standing {
            health: row.get::<_, &str>("health").parse().ok()?,
            since: row.get("health_at"),
            returned_at: row.get("returned_at"),
        },
    })
}
