//! Mission events: the transitions that a mission's own times do not tell. They are written by the statements that
//! make them; here they are read.

use chrono::{DateTime, Utc};
use sql::{Db, Statement};
use topology::{DatabaseRegion, Epoch, MissionId, SessionId};
use uuid::Uuid;

/// Events of a mission in one home, the newest 500, newest first. $1 home  $2 mission
const LIST: Statement = sql::statement!(
    "event_list",
    idempotent,
    "SELECT e.at, e.from_state, e.to_state, e.epoch, e.session_id, e.actor, e.reason, e.region
     FROM mission_events AS e
     WHERE e.crdb_region = $1::TEXT::crdb_internal_region AND e.mission_id = $2::UUID
     ORDER BY e.at DESC, e.epoch DESC
     LIMIT 500"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&LIST];

/// A transition as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns are described in the schema")]
pub struct EventRow {
    pub at: DateTime<Utc>,
    pub from_state: Option<String>,
    pub to_state: String,
    pub epoch: Epoch,
    pub session: Option<SessionId>,
    pub actor: String,
    pub reason: Option<String>,
    pub region: Option<String>,
}

/// Events of a mission that were written in one home, newest first.
///
/// # Errors
/// As [`Db::query`].
pub async fn event_list(db: &Db, home: &DatabaseRegion, mission: MissionId) -> Result<Vec<EventRow>, sql::Error> {
    let rows = db.query(&LIST, &[&home.as_str(), &mission.0]).await?;
    Ok(rows
        .iter()
        .map(|row| EventRow {
            at: row.get("at"),
            from_state: row.get("from_state"),
            to_state: row.get("to_state"),
            epoch: Epoch(row.get("epoch")),
            session: row.get::<_, Option<Uuid>>("session_id").map(SessionId),
            actor: row.get("actor"),
            reason: row.get("reason"),
            region: row.get("region"),
        })
        .collect())
}
