//! The properties of README.md, by letter. Here is what the tests share: small worlds and requests.

mod distance;
mod filters;
mod order;
mod properties;
mod record;
mod spread;

use std::sync::Arc;

use topology::latency::LatencyTable;
use topology::{PoolId, Position, RegionState, Role, Topology};

use super::*;
use crate::health::{RAMP_FULL, RegionHealth, Verb};
use crate::testing::{add_pool, add_residency, bare, full, name, specialization};

const UP: RegionStanding = RegionStanding { verb: Verb::None, health: RegionHealth::Up, ramp_permille: RAMP_FULL };
const IDLE: PoolLoad = PoolLoad { sessions: 5, slots: 10, leased: 0, queued: 0, service_us: 1_000_000, live: true };

/// A snapshot in which every region is up and every pool idle.
fn idle(topology: &Topology) -> Snapshot {
    let mut snapshot = Snapshot::new(Arc::new(World::new(topology, &LatencyTable::default())));
    for region in &topology.regions {
        snapshot.set_region(&region.name, UP);
    }
    for pool in &topology.pools {
        snapshot.set_load(&pool.id, IDLE);
    }
    snapshot
}

fn from(lat: f64, lng: f64) -> ResolvedOrigin {
    ResolvedOrigin::at(Position::new(lat, lng).unwrap())
}

fn ask(kind: &str, origin: ResolvedOrigin) -> Request {
    Request { specialization: name(kind), residency: None, origin, nonce: 7, dark: false }
}

fn chosen(request: &Request, snapshot: &Snapshot) -> String {
    match place(request, snapshot) {
        Placement { chosen: Some(choice), .. } => choice.pool.region.to_string(),
        Placement { unplaceable, .. } => unplaceable.unwrap().as_str().to_owned(),
    }
}

/// us-west primary, us-east and europe-west replicas of `coach`; declared fallback of europe-central: asia-east first.
fn coaches() -> Topology {
    let mut topology = bare(5);
    add_pool(&mut topology, "us-west", "coach", Role::Primary);
    add_pool(&mut topology, "us-east", "coach", Role::Replica);
    add_pool(&mut topology, "europe-west", "coach", Role::Replica);
    add_pool(&mut topology, "asia-east", "coach", Role::Primary);
    topology.fallbacks.insert(name("europe-central"), vec![vec![name("asia-east")], vec![name("us-east")]]);
    add_residency(&mut topology, "eu", &["europe-west", "europe-central"]);
    topology
}

const BERLIN: (f64, f64) = (52.5, 13.4);
const BOSTON: (f64, f64) = (42.4, -71.1);

fn pool(text: &str) -> PoolId {
    text.parse().unwrap()
}
