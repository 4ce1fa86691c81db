//! The program's migrations, and the table that says which of them a database has.

use std::fmt;

use sha2::{Digest as _, Sha256};
use tokio_postgres::Row;

use super::{Error, Session};
use crate::{Engine, Statement, lex};

/// One change of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// From 1, without gaps.
    pub version: i64,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// Oldest program that can work with the schema after it.
    pub needs: &'static str,
    /// The files for PostgreSQL, in order.
    pub postgres: &'static [&'static str],
    /// The files for CockroachDB, in order.
    pub cockroach: &'static [&'static str],
}

/// All migrations, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "base",
        needs: "0.1.0",
        postgres: &[
            include_str!("../../migrations/0001_base.postgres.sql"),
            include_str!("../../migrations/0001_base.comments.sql"),
        ],
        cockroach: &[
            include_str!("../../migrations/0001_base.cockroach.sql"),
            include_str!("../../migrations/0001_base.comments.sql"),
        ],
    },
    Migration {
        version: 2,
        name: "drill",
        needs: "0.1.0",
        postgres: &[
            include_str!("../../migrations/0002_drill.postgres.sql"),
            include_str!("../../migrations/0002_drill.comments.sql"),
        ],
        cockroach: &[
            include_str!("../../migrations/0002_drill.cockroach.sql"),
            include_str!("../../migrations/0002_drill.comments.sql"),
        ],
    },
    Migration {
        version: 3,
        name: "memory",
        needs: "0.1.0",
        postgres: &[
            include_str!("../../migrations/0003_memory.postgres.sql"),
            include_str!("../../migrations/0003_memory.comments.sql"),
        ],
        cockroach: &[
            include_str!("../../migrations/0003_memory.cockroach.sql"),
            include_str!("../../migrations/0003_memory.comments.sql"),
        ],
    },
];

/// Version of this program's schema.
pub const LATEST: i64 = MIGRATIONS.len() as i64;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (\
    version int8 NOT NULL PRIMARY KEY, name text NOT NULL, digest text NOT NULL, needs text NOT NULL, \
    applied_by text NOT NULL, applied_at timestamptz NOT NULL)";

pub(super) const READ: Statement = crate::statement!(
    "schema_read",
    idempotent,
    "SELECT version, name, digest, needs FROM schema_migrations ORDER BY version"
);

pub(super) const RECORD: Statement = crate::statement!(
    "schema_record",
    idempotent,
    "INSERT INTO schema_migrations (version, name, digest, needs, applied_by, applied_at) \
     VALUES ($1::INT8, $2::TEXT, $3::TEXT, $4::TEXT, $5::TEXT, now()) ON CONFLICT (version) DO NOTHING"
);

/// A migration that a database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) needs: String,
}

impl Migration {
    /// Its DDL statements on this engine, in order.
    #[must_use]
    pub fn steps(&self, engine: Engine) -> Vec<&'static str> {
        self.files(engine).iter().flat_map(|file| lex::statements(file)).collect()
    }

    /// Digest of its text on this engine.
    #[must_use]
    pub fn digest(&self, engine: Engine) -> String {
        let mut digest = Sha256::new();
        for step in self.steps(engine) {
            digest.update(step.as_bytes());
            digest.update(b";");
        }
        hex(&digest.finalize())
    }

    const fn files(&self, engine: Engine) -> &'static [&'static str] {
        match engine {
            Engine::Postgres => self.postgres,
            Engine::Cockroach => self.cockroach,
        }
    }
}

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}_{}", self.version, self.name)
    }
}

/// Small letters, two a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn read(rows: &[Row]) -> Result<Vec<Applied>, crate::Error> {
    rows.iter()
        .map(|row| {
            Ok(Applied {
                version: row.try_get("version")?,
                name: row.try_get("name")?,
                digest: row.try_get("digest")?,
                needs: row.try_get("needs")?,
            })
        })
        .collect()
}

pub(super) async fn record(session: &Session, migration: &Migration) -> Result<(), crate::Error> {
    let digest = migration.digest(session.engine);
    let by = concat!("meridian ", env!("CARGO_PKG_VERSION"));
    session.query(&RECORD, &[&migration.version, &migration.name, &digest, &migration.needs, &by]).await.map(drop)
}

/// Whether program `own` may run on a schema with these migrations.
pub(super) fn judge(applied: &[Applied], engine: Engine, own: &'static str) -> Result<(), Error> {
    let Some(last) = applied.iter().max_by_key(|row| row.version) else { return Err(Error::Missing) };
    for row in applied.iter().filter(|row| row.version > LATEST) {
        if release(&row.needs) > release(own) {
            return Err(Error::TooOld { has: last.version, needs: row.needs.clone(), own });
        }
    }
    for migration in MIGRATIONS {
        let Some(row) = applied.iter().find(|row| row.version == migration.version) else {
            return Err(Error::Behind { has: last.version, wants: LATEST });
        };
        if row.digest != migration.digest(engine) {
            return Err(Error::Changed { migration: format!("{:04}_{}", row.version, row.name) });
        }
    }
    Ok(())
}

/// `1.2.3` as numbers, so that 0.10 is later than 0.9.
fn release(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(version: i64, needs: &str) -> Applied {
        let known = MIGRATIONS.iter().find(|one| one.version == version);
        Applied {
            version,
            name: known.map_or("later", |one| one.name).to_owned(),
            digest: known.map_or_else(String::new, |one| one.digest(Engine::Postgres)),
            needs: needs.to_owned(),
        }
    }

    fn all() -> Vec<Applied> {
        MIGRATIONS.iter().map(|one| applied(one.version, one.needs)).collect()
    }

    #[test]
    fn versions_are_gapless() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version, index as i64 + 1);
        }
    }

    #[test]
    fn a_program_runs_on_its_own_schema_and_on_a_later_one_that_allows_it() {
        assert!(judge(&all(), Engine::Postgres, "0.1.0").is_ok());
        let mut later = all();
        later.push(applied(LATEST + 1, "0.1.0"));
        assert!(judge(&later, Engine::Postgres, "0.1.0").is_ok());
    }

    #[test]
    fn an_old_program_is_told_which_version_it_needs() {
        let mut later = all();
        later.push(applied(LATEST + 1, "0.10.0"));
        let error = judge(&later, Engine::Postgres, "0.9.3").unwrap_err();
        assert!(error.to_string().contains("needs meridian 0.10.0 or later; this is 0.9.3"), "{error}");
    }

    #[test]
    fn a_schema_that_is_missing_behind_or_changed_is_refused() {
        assert!(matches!(judge(&[], Engine::Postgres, "0.1.0"), Err(Error::Missing)));
        let mut behind = all();
        behind[0].version = 0;
        assert!(matches!(judge(&behind, Engine::Postgres, "0.1.0"), Err(Error::Behind { .. })));
        let mut changed = all();
        changed[0].digest.push('x');
        assert!(matches!(judge(&changed, Engine::Postgres, "0.1.0"), Err(Error::Changed { .. })));
    }
}
