//! `topology_versions`: which topology is in force, for programs that are no scheduler.

use sql::{Db, Statement};

const IN_FORCE: Statement = sql::statement!(
    "memory_topology_in_force",
    idempotent,
    "SELECT t.text FROM topology_versions AS t ORDER BY t.version DESC LIMIT 1"
);

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&IN_FORCE];

/// The text of the topology in force; none before the first.
///
/// # Errors
/// As [`Db::query`].
pub async fn topology_in_force(db: &Db) -> Result<Option<String>, sql::Error> {
    Ok(db.query_opt(&IN_FORCE, &[]).await?.map(|row| row.try_get("text")).transpose()?)
}
