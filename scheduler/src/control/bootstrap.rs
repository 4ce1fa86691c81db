//! The first topology of a new database.

use sha2::{Digest, Sha256};
use sql::Db;
use topology::RegionName;

use crate::refusal::Refusal;
use crate::store;
use crate::store::topology::{NewVersion, topology_apply, topology_current, topology_read};
use crate::view::parse;

/// `undefined_table`: the schema is not there yet.
const NO_TABLE: &str = "42P01";

/// SHA-256 of a text, hex.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts the first topology in force, with the rows of its regions. False = there is one already.
///
/// # Errors
/// [`Refusal::TopologyRefused`] where the text is none, or the database's.
pub async fn bootstrap(db: &Db, text: &str, author: &str) -> Result<bool, Refusal> {
    let topology = parse(text, db.engine())?;
    let names: Vec<RegionName> = topology.regions.into_iter().map(|region| region.name).collect();
    store::region::regions_ensure(db, &names, author).await?;
    let digest = digest(text);
    let new = NewVersion { base: 0, text, digest: &digest, residency_version: 1, author, message: "the first" };
    Ok(topology_apply(db, &new).await?.is_some())
}

/// The text in force; none where there is none yet, or no schema.
///
/// # Errors
/// The database's.
pub async fn stored_topology(db: &Db) -> Result<Option<String>, Refusal> {
    match topology_current(db).await {
        Ok(None) => Ok(None),
        Ok(Some(current)) => Ok(topology_read(db, current.version).await?.map(|version| version.text)),
        Err(error) if error.sqlstate().is_some_and(|state| state.code() == NO_TABLE) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
