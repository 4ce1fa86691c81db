//! `agent_learning_outcomes`: lessons, with the evidence of one home. A lesson that has evidence in several homes has a row
//! in each; confidence comes from their sum.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, ResidencyName, Specialization};
use uuid::Uuid;

use super::{Shown, names_of};
use crate::model::MemoryId;

/// Stores a lesson, or what its evidence in this home comes to now. Nothing is stored of what was forgotten.
/// $1 home  $2 id  $3 memory  $4 specialization  $5 lesson  $6 patterns  $7 residency  $8 succeeded  $9 failed
const PUT: Statement = sql::statement!(
    "lesson_put",
    idempotent,
    "INSERT INTO agent_learning_outcomes
         (crdb_region, id, memory_id, specialization, lesson, applicable_patterns, residency, succeeded, failed,
          created_at, updated_at)
     SELECT $1::TEXT::crdb_internal_region, $2::UUID, $3::UUID, $4::TEXT, $5::TEXT, $6::TEXT[], $7::TEXT, $8::INT8,
            $9::INT8, now(), now()
     WHERE NOT EXISTS (SELECT 1 FROM memory_tombstones AS g WHERE g.id = $3::UUID)
     ON CONFLICT (crdb_region, id) DO UPDATE
     SET lesson = excluded.lesson, applicable_patterns = excluded.applicable_patterns, residency = excluded.residency,
         succeeded = excluded.succeeded, failed = excluded.failed, updated_at = now()"
);

/// Lessons of some kinds of agents, the last counted first. $1 home  $2 specializations  $3 residencies  $4 most
const LIST: Statement = sql::statement!(
    "lesson_list",
    idempotent,
    "SELECT l.id, l.memory_id, l.specialization, l.lesson, l.applicable_patterns, l.residency, l.succeeded, l.failed,
            l.updated_at
     FROM agent_learning_outcomes AS l
     WHERE l.crdb_region = $1::TEXT::crdb_internal_region AND l.specialization = ANY ($2::TEXT[])
       AND COALESCE(l.residency, '') = ANY ($3::TEXT[])
     ORDER BY l.updated_at DESC, l.id LIMIT $4::INT8"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&PUT, &LIST];

/// A lesson with its evidence in one home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// The lesson, the same in every home.
    pub id: Uuid,
    /// The memory that taught it.
    pub memory: MemoryId,
    /// Kind of agent that it is for.
    pub specialization: Specialization,
    /// The rule, in a sentence.
    pub lesson: String,
    /// Words of missions that it applies to.
    pub patterns: Vec<String>,
    /// The strictest rule of its evidence.
    pub residency: Option<ResidencyName>,
    /// Missions of this home that it applied to and that succeeded.
    pub succeeded: i64,
    /// Missions of this home that it applied to and that failed.
    pub failed: i64,
    /// When its evidence was last counted. The database's when it is stored.
    pub updated_at: DateTime<Utc>,
}

/// Stores a lesson with what its evidence in this home comes to: not added to what was there, but in its place, so that
/// counting twice changes nothing.
///
/// # Errors
/// As [`Db::query`].
pub async fn lesson_put(db: &Db, home: &DatabaseRegion, lesson: &Lesson) -> Result<(), sql::Error> {
    let residency = lesson.residency.as_ref().map(ResidencyName::as_str);
    db.execute(
        &PUT,
        &[
            &home.as_str(),
            &lesson.id,
            &lesson.memory.0,
            &lesson.specialization.as_str(),
            &lesson.lesson,
            &lesson.patterns,
            &residency,
            &lesson.succeeded,
            &lesson.failed,
        ],
    )
    .await
    .map(drop)
}

/// Lessons of some kinds of agents in one home, at most `most`.
///
/// # Errors
/// As [`Db::query`].
pub async fn lesson_list(
    db: &Db,
    home: &DatabaseRegion,
    specializations: &[Specialization],
    shown: &Shown,
    most: i64,
) -> Result<Vec<Lesson>, sql::Error> {
    let rows = db.query(&LIST, &[&home.as_str(), &names_of(specializations), shown.names(), &most]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &sql::Row) -> Result<Lesson, sql::Error> {
    let specialization: String = row.try_get("specialization")?;
    let residency: Option<String> = row.try_get("residency")?;
    Ok(Lesson {
        id: row.try_get("id")?,
        memory: MemoryId(row.try_get("memory_id")?),
        specialization: specialization.parse().expect("only names of specializations are stored"),
        lesson: row.try_get("lesson")?,
        patterns: row.try_get("applicable_patterns")?,
        residency: residency.map(|name| name.parse().expect("only names of residency rules are stored")),
        succeeded: row.try_get("succeeded")?,
        failed: row.try_get("failed")?,
        updated_at: row.try_get("updated_at")?,
    })
}
