//! Memories that say the same: the older one stands for them and counts them.

use sql::{Db, Statement};
use topology::DatabaseRegion;

use crate::model::{Memory, MemoryId};

/// For each of some memories, the oldest other one that says exactly the same and stands for itself. A failure is never
/// taken for a success, so that it can still warn. $1 home  $2 ids
const TWINS: Statement = sql::statement!(
    "memory_twins",
    idempotent,
    "SELECT DISTINCT ON (y.id) y.id, e.id AS twin, (e.created_at, e.id) < (y.created_at, y.id) AS twin_is_elder
     FROM agent_memories AS y
     JOIN agent_memories AS e
       ON e.crdb_region = $1::TEXT::crdb_internal_region AND e.content_hash = y.content_hash
       AND e.specialization = y.specialization AND COALESCE(e.residency, '') = COALESCE(y.residency, '')
       AND e.success = y.success AND e.merged_into IS NULL AND e.id <> y.id
     WHERE y.crdb_region = $1::TEXT::crdb_internal_region AND y.id = ANY ($2::UUID[]) AND y.merged_into IS NULL
       AND y.content_hash <> ''
     ORDER BY y.id, e.created_at, e.id"
);

/// Has the elder stand for the younger, which gives it its evidence and loses its vectors; both must still stand for
/// themselves and be of one kind. What stood for itself through the younger does so through the elder. A mission that was shown the elder, or what the elder stands for, gives no evidence:
/// it repeats what it was told.
/// $1 home  $2 younger  $3 elder
const MERGE: Statement = sql::statement!(
    "memory_merge",
    idempotent,
    "WITH pair AS MATERIALIZED (
         SELECT y.id AS younger, e.id AS elder, y.evidence, y.evidence_succeeded, y.mission_id
         FROM agent_memories AS y
         JOIN agent_memories AS e ON e.crdb_region = $1::TEXT::crdb_internal_region AND e.id = $3::UUID
         WHERE y.crdb_region = $1::TEXT::crdb_internal_region AND y.id = $2::UUID
           AND y.merged_into IS NULL AND e.merged_into IS NULL AND e.specialization = y.specialization
           AND COALESCE(e.residency, '') = COALESCE(y.residency, '') AND e.success = y.success
           AND (e.created_at, e.id) < (y.created_at, y.id)
         FOR UPDATE
     ),
     told AS (
         SELECT count(*)::INT8 AS times
         FROM pair AS p
         JOIN memory_recalls AS r ON r.crdb_region = $1::TEXT::crdb_internal_region AND r.mission_id = p.mission_id
         JOIN agent_memories AS s ON s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = ANY (r.shown)
         WHERE s.id = p.elder OR s.merged_into = p.elder
     ),
     gone AS (
         DELETE FROM agent_memory_embeddings AS v USING pair AS p
         WHERE v.crdb_region = $1::TEXT::crdb_internal_region AND v.memory_id = p.younger
         RETURNING v.memory_id
     ),
     moved AS (
         SELECT p.younger AS id, p.elder AS into_id,
                CASE WHEN t.times > 0 THEN -p.evidence ELSE 0 END AS evidence,
                CASE WHEN t.times > 0 THEN -p.evidence_succeeded ELSE 0 END AS succeeded
         FROM pair AS p CROSS JOIN told AS t
         UNION ALL
         SELECT p.elder, NULL, CASE WHEN t.times > 0 THEN 0 ELSE p.evidence END,
                CASE WHEN t.times > 0 THEN 0 ELSE p.evidence_succeeded END
         FROM pair AS p CROSS JOIN told AS t
         UNION ALL
         SELECT c.id, p.elder, 0, 0
         FROM pair AS p
         JOIN agent_memories AS c ON c.crdb_region = $1::TEXT::crdb_internal_region AND c.merged_into = p.younger
     )
     UPDATE agent_memories AS m
     SET merged_into = COALESCE(w.into_id, m.merged_into), evidence = m.evidence + w.evidence,
         evidence_succeeded = m.evidence_succeeded + w.succeeded
     FROM moved AS w
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = w.id
     RETURNING m.id"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&TWINS, &MERGE];

/// A memory and the older one that is to stand for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The one that is merged.
    pub younger: MemoryId,
    /// The one that it is merged into.
    pub elder: MemoryId,
}

impl Pair {
    /// The two in order of their age.
    #[must_use]
    pub fn of(one: &Memory, other: &Memory) -> Self {
        let is_older = (one.created_at, one.id) < (other.created_at, other.id);
        let (elder, younger) = if is_older { (one.id, other.id) } else { (other.id, one.id) };
        Self { younger, elder }
    }
}

/// Those of some memories that say exactly what another one says, each with the oldest such.
///
/// # Errors
/// As [`Db::query`].
pub async fn twins(db: &Db, home: &DatabaseRegion, ids: &[MemoryId]) -> Result<Vec<Pair>, sql::Error> {
    let rows = db.query(&TWINS, &[&home.as_str(), &super::row::uuids(ids)]).await?;
    rows.iter()
        .map(|row| {
            let (one, twin) = (MemoryId(row.try_get("id")?), MemoryId(row.try_get("twin")?));
            let (younger, elder) = if row.try_get("twin_is_elder")? { (one, twin) } else { (twin, one) };
            Ok(Pair { younger, elder })
        })
        .collect()
}

/// Merges a pair; whether it was merged now. Nothing happens where it was merged before, one of the two is gone, or they
/// are not of one kind.
///
/// # Errors
/// As [`Db::query`].
pub async fn merge(db: &Db, home: &DatabaseRegion, pair: Pair) -> Result<bool, sql::Error> {
    let merged = db.query(&MERGE, &[&home.as_str(), &pair.younger.0, &pair.elder.0]).await?;
    Ok(!merged.is_empty())
}
