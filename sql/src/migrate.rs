//! Migrations: from an empty database to the schema of this program.
//!
//! A migration is a list of steps, each one DDL statement that may run twice. Steps run without a transaction, for
//! CockroachDB has none for DDL. Instances that start at once take turns by a lease row; should a lease run out under
//! a slow step, two run the same step, which is harmless.

mod history;
mod lease;
mod regions;
mod steps;

pub(crate) use history::hex;
pub use history::{LATEST, MIGRATIONS, Migration};
pub use regions::Regions;

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::error::{Detail, Failure, Verdict};
use crate::gateway::NoAnswer;
use crate::{Db, Engine, GatewayConfig, Statement, gateways, url};

/// Every statement of this module that is not DDL.
pub const STATEMENTS: &[&Statement] = &[&history::READ, &history::RECORD, &lease::TAKE, &lease::RENEW, &lease::RELEASE];

/// DDL for CockroachDB that stands in no file: made here, for its parser.
#[cfg(all(test, feature = "testing"))]
pub(crate) fn cockroach_samples() -> Vec<String> {
    use topology::Survive::{Region, Zone};
    let regions = |names: &[&str], survive| Regions {
        all: names.iter().map(|name| name.parse().expect("a name")).collect(),
        survive,
    };
    let known = ["eu-west-1", "us-east-1", "us-west-2"].map(str::to_owned);
    let mut texts =
        regions::cockroach_steps("meridian", &[], &regions(&["eu-west-1", "us-east-1", "us-west-2"], Region));
    texts.extend(regions::cockroach_steps("meridian", &known, &regions(&["us-east-1", "sa-east-1"], Zone)));
    texts.extend([history::TABLE, lease::TABLE, regions::COCKROACH_READ].map(str::to_owned));
    texts
}

const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Names of the migrations applied by this run.
    pub applied: Vec<String>,
    /// The schema's version now.
    pub version: i64,
}

/// Why the schema cannot be brought up or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A statement failed.
    #[error("the database refused a statement of the migration")]
    Sql(#[from] crate::Error),
    /// A step failed.
    #[error("step {step} of migration {migration} failed")]
    Step {
        /// Number and name: `0001_base`.
        migration: String,
        /// From 1.
        step: usize,
        /// Why.
        #[source]
        source: crate::Error,
    },
    /// The database has no schema at all.
    #[error("the database has no schema yet: run `scheduler migrate`")]
    Missing,
    /// The schema is older than this program needs.
    #[error("the database's schema is at version {has}, this program needs {wants}: run `scheduler migrate`")]
    Behind {
        /// Version found.
        has: i64,
        /// Version of this program.
        wants: i64,
    },
    /// The schema was made by a later program, with which this one cannot share it.
    #[error("the database's schema is at version {has}, which needs meridian {needs} or later; this is {own}")]
    TooOld {
        /// Version found.
        has: i64,
        /// Oldest program that can use it.
        needs: String,
        /// This program's version.
        own: &'static str,
    },
    /// A migration was changed after it was applied.
    #[error("migration {migration} was applied with another text; make a new database")]
    Changed {
        /// Number and name.
        migration: String,
    },
    /// A region that was to be taken away still homes rows.
    #[error("a database region that is to be taken away still homes rows")]
    RegionInUse(#[source] crate::Error),
    /// No region was given.
    #[error("at least one database region is needed")]
    NoRegion,
    /// Another instance held the lease all the time.
    #[error("another instance has been migrating for {0:?}")]
    Waited(Duration),
}

/// Brings the database at `gateway` to this program's schema, and its database regions to `regions` where it has none.
/// Any number may run at once.
///
/// # Errors
/// [`Error`]; running it again goes on where it stopped.
pub async fn up(gateway: &GatewayConfig, regions: &Regions) -> Result<Report, Error> {
    let mut session = Session::open(gateway).await?;
    session.create_own_tables().await?;
    let applied = lease::with(&session, || missing_applied(&session, regions)).await?;
    session.closed().await;
    Ok(Report { applied, version: LATEST })
}

/// Checks that this program may run on the schema it finds.
///
/// # Errors
/// When the schema is missing, older than this program needs, or too new for it.
pub async fn check(db: &Db) -> Result<(), Error> {
    match db.query(&history::READ, &[]).await {
        Ok(rows) => history::judge(&history::read(&rows)?, db.engine(), env!("CARGO_PKG_VERSION")),
        Err(error) if error.sqlstate() == Some(&SqlState::UNDEFINED_TABLE) => Err(Error::Missing),
        Err(error) => Err(error.into()),
    }
}

/// Changes the database regions that rows may live in. Does nothing where they are so already.
///
/// # Errors
/// [`Error::RegionInUse`] when a region that is taken away still homes rows.
pub async fn sync_regions(gateway: &GatewayConfig, regions: &Regions) -> Result<(), Error> {
    let session = Session::open(gateway).await?;
    regions::sync(&session, regions).await
}

async fn missing_applied(session: &Session, regions: &Regions) -> Result<Vec<String>, Error> {
    regions::ensure(session, regions).await?;
    let known = history::read(&session.query(&history::READ, &[]).await?)?;
    match history::judge(&known, session.engine, env!("CARGO_PKG_VERSION")) {
        Ok(()) => return Ok(Vec::new()),
        Err(Error::Missing | Error::Behind { .. }) => {}
        Err(other) => return Err(other),
    }
    let mut applied = Vec::new();
    for migration in MIGRATIONS.iter().filter(|one| !known.iter().any(|row| row.version == one.version)) {
        for (index, step) in migration.steps(session.engine).into_iter().enumerate() {
            lease::renew(session).await?;
            steps::run(session, step).await.map_err(|source| Error::Step {
                migration: migration.to_string(),
                step: index + 1,
                source,
            })?;
        }
        history::record(session, migration).await?;
        applied.push(migration.to_string());
    }
    Ok(applied)
}

/// A connection of the migrator's own, without the time limit of a call.
struct Session {
    client: Client,
    engine: Engine,
    id: uuid::Uuid,
}

impl Session {
    async fn open(gateway: &GatewayConfig) -> Result<Self, crate::Error> {
        let mut target =
            url::read(&gateway.url).map_err(|cause| crate::Error::Permanent(Detail::new("connect", cause)))?;
        target.driver.application_name("meridian/migrate");
        let open = gateways::connect(&target, CONNECT_LIMIT);
        let client = match tokio::time::timeout(CONNECT_LIMIT, open).await {
            Ok(result) => result.map_err(Failure::into_error)?,
            Err(_) => return Err(crate::Error::Unavailable(Detail::new("connect", NoAnswer::Connect))),
        };
        let mut session = Self { client, engine: Engine::Postgres, id: uuid::Uuid::new_v4() };
        session.engine = session.read_engine().await?;
        session
            .command(if session.engine == Engine::Postgres { "SET lock_timeout = '5s'" } else { "SELECT 1" })
            .await?;
        Ok(session)
    }

    async fn read_engine(&self) -> Result<Engine, crate::Error> {
        let row = self.client.query_one("SELECT version()", &[]).await.map_err(|e| self.failed("engine_read", e))?;
        Ok(Engine::of_version(row.try_get(0)?))
    }

    async fn create_own_tables(&mut self) -> Result<(), crate::Error> {
        for table in [history::TABLE, lease::TABLE] {
            steps::run(self, table).await?;
        }
        Ok(())
    }

    /// Runs a text that has no parameters and returns no rows.
    async fn command(&self, text: &str) -> Result<(), crate::Error> {
        self.client.batch_execute(text).await.map_err(|error| self.failed("migration_step", error))
    }

    async fn query(
        &self,
        statement: &'static Statement,
        params: crate::Params<'_>,
    ) -> Result<Vec<tokio_postgres::Row>, crate::Error> {
        self.client.query(statement.text, params).await.map_err(|error| self.failed(statement.name, error))
    }

    fn failed(&self, label: &'static str, error: tokio_postgres::Error) -> crate::Error {
        let verdict = Verdict::of_driver(&error, self.client.is_closed());
        Failure { verdict, detail: Detail::of_driver(label, error) }.into_error()
    }

    /// Ends the connection and waits until the driver has said so, so that a template may be copied at once.
    async fn closed(self) {
        drop(self.client);
        tokio::task::yield_now().await;
    }
}
