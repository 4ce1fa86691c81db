//! Heartbeats of sessions: one small row each, renewed in batches.

use sql::{Db, Statement};
use topology::{DatabaseRegion, SessionId};
use uuid::Uuid;

pub(crate) const RENEW: Statement =
    sql::statement!("heartbeat_renew", idempotent, include_str!("sql/heartbeat_renew.sql"));

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&RENEW];

/// Renews sessions of one home (each named once), and returns those that live and whose number did not fall.
///
/// # Errors
/// As [`Db::query`].
pub async fn heartbeat_renew(
    db: &Db,
    home: &DatabaseRegion,
    beats: &[(SessionId, i64)],
) -> Result<Vec<SessionId>, sql::Error> {
    let sessions: Vec<Uuid> = beats.iter().map(|beat| beat.0.0).collect();
    let numbers: Vec<i64> = beats.iter().map(|beat| beat.1).collect();
    let rows = db.query(&RENEW, &[&home.as_str(), &sessions, &numbers]).await?;
    Ok(rows.iter().map(|row| SessionId(row.get("id"))).collect())
}
