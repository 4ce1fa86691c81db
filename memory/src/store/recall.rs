//! `memory_recalls`: what missions were shown, and what came of them. The lines are written with the results themselves.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, MissionId, RegionName, Specialization};
use uuid::Uuid;

use super::Shown;
use crate::model::MemoryId;

/// Since when, newest first. $1 home  $2 since  $3 residencies that may be shown  $4 most
const SINCE: Statement = sql::statement!(
    "memory_recalls_since",
    idempotent,
    "SELECT r.mission_id, r.specialization, r.region, r.agent, r.with_memory, r.shown, r.used, r.success,
            r.resolution_minutes, r.at
     FROM memory_recalls AS r
     WHERE r.crdb_region = $1::TEXT::crdb_internal_region AND r.at >= $2::TIMESTAMPTZ
       AND COALESCE(r.residency, '') = ANY ($3::TEXT[])
     ORDER BY r.at DESC LIMIT $4::INT8"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&SINCE];

/// A line of the recall log.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalled {
    /// The mission.
    pub mission: MissionId,
    /// Kind of agent that ran it.
    pub specialization: Specialization,
    /// Region of its pool.
    pub region: Option<RegionName>,
    /// The agent.
    pub agent: String,
    /// False where recall was left out, to compare.
    pub with_memory: bool,
    /// What it was shown.
    pub shown: Vec<MemoryId>,
    /// Of this, what it used.
    pub used: Vec<MemoryId>,
    /// How it ended.
    pub success: bool,
    /// Minutes from lease to end.
    pub minutes: Option<f64>,
    /// When it ended.
    pub at: DateTime<Utc>,
}

/// The recall log of one home since a moment, newest first, at most `most` lines.
///
/// # Errors
/// As [`Db::query`].
pub async fn recalls_since(
    db: &Db,
    home: &DatabaseRegion,
    since: DateTime<Utc>,
    shown: &Shown,
    most: i64,
) -> Result<Vec<Recalled>, sql::Error> {
    let rows = db.query(&SINCE, &[&home.as_str(), &since, shown.names(), &most]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &sql::Row) -> Result<Recalled, sql::Error> {
    let ids = |column| Ok::<_, sql::Error>(row.try_get::<_, Vec<Uuid>>(column)?.into_iter().map(MemoryId).collect());
    let name = |column: &str| row.try_get::<_, String>(column);
    Ok(Recalled {
        mission: MissionId(row.try_get("mission_id")?),
        specialization: name("specialization")?.parse().expect("only names of specializations are stored"),
        region: row
            .try_get::<_, Option<String>>("region")?
            .map(|name| name.parse().expect("only names of regions are stored")),
        agent: name("agent")?,
        with_memory: row.try_get("with_memory")?,
        shown: ids("shown")?,
        used: ids("used")?,
        success: row.try_get("success")?,
        minutes: row.try_get("resolution_minutes")?,
        at: row.try_get("at")?,
    })
}
