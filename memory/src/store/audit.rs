//! What is wrong with the memory, in numbers. Reads all of a home: for operators, not for missions.

use std::collections::BTreeMap;

use sql::{Db, Statement};
use topology::DatabaseRegion;

use crate::embed::Space;

/// $1 home
const COUNTS: Statement = sql::statement!(
    "memory_audit_counts",
    idempotent,
    "SELECT count(*)::INT8 AS memories, count(m.merged_into)::INT8 AS merged,
            count(CASE WHEN m.indexed_at IS NULL THEN 1 END)::INT8 AS unindexed,
            (SELECT count(*) FROM memory_work AS w WHERE w.crdb_region = $1::TEXT::crdb_internal_region)::INT8
                AS waiting,
            (SELECT COALESCE(sum(d.more), 0) FROM (
                SELECT count(*) - 1 AS more FROM agent_memories AS x
                WHERE x.crdb_region = $1::TEXT::crdb_internal_region AND x.merged_into IS NULL AND x.content_hash <> ''
                GROUP BY x.content_hash, x.specialization, x.residency, x.success
            ) AS d)::INT8 AS duplicates,
            (SELECT count(*) FROM agent_memories AS y
             WHERE y.crdb_region = $1::TEXT::crdb_internal_region AND y.merged_into IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM agent_memories AS e
                WHERE e.crdb_region = $1::TEXT::crdb_internal_region AND e.id = y.merged_into
            ))::INT8 AS orphaned_merges,
            (SELECT count(*) FROM agent_memory_embeddings AS v
             WHERE v.crdb_region = $1::TEXT::crdb_internal_region AND NOT EXISTS (
                SELECT 1 FROM agent_memories AS o
                WHERE o.crdb_region = $1::TEXT::crdb_internal_region AND o.id = v.memory_id
            ))::INT8 AS orphaned_vectors,
            (SELECT count(*) FROM memory_work AS q
             WHERE q.crdb_region = $1::TEXT::crdb_internal_region AND NOT EXISTS (
                SELECT 1 FROM agent_memories AS o
                WHERE o.crdb_region = $1::TEXT::crdb_internal_region AND o.id = q.memory_id
            ))::INT8 AS orphaned_work
     FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region"
);

/// $1 home
const SPACES: Statement = sql::statement!(
    "memory_audit_spaces",
    idempotent,
    "SELECT e.space, count(*)::INT8 AS vectors FROM agent_memory_embeddings AS e
     WHERE e.crdb_region = $1::TEXT::crdb_internal_region GROUP BY e.space"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&COUNTS, &SPACES];

/// What is found in one home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Rows, merged ones included.
    pub memories: i64,
    /// Rows that an older one stands for.
    pub merged: i64,
    /// Rows whose words are not stored yet.
    pub unindexed: i64,
    /// Work that waits or is under way.
    pub waiting: i64,
    /// Rows that say exactly what another one says and are not merged.
    pub duplicates: i64,
    /// Rows whose elder is not there.
    pub orphaned_merges: i64,
    /// Vectors whose memory is not there.
    pub orphaned_vectors: i64,
    /// Work whose memory is not there.
    pub orphaned_work: i64,
    /// Vectors of each space.
    pub spaces: BTreeMap<Space, i64>,
}

impl Audit {
    /// Spaces other than the one that is searched, with their vectors: they cost and give nothing.
    pub fn stale(&self, searched: &Space) -> impl Iterator<Item = (&Space, i64)> {
        self.spaces.iter().filter(move |(space, _)| *space != searched).map(|(space, vectors)| (space, *vectors))
    }
}

/// Counts what a home holds.
///
/// # Errors
/// As [`Db::query`]; the lane should be one with a long limit.
pub async fn audit(db: &Db, home: &DatabaseRegion) -> Result<Audit, sql::Error> {
    let row = db.query_one(&COUNTS, &[&home.as_str()]).await?;
    let mut spaces = BTreeMap::new();
    for row in db.query(&SPACES, &[&home.as_str()]).await? {
        spaces.insert(Space::new(row.try_get::<_, String>("space")?), row.try_get("vectors")?);
    }
    Ok(Audit {
        memories: row.try_get("memories")?,
        merged: row.try_get("merged")?,
        unindexed: row.try_get("unindexed")?,
        waiting: row.try_get("waiting")?,
        duplicates: row.try_get("duplicates")?,
        orphaned_merges: row.try_get("orphaned_merges")?,
        orphaned_vectors: row.try_get("orphaned_vectors")?,
        orphaned_work: row.try_get("orphaned_work")?,
        spaces,
    })
}
