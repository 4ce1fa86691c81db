//! `memory_work`: what is still to be done, leased to one scheduler at a time.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, Epoch, SchedulerId};
use uuid::Uuid;

use crate::model::MemoryId;

/// Leases what is due, the longest due first. $1 home  $2 holder  $3 clock  $4 lease, milliseconds  $5 most
const LEASE: Statement = sql::statement!(
    "memory_work_lease",
    once,
    "WITH due AS MATERIALIZED (
         SELECT d.memory_id, d.kind FROM memory_work AS d
         WHERE d.crdb_region = $1::TEXT::crdb_internal_region AND d.not_before <= $3::TIMESTAMPTZ
           AND d.expires_at < $3::TIMESTAMPTZ
         ORDER BY d.not_before, d.memory_id LIMIT $5::INT8
         FOR UPDATE SKIP LOCKED
     )
     UPDATE memory_work AS w
     SET holder = $2::UUID, epoch = w.epoch + 1, expires_at = now() + $4::INT8 * INTERVAL '1 millisecond'
     FROM due AS d
     WHERE w.crdb_region = $1::TEXT::crdb_internal_region AND w.memory_id = d.memory_id AND w.kind = d.kind
       AND w.expires_at < $3::TIMESTAMPTZ
     RETURNING w.memory_id, w.epoch, w.attempts"
);

/// Ends work that is still held. $1 home  $2 memories  $3 epochs  $4 holder
const DONE: Statement = sql::statement!(
    "memory_work_done",
    idempotent,
    "DELETE FROM memory_work AS w USING unnest($2::UUID[], $3::INT8[]) AS d (memory_id, epoch)
     WHERE w.crdb_region = $1::TEXT::crdb_internal_region AND w.memory_id = d.memory_id AND w.epoch = d.epoch
       AND w.holder = $4::UUID"
);

/// Puts work that is still held back, to be tried after a pause. $1 home  $2 memories  $3 epochs  $4 holder
/// $5 pause, milliseconds, doubled by every attempt up to $6  $7 why
const FAILED: Statement = sql::statement!(
    "memory_work_failed",
    idempotent,
    "UPDATE memory_work AS w
     SET attempts = w.attempts + 1, epoch = w.epoch + 1, expires_at = '1970-01-01 00:00:00+00', reason = $7::TEXT,
         not_before = now() + LEAST($6::INT8, $5::INT8 << LEAST(w.attempts, 20)::INT4) * INTERVAL '1 millisecond'
     FROM unnest($2::UUID[], $3::INT8[]) AS d (memory_id, epoch)
     WHERE w.crdb_region = $1::TEXT::crdb_internal_region AND w.memory_id = d.memory_id AND w.epoch = d.epoch
       AND w.holder = $4::UUID"
);

/// Asks for memories to be indexed again. $1 home  $2 memories
const ASK: Statement = sql::statement!(
    "memory_work_ask",
    idempotent,
    "INSERT INTO memory_work (crdb_region, memory_id, kind, epoch, expires_at, attempts, not_before, created_at)
     SELECT $1::TEXT::crdb_internal_region, w.id, 'index', 0, '1970-01-01 00:00:00+00', 0, now(), now()
     FROM unnest($2::UUID[]) AS w (id)
     ON CONFLICT (crdb_region, memory_id, kind) DO NOTHING"
);

/// Work of a home: how much waits, and since when. $1 home
const BACKLOG: Statement = sql::statement!(
    "memory_work_backlog",
    idempotent,
    "SELECT count(*)::INT8 AS waiting, min(w.created_at) AS oldest FROM memory_work AS w
     WHERE w.crdb_region = $1::TEXT::crdb_internal_region"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&LEASE, &DONE, &FAILED, &ASK, &BACKLOG];

/// First pause after a failure, in milliseconds.
const FIRST_PAUSE: i64 = 1_000;
/// Longest pause after a failure, in milliseconds.
const LONGEST_PAUSE: i64 = 300_000;

/// Work that this scheduler holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The memory that is to be indexed.
    pub memory: MemoryId,
    /// Fencing token of the lease.
    pub epoch: Epoch,
    /// Times that it failed.
    pub attempts: i64,
}

/// Who holds work, and where.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// Home of the work.
    pub home: &'a DatabaseRegion,
    /// The scheduler.
    pub scheduler: SchedulerId,
}

/// Leases what is due in a home. A lease whose answer is lost ends by itself.
///
/// # Errors
/// As [`Db::query`].
pub async fn work_lease(db: &Db, by: Holder<'_>, lease_ms: i64, most: i64) -> Result<Vec<Held>, sql::Error> {
    let clock = db.clock().await?;
    let rows = db.query(&LEASE, &[&by.home.as_str(), &by.scheduler.0, &clock, &lease_ms, &most]).await?;
    rows.iter()
        .map(|row| {
            Ok(Held {
                memory: MemoryId(row.try_get("memory_id")?),
                epoch: Epoch(row.try_get("epoch")?),
                attempts: row.try_get("attempts")?,
            })
        })
        .collect()
}

fn columns(work: &[Held]) -> (Vec<Uuid>, Vec<i64>) {
    work.iter().map(|held| (held.memory.0, held.epoch.0)).unzip()
}

/// Ends work, and returns how much of it was still held.
///
/// # Errors
/// As [`Db::query`].
pub async fn work_done(db: &Db, by: Holder<'_>, work: &[Held]) -> Result<u64, sql::Error> {
    let (memories, epochs) = columns(work);
    db.execute(&DONE, &[&by.home.as_str(), &memories, &epochs, &by.scheduler.0]).await
}

/// Puts work back that failed.
///
/// # Errors
/// As [`Db::query`].
pub async fn work_failed(db: &Db, by: Holder<'_>, work: &[Held], why: &str) -> Result<u64, sql::Error> {
    let (memories, epochs) = columns(work);
    let (first, longest) = (FIRST_PAUSE, LONGEST_PAUSE);
    db.execute(&FAILED, &[&by.home.as_str(), &memories, &epochs, &by.scheduler.0, &first, &longest, &why]).await
}

/// Asks for memories to be indexed, where that is not asked for already.
///
/// # Errors
/// As [`Db::query`].
pub async fn work_ask(db: &Db, home: &DatabaseRegion, memories: &[MemoryId]) -> Result<u64, sql::Error> {
    db.execute(&ASK, &[&home.as_str(), &super::row::uuids(memories)]).await
}

/// How much work waits in a home, and since when the oldest of it.
///
/// # Errors
/// As [`Db::query`].
pub async fn work_backlog(db: &Db, home: &DatabaseRegion) -> Result<(i64, Option<DateTime<Utc>>), sql::Error> {
    let row = db.query_one(&BACKLOG, &[&home.as_str()]).await?;
    Ok((row.try_get("waiting")?, row.try_get("oldest")?))
}
