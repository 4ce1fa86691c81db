//! Granting queued missions to sessions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use tokio_postgres::Row;
use topology::{DatabaseRegion, Epoch, MissionId, PoolId, SessionId};
use uuid::Uuid;

/// One claim statement a LIMIT: the number stands in the text, so that the planner knows it.
macro_rules! claim {
    ($name:literal, $limit:literal) => {
        // Not idempotent: a second run grants other missions. A grant whose answer is lost goes back by itself.
        sql::statement!(
            $name,
            once,
            include_str!("../sql/mission_claim_candidates.sql"),
            "    LIMIT ",
            $limit,
            "\n",
            include_str!("../sql/mission_claim_grant.sql")
        )
    };
}

pub(super) const CLAIM_1: Statement = claim!("mission_claim_1", "1");
pub(super) const CLAIM_4: Statement = claim!("mission_claim_4", "4");
pub(super) const CLAIM_16: Statement = claim!("mission_claim_16", "16");
pub(super) const CLAIM_128: Statement = claim!("mission_claim_128", "128");
pub(super) const CLAIM_512: Statement = claim!("mission_claim_512", "512");

/// The LIMITs of the claim statements, ascending. A statement locks as many rows as its LIMIT says, so a small wish gets a
/// small one.
pub const CLAIM_LIMITS: [usize; 5] = [1, 4, 16, 128, 512];

pub(super) const CLAIM_ALONE: Statement =
    sql::statement!("mission_claim_alone", once, include_str!("../sql/mission_claim_alone.sql"));

/// Whether a mission that is granted alone waits. $1 home  $2 region  $3 specialization  $4 database clock
pub(super) const ALONE_WAITS: Statement = sql::statement!(
    "mission_alone_waits",
    idempotent,
    "SELECT m.id FROM missions AS m
     WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.region = $2::TEXT AND m.specialization = $3::TEXT
       AND m.state = 'queued' AND m.crashes >= 2 AND m.not_before <= $4::TIMESTAMPTZ
     LIMIT 1"
);

/// The queue of one pool, as a claim sees it.
#[derive(Debug, Clone)]
pub struct PoolQueue {
    /// Home of its missions and sessions.
    pub home: DatabaseRegion,
    /// The pool.
    pub pool: PoolId,
    /// A moment of the database's clock, now or a little earlier.
    pub now: DateTime<Utc>,
    /// Residency version that the claimer knows.
    pub residency_version: i64,
}

/// A new lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns are described in the schema")]
pub struct Granted {
    pub id: MissionId,
    pub epoch: Epoch,
    pub session: SessionId,
    pub seq: i64,
    pub title: String,
    /// JSON.
    pub payload: String,
    pub attempts: i32,
    pub crashes: i32,
    pub run_limit_ms: i64,
    pub rank: i64,
    pub round: i64,
    pub traceparent: Option<String>,
    pub drill: Option<String>,
    pub submitted_at: DateTime<Utc>,
    pub leased_at: DateTime<Utc>,
}

impl Granted {
    fn of(row: &Row) -> Self {
        Self {
            id: MissionId(row.get("id")),
            epoch: Epoch(row.get("epoch")),
            session: SessionId(row.get("session_id")),
            seq: row.get("grant_seq"),
            title: row.get("title"),
            payload: row.get("payload"),
            attempts: row.get("attempts"),
            crashes: row.get("crashes"),
            run_limit_ms: row.get("run_limit_ms"),
            rank: row.get("rank"),
            round: row.get("round"),
            traceparent: row.get("traceparent"),
            drill: row.get("drill"),
            submitted_at: row.get("submitted_at"),
            leased_at: row.get("leased_at"),
        }
    }
}

/// Grants queued missions of a pool, one a wish, in the order of the queue and of the wishes. A wish is a session and
/// the number of this slot among those that the session wishes here, from 1: what its capacity less its leases does not
/// cover is passed over. At most the greatest of [`CLAIM_LIMITS`].
///
/// # Errors
/// As [`Db::query`]; [`sql::Error::Indeterminate`] = some may have been granted.
pub async fn mission_claim(
    db: &Db,
    queue: &PoolQueue,
    wishes: &[(SessionId, i64)],
    actor: &str,
) -> Result<Vec<Granted>, sql::Error> {
    let statement = match wishes.len() {
        0..=1 => &CLAIM_1,
        2..=4 => &CLAIM_4,
        5..=16 => &CLAIM_16,
        17..=128 => &CLAIM_128,
        _ => &CLAIM_512,
    };
    let (sessions, wished) = by_session(wishes);
    let rows = db
        .query(
            statement,
            &[
                &queue.home.as_str(),
                &queue.pool.region.as_str(),
                &queue.pool.specialization.as_str(),
                &queue.now,
                &queue.residency_version,
                &sessions,
                &wished,
                &actor,
            ],
        )
        .await?;
    Ok(rows.iter().map(Granted::of).collect())
}

/// Each session once, in the order of its first wish, with the number of its wishes.
fn by_session(wishes: &[(SessionId, i64)]) -> (Vec<Uuid>, Vec<i64>) {
    let mut places = HashMap::new();
    let (mut sessions, mut wished) = (Vec::new(), Vec::new());
    for (session, _) in wishes {
        let place = *places.entry(session.0).or_insert_with(|| {
            sessions.push(session.0);
            wished.push(0);
            sessions.len() - 1
        });
        wished[place] += 1;
    }
    (sessions, wished)
}

/// Grants the oldest mission of a pool that is granted alone to the first of these sessions that holds nothing.
///
/// # Errors
/// As [`mission_claim`].
pub async fn mission_claim_alone(
    db: &Db,
    queue: &PoolQueue,
    sessions: &[SessionId],
    actor: &str,
) -> Result<Option<Granted>, sql::Error> {
    let sessions: Vec<Uuid> = sessions.iter().map(|session| session.0).collect();
    let row = db
        .query_opt(
            &CLAIM_ALONE,
            &[
                &queue.home.as_str(),
                &queue.pool.region.as_str(),
                &queue.pool.specialization.as_str(),
                &queue.now,
                &queue.residency_version,
                &sessions,
                &actor,
            ],
        )
        .await?;
    Ok(row.as_ref().map(Granted::of))
}

/// Whether a mission that is granted alone waits in a pool.
///
/// # Errors
/// As [`Db::query`].
pub async fn mission_alone_waits(db: &Db, queue: &PoolQueue) -> Result<bool, sql::Error> {
    let (region, specialization) = (queue.pool.region.as_str(), queue.pool.specialization.as_str());
    let row = db.query_opt(&ALONE_WAITS, &[&queue.home.as_str(), &region, &specialization, &queue.now]).await?;
    Ok(row.is_some())
}
