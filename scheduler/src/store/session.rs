//! Agent sessions: hardly ever written, ended once.
//!
//! A session's heartbeat row is where renewing and ending meet: whoever ends a session sets the row's number to -1 in
//! the same statement, and a renewal needs a number of at least 0.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use tokio_postgres::Row;
use topology::{DatabaseRegion, RegionName, SessionId};
use uuid::Uuid;

pub(crate) const REGISTER: Statement =
    sql::statement!("session_register", idempotent, include_str!("sql/session_register.sql"));
const OFFER: Statement = sql::statement!(
    "session_offer",
    idempotent,
    "UPDATE sessions AS s SET specializations = $3::TEXT[], slots = $4::INT8[], version = $5::TEXT
     WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = $2::UUID AND s.ended_at IS NULL
     RETURNING s.id"
);
const FIND: Statement = sql::statement!(
    "session_find",
    idempotent,
    "SELECT s.crdb_region::TEXT AS home, s.id, s.region, s.agent, s.version, s.specializations, s.slots, s.started_at,
            s.ended_at, s.ended_reason, b.seq
     FROM sessions AS s
     LEFT JOIN heartbeats AS b ON b.crdb_region = $1::TEXT::crdb_internal_region AND b.id = s.id
     WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = ANY ($2::UUID[])"
);
const END: Statement = sql::statement!("session_end", idempotent, include_str!("sql/session_end.sql"));
pub(crate) const REAP: Statement = sql::statement!("session_reap", idempotent, include_str!("sql/session_reap.sql"));

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&REGISTER, &OFFER, &FIND, &END, &REAP];

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Home of the row.
    pub home: DatabaseRegion,
    /// The session.
    pub id: SessionId,
    /// Where it runs.
    pub region: RegionName,
    /// Name for people.
    pub agent: String,
    /// Version of the agent program.
    pub version: String,
    /// What it offers, and how many slots of each.
    pub offers: Vec<(String, i64)>,
    /// When it was registered.
    pub started_at: DateTime<Utc>,
    /// Why it ended, once it has.
    pub ended: Option<String>,
    /// Greatest heartbeat number that was heard.
    pub seq: Option<i64>,
}

impl SessionRow {
    fn of(row: &Row) -> Self {
        let specializations: Vec<String> = row.get("specializations");
        let slots: Vec<i64> = row.get("slots");
        let ended_at: Option<DateTime<Utc>> = row.get("ended_at");
        let ended_reason: Option<String> = row.get("ended_reason");
        Self {
            home: row.get::<_, &str>("home").parse().expect("homes are database regions"),
            id: SessionId(row.get("id")),
            region: row.get::<_, &str>("region").parse().expect("regions were checked when stored"),
            agent: row.get("agent"),
            version: row.get("version"),
            offers: specializations.into_iter().zip(slots).collect(),
            started_at: row.get("started_at"),
            ended: ended_at.map(|_| ended_reason.unwrap_or_default()),
            seq: row.get("seq"),
        }
    }
}

/// A session to be started.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// Home of the row.
    pub home: &'a DatabaseRegion,
    /// The session.
    pub id: SessionId,
    /// Where it runs.
    pub region: &'a RegionName,
    /// Name for people.
    pub agent: &'a str,
    /// Version of the agent program.
    pub version: &'a str,
    /// What it offers, and how many slots of each.
    pub offers: &'a [(String, i64)],
}

impl NewSession<'_> {
    fn columns(&self) -> (Vec<&str>, Vec<i64>) {
        (self.offers.iter().map(|o| o.0.as_str()).collect(), self.offers.iter().map(|o| o.1).collect())
    }
}

/// Starts a session. False = it was started before.
///
/// # Errors
/// As [`Db::query`].
pub async fn session_register(db: &Db, session: &NewSession<'_>) -> Result<bool, sql::Error> {
    let (names, slots) = session.columns();
    let row = db
        .query_opt(
            &REGISTER,
            &[
                &session.home.as_str(),
                &session.id.0,
                &session.region.as_str(),
                &session.agent,
                &session.version,
                &names,
                &slots,
            ],
        )
        .await?;
    Ok(row.is_some())
}

/// Changes what a live session offers. False = it has ended, or never was.
///
/// # Errors
/// As [`Db::query`].
pub async fn session_offer(db: &Db, session: &NewSession<'_>) -> Result<bool, sql::Error> {
    let (names, slots) = session.columns();
    let row = db.query_opt(&OFFER, &[&session.home.as_str(), &session.id.0, &names, &slots, &session.version]).await?;
    Ok(row.is_some())
}

/// Sessions of one home by id; those that are not there are left out.
///
/// # Errors
/// As [`Db::query`].
pub async fn session_find(db: &Db, home: &DatabaseRegion, ids: &[SessionId]) -> Result<Vec<SessionRow>, sql::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = db.query(&FIND, &[&home.as_str(), &ids]).await?;
    Ok(rows.iter().map(SessionRow::of).collect())
}

/// Ends a session for good. False = it had ended before, or never was.
///
/// # Errors
/// As [`Db::query`].
pub async fn session_end(
    db: &Db,
    home: &DatabaseRegion,
    id: SessionId,
    actor: &str,
    reason: &str,
) -> Result<bool, sql::Error> {
    let row = db.query_opt(&END, &[&home.as_str(), &id.0, &actor, &reason]).await?;
    Ok(row.is_some())
}

/// Ends sessions of these regions whose last heartbeat is older than `deadline`, at most 500, and returns them with
/// their regions.
///
/// # Errors
/// As [`Db::query`].
pub async fn session_reap(
    db: &Db,
    home: &DatabaseRegion,
    regions: &[RegionName],
    deadline: DateTime<Utc>,
    actor: &str,
    reason: &str,
) -> Result<Vec<(SessionId, String)>, sql::Error> {
    let regions: Vec<&str> = regions.iter().map(RegionName::as_str).collect();
    let rows = db.query(&REAP, &[&home.as_str(), &deadline, &actor, &reason, &regions]).await?;
    Ok(rows.iter().map(|row| (SessionId(row.get("id")), row.get("region"))).collect())
}
