//! Where the idempotency keys of a request live: a function of the request and a topology alone.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use sql::Db;
use topology::{DatabaseRegion, Topology};

use super::compile::{Compiled, parse};
use super::{ResolvedOrigin, View, origin, place};
use crate::refusal::Refusal;
use crate::store::topology::{Version, topology_read};

/// Versions that are looked through for earlier homes of keys. A key that was first used before that many changes of
/// the topology is not found again where its home has changed since.
const VERSIONS_BACK: usize = 64;

/// The homes of one request's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHomes {
    /// Version of the topology that says so. The submit compares it with the one in force, so that no scheduler writes
    /// the key by a topology that others have left.
    pub topology_version: i64,
    /// Where the key's row is written.
    pub home: DatabaseRegion,
    /// Other homes that earlier topologies gave it, while a key that was written there may still be kept; the newest
    /// first.
    pub earlier: Vec<DatabaseRegion>,
}

/// A topology that was in force, and until when.
#[derive(Debug, Clone)]
pub(crate) struct Earlier {
    pub(crate) topology: Arc<Topology>,
    pub(crate) until: DateTime<Utc>,
}

/// The homes of a key in a view. `origin` is the one that the request names; `kept` is how long keys are kept.
pub(super) fn key_homes(view: &View, origin: Option<&ResolvedOrigin>, submitter: &str, kept: Duration) -> KeyHomes {
    let now = view.now();
    let home = key_home(&view.topology, origin, submitter);
    let mut earlier = Vec::new();
    for former in view.earlier.iter().filter(|former| former.until + kept > now) {
        let before = key_home(&former.topology, origin, submitter);
        if before != home && !earlier.contains(&before) {
            earlier.push(before);
        }
    }
    KeyHomes { topology_version: view.topology_version, home, earlier }
}

fn key_home(topology: &Topology, origin: Option<&ResolvedOrigin>, submitter: &str) -> DatabaseRegion {
    match origin {
        None => origin::submitter_home(topology, submitter),
        Some(resolved) => place::nearest_home(topology, resolved, |_| true)
            .unwrap_or_else(|| topology.database.primary_region.clone()),
    }
}

/// Whether two topologies give every key the same home.
fn agree(one: &Topology, other: &Topology) -> bool {
    let places = |topology: &Topology| -> Vec<_> {
        let place = |region: &topology::Region| (region.name.clone(), region.position, region.database_region.clone());
        topology.regions.iter().map(place).collect()
    };
    let lists = |topology: &Topology| (topology.database.primary_region.clone(), topology.database.regions.clone());
    lists(one) == lists(other) && places(one) == places(other)
}

/// The topologies before `version` that gave keys other homes and were in force until less than `kept` ago, the newest
/// first. A version never changes, so what is known of the one before is used again.
///
/// # Errors
/// The database's.
pub(super) async fn read_earlier(
    db: &Db,
    parsed: &Cache<i64, Arc<Compiled>>,
    version: &Version,
    topology: &Topology,
    kept: Duration,
) -> Result<Vec<Earlier>, Refusal> {
    if version.current.version <= 1 {
        return Ok(Vec::new());
    }
    let oldest = db.clock().await? - kept;
    let (mut found, mut number, mut until) = (Vec::new(), version.current.version - 1, version.applied_at);
    let last = number - i64::try_from(VERSIONS_BACK).unwrap_or(i64::MAX);
    while number > last && number > 0 && until > oldest {
        if let Some(known) = parsed.get(&number) {
            add(&mut found, topology, Earlier { topology: Arc::clone(&known.topology), until });
            known.earlier.iter().for_each(|former| add(&mut found, topology, former.clone()));
            break;
        }
        let Some(stored) = topology_read(db, number).await? else { break };
        // A version that this program cannot read was never in force in it; nor can it tell where that put a key.
        match parse(&stored.text, db.engine()) {
            Ok(former) => add(&mut found, topology, Earlier { topology: Arc::new(former), until }),
            Err(_) => tracing::warn!(version = number, "an earlier topology cannot be read: its keys are not found"),
        }
        (number, until) = (number - 1, stored.applied_at);
    }
    Ok(found)
}

/// Adds a topology that gives keys homes that are not looked at yet. Of two that agree the newer one is enough.
fn add(found: &mut Vec<Earlier>, current: &Topology, former: Earlier) {
    let known = found.iter().any(|newer| agree(&newer.topology, &former.topology));
    // One that agrees with the topology in force adds nothing.
    if !known && !agree(current, &former.topology) {
        found.push(former);
    }
}
