//! `agent_memories`: reading rows.

use chrono::{DateTime, Utc};
use sql::{Db, Row, Statement};
use topology::{DatabaseRegion, Epoch, MissionId};
use uuid::Uuid;

use super::Shown;
use crate::model::{Memory, MemoryId, SuccessSource};

/// The columns of a memory, as `m`.
macro_rules! columns {
    () => {
        "m.id, m.crdb_region::TEXT AS home, m.mission_id, m.specialization, m.agent, m.issue_id, m.title, m.description,
         m.solution_approach, m.pr_number, m.success, m.success_source, m.resolution_minutes, m.residency, m.epoch,
         m.content_hash, m.evidence, m.evidence_succeeded, m.merged_into, m.words, m.created_at"
    };
}
pub(crate) use columns;

/// $1 home  $2 ids  $3 residencies that may be shown
const FIND: Statement = sql::statement!(
    "memory_find",
    idempotent,
    "SELECT ",
    columns!(),
    " FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[])
       AND COALESCE(m.residency, '') = ANY ($3::TEXT[])"
);

/// For work in the memories' own home, which shows them to nobody. $1 home  $2 ids
const READ: Statement = sql::statement!(
    "memory_read",
    idempotent,
    "SELECT ",
    columns!(),
    " FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[]) AND m.merged_into IS NULL"
);

/// What is exported: a page after a memory, oldest first. $1 home  $2 residencies  $3, $4 the last one seen  $5 most
const PAGE: Statement = sql::statement!(
    "memory_page",
    idempotent,
    "SELECT ",
    columns!(),
    " FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND COALESCE(m.residency, '') = ANY ($2::TEXT[])
       AND m.created_at >= $3::TIMESTAMPTZ AND (m.created_at, m.id) > ($3::TIMESTAMPTZ, $4::UUID)
     ORDER BY m.created_at, m.id LIMIT $5::INT8"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&FIND, &READ, &PAGE];

/// A row of `agent_memories`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What it says.
    pub memory: Memory,
    /// The older memory that stands for it.
    pub merged_into: Option<MemoryId>,
    /// How many words it has; 0 until it is indexed.
    pub words: i64,
}

/// Reads a row. What the schema's checks and the writers' types hold is relied on; a row that they do not hold is an error
/// of the database.
///
/// # Errors
/// The column that cannot be read.
pub(crate) fn read(row: &Row) -> Result<Stored, sql::Error> {
    let name = |column: &str| row.try_get::<_, String>(column);
    let memory = Memory {
        id: MemoryId(row.try_get("id")?),
        mission: row.try_get::<_, Option<Uuid>>("mission_id")?.map(MissionId),
        specialization: name("specialization")?.parse().expect("only names of specializations are stored"),
        agent: name("agent")?,
        issue: row.try_get("issue_id")?,
        title: name("title")?,
        description: name("description")?,
        solution: row.try_get("solution_approach")?,
        pr_number: row.try_get("pr_number")?,
        success: row.try_get("success")?,
        success_source: SuccessSource::from_name(&name("success_source")?).expect("the CHECK allows nothing else"),
        resolution_minutes: row.try_get("resolution_minutes")?,
        residency: row
            .try_get::<_, Option<String>>("residency")?
            .map(|name| name.parse().expect("only names of residency rules are stored")),
        home: name("home")?.parse().expect("a database region's name"),
        epoch: Epoch(row.try_get("epoch")?),
        content_hash: name("content_hash")?,
        evidence: row.try_get("evidence")?,
        evidence_succeeded: row.try_get("evidence_succeeded")?,
        created_at: row.try_get("created_at")?,
    };
    let merged_into = row.try_get::<_, Option<Uuid>>("merged_into")?.map(MemoryId);
    Ok(Stored { memory, merged_into, words: row.try_get("words")? })
}

pub(crate) fn uuids(ids: &[MemoryId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}

/// Memories of one home by id; those that are not there, or may not be shown, are left out.
///
/// # Errors
/// As [`Db::query`].
pub async fn memory_find(
    db: &Db,
    home: &DatabaseRegion,
    ids: &[MemoryId],
    shown: &Shown,
) -> Result<Vec<Stored>, sql::Error> {
    let rows = db.query(&FIND, &[&home.as_str(), &uuids(ids), shown.names()]).await?;
    rows.iter().map(read).collect()
}

/// Memories of one home that stand for themselves, whatever rule they are under: not to be shown to anybody.
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn memory_read(db: &Db, home: &DatabaseRegion, ids: &[MemoryId]) -> Result<Vec<Memory>, sql::Error> {
    let rows = db.query(&READ, &[&home.as_str(), &uuids(ids)]).await?;
    rows.iter().map(|row| read(row).map(|stored| stored.memory)).collect()
}

/// A page of a home's memories, oldest first, after the one that ended the page before.
///
/// # Errors
/// As [`Db::query`].
pub async fn memory_page(
    db: &Db,
    home: &DatabaseRegion,
    shown: &Shown,
    after: (DateTime<Utc>, MemoryId),
    most: i64,
) -> Result<Vec<Stored>, sql::Error> {
    let rows = db.query(&PAGE, &[&home.as_str(), shown.names(), &after.0, &after.1.0, &most]).await?;
    rows.iter().map(read).collect()
}
