//! `topology_versions`: every topology that was ever in force. The greatest version is in force now.

use chrono::{DateTime, Utc};
use sql::{Db, Row, Statement};

/// Which version is in force: what the watch asks again and again.
const CURRENT: Statement = sql::statement!(
    "topology_current",
    idempotent,
    "SELECT version, residency_version FROM topology_versions ORDER BY version DESC LIMIT 1"
);

const READ: Statement = sql::statement!(
    "topology_read",
    idempotent,
    "SELECT version, text, digest, residency_version, author, message, applied_at
     FROM topology_versions WHERE version = $1::INT8"
);

const HISTORY: Statement = sql::statement!(
    "topology_history",
    idempotent,
    "SELECT version, digest, residency_version, author, message, applied_at
     FROM topology_versions ORDER BY version DESC LIMIT $1::INT8"
);

/// Compare-and-set: makes the version after `$1` if `$1` is still the greatest, with its history row. Of two appliers
/// with one base the primary key lets one through.
const APPLY: Statement = sql::statement!("topology_apply", once, include_str!("sql/topology_apply.sql"));

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&CURRENT, &READ, &HISTORY, &APPLY];

/// Numbers of the version in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Current {
    /// The greatest version.
    pub version: i64,
    /// Its residency version.
    pub residency_version: i64,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its numbers.
    pub current: Current,
    /// The file as written; empty in the history.
    pub text: String,
    /// SHA-256 of the text, hex.
    pub digest: String,
    /// Who applied it.
    pub author: String,
    /// Why.
    pub message: String,
    /// When.
    pub applied_at: DateTime<Utc>,
}

/// A version that somebody wants in force.
#[derive(Debug, Clone)]
pub struct NewVersion<'a> {
    /// The version it was planned against; 0 = there is none yet.
    pub base: i64,
    /// The file.
    pub text: &'a str,
    /// SHA-256 of the text, hex.
    pub digest: &'a str,
    /// The base's, or one more where residency changes.
    pub residency_version: i64,
    /// Who applies it.
    pub author: &'a str,
    /// Why.
    pub message: &'a str,
}

/// The version in force; none in a new database.
///
/// # Errors
/// The database's.
pub async fn topology_current(db: &Db) -> Result<Option<Current>, sql::Error> {
    let row = db.query_opt(&CURRENT, &[]).await?;
    Ok(row.map(|row| Current { version: row.get(0), residency_version: row.get(1) }))
}

/// One version with its text.
///
/// # Errors
/// The database's.
pub async fn topology_read(db: &Db, version: i64) -> Result<Option<Version>, sql::Error> {
    let row = db.query_opt(&READ, &[&version]).await?;
    Ok(row.map(|row| Version { text: row.get("text"), ..head(&row) }))
}

/// The latest versions, newest first, without their texts.
///
/// # Errors
/// The database's.
pub async fn topology_history(db: &Db, limit: i64) -> Result<Vec<Version>, sql::Error> {
    Ok(db.query(&HISTORY, &[&limit]).await?.iter().map(head).collect())
}

/// Puts a version in force; none where its base is not the greatest version any more.
///
/// # Errors
/// The database's; after [`sql::Error::Indeterminate`] compare the digest of the version after the base.
pub async fn topology_apply(db: &Db, new: &NewVersion<'_>) -> Result<Option<Version>, sql::Error> {
    let row = db
        .query_opt(&APPLY, &[&new.base, &new.text, &new.digest, &new.residency_version, &new.author, &new.message])
        .await?;
    Ok(row.map(|row| head(&row)))
}

fn head(row: &Row) -> Version {
    Version {
        current: Current { version: row.get("version"), residency_version: row.get("residency_version") },
        text: String::new(),
        digest: row.get("digest"),
        author: row.get("author"),
        message: row.get("message"),
        applied_at: row.get("applied_at"),
    }
}
