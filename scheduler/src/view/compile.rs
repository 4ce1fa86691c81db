//! From rows to what placement reads.

use std::sync::Arc;

use scheduler_core::health::{RegionHealth, Verb, pool_is_live, ramp_permille};
use scheduler_core::placement::{PoolLoad, RegionStanding, Snapshot, World};
use topology::Topology;
use topology::config::{self, Findings};

use super::View;
use super::keys::Earlier;
use crate::refusal::Refusal;
use crate::store::topology::{Current, Version};

/// A topology version, parsed and compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) current: Current,
    pub(crate) topology: Arc<Topology>,
    pub(crate) world: Arc<World>,
    /// Topologies before it that gave idempotency keys other homes.
    pub(crate) earlier: Arc<[Earlier]>,
}

impl Compiled {
    pub(crate) fn new(version: &Version, topology: Topology, earlier: Vec<Earlier>) -> Self {
        let world = Arc::new(World::new(&topology, &topology.latency));
        Self { current: version.current, topology: Arc::new(topology), world, earlier: earlier.into() }
    }
}

/// Parses a topology for the database that answers.
///
/// # Errors
/// [`Refusal::TopologyRefused`] with the findings.
pub(crate) fn parse(text: &str, engine: sql::Engine) -> Result<Topology, Refusal> {
    let engine = match engine {
        sql::Engine::Postgres => config::Engine::PostgreSql,
        sql::Engine::Cockroach => config::Engine::CockroachDb,
    };
    let parsed = config::parse_for(text, "topology.yaml", engine);
    parsed.map(|parsed| parsed.topology).map_err(|findings| refused(&findings))
}

fn refused(findings: &Findings) -> Refusal {
    let json = serde_json::to_value(findings).unwrap_or_default();
    let findings = json.get("findings").and_then(|list| list.as_array()).cloned().unwrap_or_default();
    Refusal::TopologyRefused { findings }
}

/// Puts health and load on the compiled topology.
pub(super) fn snapshot(view: &View) -> Snapshot {
    let clocks = &view.topology.scheduling;
    let now = view.now();
    let mut snapshot = view.snapshot.clone();
    snapshot.set_hold(view.held.is_some());
    for region in &view.topology.regions {
        let standing = view.regions.get(&region.name).map_or(
            RegionStanding { verb: Verb::None, health: RegionHealth::Unknown, ramp_permille: 1000 },
            |row| RegionStanding {
                verb: row.verb,
                health: row.standing.health,
                ramp_permille: ramp_permille(row.standing.returned_at, now, clocks),
            },
        );
        snapshot.set_region(&region.name, standing);
    }
    for pool in &view.topology.pools {
        if let Some(load) = view.loads.get(&pool.id) {
            let live = pool_is_live(load.sessions, load.alive_at, now, clocks);
            snapshot.set_load(
                &pool.id,
                PoolLoad {
                    sessions: load.sessions,
                    slots: load.slots,
                    leased: load.leased,
                    queued: load.queued,
                    service_us: load.service_us,
                    live,
                },
            );
        }
    }
    snapshot
}
