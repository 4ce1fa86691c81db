//! `control_events`: what operators and schedulers changed, with the state before and after.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sql::{Db, Statement};

const RECENT: Statement = sql::statement!(
    "control_recent",
    idempotent,
    "SELECT at, actor, action, subject, reason, before::TEXT AS before, after::TEXT AS after
     FROM control_events ORDER BY at DESC LIMIT $1::INT8"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&RECENT];

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What was done, such as `region_verb`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// What was.
    pub before: Option<Value>,
    /// What is.
    pub after: Option<Value>,
}

/// The latest changes, newest first.
///
/// # Errors
/// The database's.
pub async fn control_recent(db: &Db, limit: i64) -> Result<Vec<ControlEvent>, sql::Error> {
    let json = |text: Option<&str>| text.and_then(|text| serde_json::from_str(text).ok());
    let rows = db.query(&RECENT, &[&limit]).await?;
    Ok(rows
        .iter()
        .map(|row| ControlEvent {
            at: row.get("at"),
            actor: row.get("actor"),
            action: row.get("action"),
            subject: row.get("subject"),
            reason: row.get("reason"),
            before: json(row.get("before")),
            after: json(row.get("after")),
        })
        .collect())
}
