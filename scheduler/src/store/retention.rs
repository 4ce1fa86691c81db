//! Takes away what is kept long enough, in bounded batches. No row-level TTL: both engines run the same statements.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::DatabaseRegion;
use uuid::Uuid;

/// Rows of one batch.
pub const BATCH: i64 = 500;

const FINISHED: Statement = sql::statement!(
    "retention_missions_find",
    idempotent,
    "SELECT id FROM missions
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND state IN ('succeeded', 'failed', 'cancelled')
         AND finished_at < $2::TIMESTAMPTZ
     ORDER BY finished_at LIMIT $3::INT8"
);

const EVENTS: Statement = sql::statement!(
    "retention_events",
    idempotent,
    "DELETE FROM mission_events
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND mission_id = ANY ($2::UUID[])"
);

const MISSIONS: Statement = sql::statement!(
    "retention_missions",
    idempotent,
    "DELETE FROM missions
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND id = ANY ($2::UUID[])
         AND state IN ('succeeded', 'failed', 'cancelled') AND finished_at < $3::TIMESTAMPTZ"
);

const KEYS: Statement = sql::statement!(
    "retention_keys_find",
    idempotent,
    "SELECT submitter, key, mission_id FROM submissions
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND created_at < $2::TIMESTAMPTZ
     ORDER BY created_at LIMIT $3::INT8"
);

const PRESENT: Statement = sql::statement!(
    "retention_missions_present",
    idempotent,
    "SELECT id FROM missions WHERE crdb_region = $1::TEXT::crdb_internal_region AND id = ANY ($2::UUID[])"
);

const KEYS_GO: Statement = sql::statement!(
    "retention_keys",
    idempotent,
    "DELETE FROM submissions USING unnest($2::TEXT[], $3::TEXT[]) AS gone (submitter, key)
     WHERE submissions.crdb_region = $1::TEXT::crdb_internal_region
         AND submissions.submitter = gone.submitter AND submissions.key = gone.key
         AND submissions.created_at < $4::TIMESTAMPTZ"
);

const SESSIONS: Statement = sql::statement!(
    "retention_sessions",
    idempotent,
    "DELETE FROM sessions
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND id IN (
         SELECT id FROM sessions
         WHERE crdb_region = $1::TEXT::crdb_internal_region AND settled_at < $2::TIMESTAMPTZ
         LIMIT $3::INT8
     )"
);

const HEARTBEATS: Statement = sql::statement!(
    "retention_heartbeats",
    idempotent,
    "DELETE FROM heartbeats
     WHERE crdb_region = $1::TEXT::crdb_internal_region AND id IN (
         SELECT heartbeats.id FROM heartbeats
         WHERE heartbeats.crdb_region = $1::TEXT::crdb_internal_region AND heartbeats.at < $2::TIMESTAMPTZ
             AND NOT EXISTS (
                 SELECT 1 FROM sessions
                 WHERE sessions.crdb_region = $1::TEXT::crdb_internal_region AND sessions.id = heartbeats.id
                     AND sessions.settled_at IS NULL
             )
         LIMIT $3::INT8
     )"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] =
    &[&FINISHED, &EVENTS, &MISSIONS, &KEYS, &PRESENT, &KEYS_GO, &SESSIONS, &HEARTBEATS];

/// Takes one batch of missions away that finished before `cutoff`, with their events in every home: the events first,
/// so that nothing is left behind if this stops in between. Returns how many missions went.
///
/// # Errors
/// The database's; the batch is found again by the next call.
pub async fn missions_retire(
    db: &Db,
    home: &DatabaseRegion,
    homes: &[DatabaseRegion],
    cutoff: DateTime<Utc>,
) -> Result<u64, sql::Error> {
    let rows = db.query(&FINISHED, &[&home.as_str(), &cutoff, &BATCH]).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    for home in homes {
        db.execute(&EVENTS, &[&home.as_str(), &ids]).await?;
    }
    db.execute(&MISSIONS, &[&home.as_str(), &ids, &cutoff]).await
}

/// Takes one batch of idempotency keys away that are older than `cutoff` and whose mission is in none of the homes.
/// Returns how many went.
///
/// # Errors
/// The database's: where one home cannot be asked, nothing goes.
pub async fn keys_retire(
    db: &Db,
    home: &DatabaseRegion,
    homes: &[DatabaseRegion],
    cutoff: DateTime<Utc>,
) -> Result<u64, sql::Error> {
    let rows = db.query(&KEYS, &[&home.as_str(), &cutoff, &BATCH]).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get("mission_id")).collect();
    let mut present: Vec<Uuid> = Vec::new();
    for home in homes {
        present.extend(db.query(&PRESENT, &[&home.as_str(), &ids]).await?.iter().map(|row| row.get::<_, Uuid>(0)));
    }
    let gone: Vec<_> = rows.iter().filter(|row| !present.contains(&row.get::<_, Uuid>("mission_id"))).collect();
    if gone.is_empty() {
        return Ok(0);
    }
    let submitters: Vec<&str> = gone.iter().map(|row| row.get("submitter")).collect();
    let keys: Vec<&str> = gone.iter().map(|row| row.get("key")).collect();
    db.execute(&KEYS_GO, &[&home.as_str(), &submitters, &keys, &cutoff]).await
}

/// Takes one batch of sessions away that were settled before `cutoff`.
///
/// # Errors
/// The database's.
pub async fn sessions_retire(db: &Db, home: &DatabaseRegion, cutoff: DateTime<Utc>) -> Result<u64, sql::Error> {
    db.execute(&SESSIONS, &[&home.as_str(), &cutoff, &BATCH]).await
}

/// Takes one batch of heartbeats away that are older than `cutoff` and belong to no session that still counts.
///
/// # Errors
/// The database's.
pub async fn heartbeats_retire(db: &Db, home: &DatabaseRegion, cutoff: DateTime<Utc>) -> Result<u64, sql::Error> {
    db.execute(&HEARTBEATS, &[&home.as_str(), &cutoff, &BATCH]).await
}
