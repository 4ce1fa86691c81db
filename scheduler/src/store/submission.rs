//! Idempotency keys: which mission each stands for.

use sql::{Db, Statement};
use topology::{DatabaseRegion, MissionId};

/// What keys brought before. $1 homes of the keys  $2 submitters  $3 keys
const FIND: Statement = sql::statement!("submission_find", idempotent, include_str!("sql/submission_find.sql"));

/// Every statement of this module.
pub const STATEMENTS: &[&Statement] = &[&FIND];

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// SHA-256 of the request that came first, hex.
    pub digest: String,
    /// Its mission.
    pub mission: MissionId,
    /// Where the mission was homed at first.
    pub mission_home: String,
}

/// Whether a statement failed because the database has no such region, and so no row that lives there: the domain's
/// CHECK of PostgreSQL, the enum of CockroachDB.
#[must_use]
pub fn home_unknown(error: &sql::Error) -> bool {
    matches!(error.sqlstate().map(|state| state.code()), Some("23514" | "22P02"))
}

/// Looks keys (home, submitter, key) up: one answer each, in order.
///
/// # Errors
/// As [`Db::query`].
pub async fn submission_find(
    db: &Db,
    keys: &[(&DatabaseRegion, &str, &str)],
) -> Result<Vec<Option<Submission>>, sql::Error> {
    let homes: Vec<&str> = keys.iter().map(|key| key.0.as_str()).collect();
    let submitters: Vec<&str> = keys.iter().map(|key| key.1).collect();
    let names: Vec<&str> = keys.iter().map(|key| key.2).collect();
    let mut found = vec![None; keys.len()];
    for row in db.query(&FIND, &[&homes, &submitters, &names]).await? {
        let turn: i64 = row.get("turn");
        let place = usize::try_from(turn - 1).expect("ordinality starts at 1");
        found[place] = Some(Submission {
            digest: row.get("digest"),
            mission: MissionId(row.get("mission_id")),
            mission_home: row.get("mission_home"),
        });
    }
    Ok(found)
}
