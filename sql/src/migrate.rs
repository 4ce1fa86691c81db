//! Migrations: from an empty database to the schema of this program.

use topology::{DatabaseRegion, Survive};

use crate::{Db, GatewayConfig};

/// Where rows may live.
#[derive(Debug, Clone)]
pub struct Regions {
    /// Database regions, the primary one first. At least one.
    pub all: Vec<DatabaseRegion>,
    /// What the database survives. PostgreSQL has one machine and ignores it.
    pub survive: Survive,
}

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
    #[error("the migration failed")]
    Sql(#[from] crate::Error),
}

/// Brings the database at `gateway` to this program's schema. Any number may run at once.
///
/// # Errors
/// [`Error`].
pub async fn up(gateway: &GatewayConfig, regions: &Regions) -> Result<Report, Error> {
    let _ = (gateway, regions);
    todo!()
}

/// Checks that this program may run on the schema it finds.
///
/// # Errors
/// When the schema is missing, older than this program needs, or too new for it.
pub async fn check(db: &Db) -> Result<(), Error> {
    let _ = db;
    todo!()
}

/// Changes the database regions that rows may live in. Does nothing where they are so already.
///
/// # Errors
/// When a region that is taken away still homes rows.
pub async fn sync_regions(gateway: &GatewayConfig, regions: &Regions) -> Result<(), Error> {
    let _ = (gateway, regions);
    todo!()
}
