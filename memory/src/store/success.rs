//! What is learned later about a success: a review of the pull request, its merge.

use sql::{Db, Statement};
use topology::DatabaseRegion;

use crate::model::{MemoryId, SuccessSource};

/// Sets whether a memory's mission succeeded, unless a later source said so already, and counts it in whatever stands for
/// the memory; the line of the recall log follows, to be counted anew for the lessons of what the mission used. $1 home  $2 id  $3 success  $4 source  $5 sources that it overrules
const CHANGE: Statement = sql::statement!(
    "memory_success",
    idempotent,
    "WITH known AS MATERIALIZED (
         SELECT k.id, k.merged_into, k.success, k.evidence FROM agent_memories AS k
         WHERE k.crdb_region = $1::TEXT::crdb_internal_region AND k.id = $2::UUID
           AND k.success_source = ANY ($5::TEXT[])
         FOR UPDATE
     ),
     logged AS (
         UPDATE memory_recalls AS r
         SET success = $3::BOOL,
             count_at = CASE WHEN cardinality(r.used) > 0 OR cardinality(r.counted) > 0 THEN now() END
         FROM known AS k
         WHERE r.crdb_region = $1::TEXT::crdb_internal_region AND r.mission_id = k.id AND r.success <> $3::BOOL
         RETURNING r.mission_id
     )
     UPDATE agent_memories AS m
     SET success = CASE WHEN m.id = k.id THEN $3::BOOL ELSE m.success END,
         success_source = CASE WHEN m.id = k.id THEN $4::TEXT ELSE m.success_source END,
         evidence_succeeded = m.evidence_succeeded
             + CASE WHEN k.success = $3::BOOL OR k.evidence = 0 THEN 0 WHEN $3::BOOL THEN 1 ELSE -1 END
     FROM known AS k
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND (m.id = k.id OR m.id = k.merged_into)
     RETURNING m.id"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&CHANGE];

/// Sets whether the mission of a memory succeeded, as a source says; whether it is so now. A source that comes earlier in
/// [`SuccessSource`] than the one that spoke last changes nothing, the same one may change its mind.
///
/// # Errors
/// As [`Db::query`].
pub async fn success_change(
    db: &Db,
    home: &DatabaseRegion,
    id: MemoryId,
    success: bool,
    source: SuccessSource,
) -> Result<bool, sql::Error> {
    let overruled: Vec<&str> =
        SuccessSource::ALL.into_iter().filter(|one| *one <= source).map(SuccessSource::as_str).collect();
    let rows = db.query(&CHANGE, &[&home.as_str(), &id.0, &success, &source.as_str(), &overruled]).await?;
    Ok(!rows.is_empty())
}
