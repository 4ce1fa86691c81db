//! `memory_recalls` again: which missions used what, as far as that is not counted for lessons yet. Whatever changes such a
//! line gives it another `count_at`.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, MissionId, ResidencyName};
use uuid::Uuid;

use super::Shown;
use super::row::uuids;
use crate::model::MemoryId;

/// What is to be counted by now, the longest due first. $1 home  $2 residencies that may be read  $3 clock  $4 most
const DUE: Statement = sql::statement!(
    "memory_uses_due",
    idempotent,
    "SELECT r.mission_id, r.used, r.success, r.residency, r.count_at, r.counted, r.counted_success
     FROM memory_recalls AS r
     WHERE r.crdb_region = $1::TEXT::crdb_internal_region AND r.count_at IS NOT NULL
       AND r.count_at <= $3::TIMESTAMPTZ AND COALESCE(r.residency, '') = ANY ($2::TEXT[])
     ORDER BY r.count_at, r.mission_id LIMIT $4::INT8"
);

/// Puts lines off that have not changed. $1 home  $2 missions  $3 when each was to be counted  $4 pause, milliseconds
const POSTPONE: Statement = sql::statement!(
    "memory_uses_postpone",
    idempotent,
    "UPDATE memory_recalls AS r SET count_at = now() + $4::INT8 * INTERVAL '1 millisecond'
     FROM unnest($2::UUID[], $3::TIMESTAMPTZ[]) AS w (mission_id, count_at)
     WHERE r.crdb_region = $1::TEXT::crdb_internal_region AND r.mission_id = w.mission_id AND r.count_at = w.count_at"
);

/// Which memories a home has, and what stands for them: names alone, whatever rule they are under. $1 home  $2 ids
const ELDERS: Statement = sql::statement!(
    "memory_elders",
    idempotent,
    "SELECT m.id, COALESCE(m.merged_into, m.id) AS elder FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[])"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&DUE, &POSTPONE, &ELDERS];

/// A mission that used memories, as its line of the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The mission.
    pub mission: MissionId,
    /// What it used.
    pub used: Vec<MemoryId>,
    /// How it ended, as far as is known by now.
    pub success: bool,
    /// The rule that the mission was under.
    pub residency: Option<ResidencyName>,
    /// When it was to be counted.
    pub count_at: DateTime<Utc>,
    /// Lessons that count it already, ...
    pub counted: Vec<Uuid>,
    /// ... as a success or a failure.
    pub counted_success: bool,
}

/// What is to be counted in one home, at most `most` missions.
///
/// # Errors
/// As [`Db::query`].
pub async fn uses_due(
    db: &Db,
    home: &DatabaseRegion,
    shown: &Shown,
    clock: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Use>, sql::Error> {
    let rows = db.query(&DUE, &[&home.as_str(), shown.names(), &clock, &most]).await?;
    rows.iter().map(read).collect()
}

/// Puts missions off that cannot be counted now.
///
/// # Errors
/// As [`Db::query`].
pub async fn uses_postpone(db: &Db, home: &DatabaseRegion, uses: &[&Use], pause_ms: i64) -> Result<u64, sql::Error> {
    let (missions, due): (Vec<Uuid>, Vec<DateTime<Utc>>) = uses.iter().map(|one| (one.mission.0, one.count_at)).unzip();
    db.execute(&POSTPONE, &[&home.as_str(), &missions, &due, &pause_ms]).await
}

/// Those of some memories that a home has, each with the one that stands for it: the older one that it was merged into, or
/// itself.
///
/// # Errors
/// As [`Db::query`].
pub async fn memory_elders(
    db: &Db,
    home: &DatabaseRegion,
    ids: &[MemoryId],
) -> Result<Vec<(MemoryId, MemoryId)>, sql::Error> {
    let rows = db.query(&ELDERS, &[&home.as_str(), &uuids(ids)]).await?;
    rows.iter().map(|row| Ok((MemoryId(row.try_get("id")?), MemoryId(row.try_get("elder")?)))).collect()
}

fn read(row: &sql::Row) -> Result<Use, sql::Error> {
    let used: Vec<Uuid> = row.try_get("used")?;
    let residency: Option<String> = row.try_get("residency")?;
    Ok(Use {
        mission: MissionId(row.try_get("mission_id")?),
        used: used.into_iter().map(MemoryId).collect(),
        success: row.try_get("success")?,
        residency: residency.map(|name| name.parse().expect("only names of residency rules are stored")),
        count_at: row.try_get("count_at")?,
        counted: row.try_get::<_, Option<_>>("counted")?.unwrap_or_default(),
        counted_success: row.try_get::<_, Option<_>>("counted_success")?.unwrap_or_default(),
    })
}
