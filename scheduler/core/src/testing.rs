//! Small topologies, made by hand, for tests and benchmarks.

use std::collections::BTreeMap;

use topology::latency::LatencyTable;
use topology::model::{Database, LoadBalancer, ResidencyStrength};
use topology::{
    Pool, PoolId, Position, Provider, Region, RegionName, RegionState, Residency, Role, Scheduling, Specialization,
    Survive, Topology,
};

/// Cities with their country and jurisdiction, far enough apart to tell their round trips.
const CITIES: [(&str, f64, f64, &str, &str); 16] = [
    ("us-west", 45.8, -119.7, "US", "us"),
    ("us-east", 38.9, -77.4, "US", "us"),
    ("europe-west", 52.4, 4.9, "NL", "eu"),
    ("asia-east", 35.7, 139.7, "JP", "jp"),
    ("europe-central", 50.1, 8.7, "DE", "eu"),
    ("asia-south", 19.1, 72.9, "IN", "in"),
    ("asia-southeast", 1.3, 103.8, "SG", "sg"),
    ("australia", -33.9, 151.2, "AU", "au"),
    ("brazil", -23.5, -46.6, "BR", "br"),
    ("canada", 45.5, -73.6, "CA", "ca"),
    ("uk", 51.5, -0.1, "GB", "gb"),
    ("europe-north", 59.3, 18.1, "SE", "eu"),
    ("us-central", 41.3, -95.9, "US", "us"),
    ("south-africa", -26.2, 28.0, "ZA", "za"),
    ("uae", 25.2, 55.3, "AE", "ae"),
    ("korea", 37.6, 127.0, "KR", "kr"),
];

/// A name, which must be one.
///
/// # Panics
/// Where the text is no name.
#[must_use]
pub fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the test's names are names")
}

/// A topology of the first `regions` cities (at most 16), without pools.
///
/// # Panics
/// Never: the table holds places of the globe.
#[must_use]
pub fn bare(regions: usize) -> Topology {
    let regions: Vec<Region> = CITIES[..regions].iter().map(region).collect();
    Topology {
        database: Database {
            cloud: None,
            primary_region: regions[0].database_region.clone(),
            survive: Survive::Region,
            regions: regions.iter().map(|region| region.database_region.clone()).collect(),
            placement_restricted: false,
            max_clock_offset: std::time::Duration::from_millis(250),
        },
        regions,
        pools: Vec::new(),
        residency: BTreeMap::new(),
        fallbacks: BTreeMap::new(),
        scheduling: Scheduling::default(),
        latency: LatencyTable::default(),
        load_balancer: LoadBalancer::default(),
    }
}

fn region((name, lat, lng, country, jurisdiction): &(&str, f64, f64, &str, &str)) -> Region {
    Region {
        name: self::name(name),
        provider: Provider::Aws,
        cloud_region: (*name).to_owned(),
        position: Position::new(*lat, *lng).expect("the table holds places of the globe"),
        country: (*country).to_owned(),
        jurisdiction: (*jurisdiction).to_owned(),
        steering: Vec::new(),
        state: RegionState::Active,
        database_region: self::name(name),
        cidr: None,
        spot: false,
    }
}

/// Puts a pool into a topology.
pub fn add_pool(topology: &mut Topology, region: &str, specialization: &str, role: Role) {
    let id = PoolId { region: name(region), specialization: name(specialization) };
    let pool = Pool { id, role, replicas: 5, slots: 2, min: None, max: None, run_limit: None };
    topology.pools.push(pool);
}

/// Puts a residency rule of strength `run` into a topology.
pub fn add_residency(topology: &mut Topology, rule: &str, regions: &[&str]) {
    let regions: Vec<RegionName> = regions.iter().map(|region| name(region)).collect();
    topology.residency.insert(name(rule), Residency { regions, strength: ResidencyStrength::Run });
}

/// A topology in which every one of `specializations` kinds has a pool in every region, the first its primary.
#[must_use]
pub fn full(regions: usize, specializations: usize) -> Topology {
    let mut topology = bare(regions);
    for kind in 0..specializations {
        for (at, city) in CITIES[..regions].iter().enumerate() {
            let role = if at == kind % regions { Role::Primary } else { Role::Replica };
            add_pool(&mut topology, city.0, specialization(kind).as_str(), role);
        }
    }
    topology
}

/// The name of the kind with this number in [`full`].
#[must_use]
pub fn specialization(kind: usize) -> Specialization {
    name(&format!("kind-{kind}"))
}
