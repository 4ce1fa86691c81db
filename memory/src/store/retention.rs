//! Takes away what is kept long enough, in bounded batches. Without a tombstone: what is too old may be imported again.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::DatabaseRegion;

use super::document::Words;
use super::forget::{AT_ONCE, take_away};
use super::row::{Stored, columns, read};

/// Memories that are too old and stand for none that is not. $1 home  $2 cutoff  $3 most
const OLD: Statement = sql::statement!(
    "memory_retention_find",
    idempotent,
    "SELECT ",
    columns!(),
    " FROM agent_memories AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.created_at < $2::TIMESTAMPTZ
       AND NOT EXISTS (
           SELECT 1 FROM agent_memories AS y
           WHERE y.crdb_region = $1::TEXT::crdb_internal_region AND y.merged_into = m.id
             AND y.created_at >= $2::TIMESTAMPTZ
       )
     ORDER BY m.created_at LIMIT $3::INT8"
);

/// $1 home  $2 cutoff  $3 most
const RECALLS: Statement = sql::statement!(
    "memory_retention_recalls",
    idempotent,
    "DELETE FROM memory_recalls
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND mission_id IN (
         SELECT r.mission_id FROM memory_recalls AS r
         WHERE r.crdb_region = $1::TEXT::crdb_internal_region AND r.at < $2::TIMESTAMPTZ
         LIMIT $3::INT8
     )"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&OLD, &RECALLS];

/// Takes one batch of memories away that ended before `cutoff`, with all that hangs on them, and returns how many went.
/// One that stands for a younger one stays as long as that.
///
/// # Errors
/// As [`Db::txn`].
pub async fn memories_retire(
    db: &Db,
    home: &DatabaseRegion,
    cutoff: DateTime<Utc>,
    words: Words,
) -> Result<usize, sql::Error> {
    let rows = db.query(&OLD, &[&home.as_str(), &cutoff, &AT_ONCE]).await?;
    let old = rows.iter().map(read).collect::<Result<Vec<Stored>, _>>()?;
    if old.is_empty() {
        return Ok(0);
    }
    let gone = db.txn("memory_retire", |txn| take_away(txn, home, &old, None, words)).await?;
    Ok(gone.len())
}

/// Takes one batch of the recall log away that is older than `cutoff`, and returns how many lines went.
///
/// # Errors
/// As [`Db::query`].
pub async fn recalls_retire(db: &Db, home: &DatabaseRegion, cutoff: DateTime<Utc>) -> Result<u64, sql::Error> {
    db.execute(&RECALLS, &[&home.as_str(), &cutoff, &AT_ONCE]).await
}
