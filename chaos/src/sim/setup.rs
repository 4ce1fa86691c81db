//! The world of a drill as the model has it: topology, pools, rules, slots and distances, all by number.

use std::sync::Arc;

use scheduler_core::placement::{ResolvedOrigin, World};
use scheduler_core::testing;
use topology::{MissionId, PoolId, RegionName, ResidencyName, Role, Scheduling, Specialization, Topology};
use uuid::Uuid;

use super::time::{SECOND, Us};
use crate::drill::Drill;

/// Number of a region, in the order of the drill's world.
pub(super) type Site = usize;

/// Number of a pool: its region times the specializations, plus its specialization.
pub(super) type Pool = usize;

/// Number of a mission: its id without the zeros.
pub(super) type Mission = u64;

/// Agents of a region. Two, so that one that dies shows whether its region shows other life.
pub(super) const AGENTS: usize = 2;

/// Missions a second at most: a drill that submits faster is scaled down with its slots, so that pools are as full as
/// in the drill.
pub(super) const PER_SECOND_MAX: f64 = 40.0;

/// The regions of a drill's world, by their names here and in the core's table of cities.
const REGIONS: [(&str, &str); 5] = [
    ("us-west", "us-west"),
    ("europe-west", "europe-west"),
    ("asia-east", "asia-east"),
    ("us-east", "us-east"),
    ("south-america", "brazil"),
];

/// A residency rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: ResidencyName,
    pub(super) allowed: Vec<bool>,
}

/// What never changes in a run.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) regions: Vec<RegionName>,
    pub(super) kinds: Vec<Specialization>,
    pub(super) pools: Vec<PoolId>,
    pub(super) rules: Vec<Rule>,
    pub(super) world: Arc<World>,
    pub(super) origins: Vec<ResolvedOrigin>,
    pub(super) clocks: Scheduling,
    /// Slots that each agent of a region offers in each pool.
    pub(super) slots: Vec<i64>,
    /// Regions in the order of distance from each, itself first.
    pub(super) nearest: Vec<Vec<Site>>,
    /// Round trips from region to region.
    pub(super) rtt: Vec<Vec<Us>>,
    /// What was made of the drill's missions a second and slots.
    pub(super) scale: f64,
    pub(super) run_us: (Us, Us),
}

impl Setup {
    pub(super) fn new(drill: &Drill) -> Self {
        let spec = &drill.world;
        let scale = (PER_SECOND_MAX / drill.load.per_second.max(f64::MIN_POSITIVE)).min(1.0);
        let topology = topology(spec.regions.clamp(2, REGIONS.len()), spec.specializations.max(1));
        let regions: Vec<RegionName> = topology.regions.iter().map(|region| region.name.clone()).collect();
        let kinds: Vec<Specialization> = (0..spec.specializations.max(1)).map(testing::specialization).collect();
        let slots = regions.iter().map(|region| {
            let all = f64::from(spec.slots_of.get(region).copied().unwrap_or(spec.slots)) * scale;
            ((all / (kinds.len() * AGENTS) as f64).round() as i64).max(1)
        });
        let rtt: Vec<Vec<Us>> = topology
            .regions
            .iter()
            .map(|a| topology.regions.iter().map(|b| topology.latency.between_us(a, b).cast_signed()).collect())
            .collect();
        let pools = regions.iter().flat_map(|region| {
            kinds.iter().map(|kind| PoolId { region: region.clone(), specialization: kind.clone() })
        });
        Self {
            rules: rules(&topology),
            world: Arc::new(World::new(&topology, &topology.latency)),
            origins: regions.iter().cloned().map(ResolvedOrigin::Region).collect(),
            clocks: topology.scheduling.clone(),
            slots: slots.collect(),
            nearest: rtt.iter().map(|row| by_distance(row)).collect(),
            rtt,
            scale,
            run_us: (spec.run_ms.0.cast_signed() * 1_000, spec.run_ms.1.cast_signed() * 1_000),
            pools: pools.collect(),
            regions,
            kinds,
        }
    }

    pub(super) fn sites(&self) -> std::ops::Range<Site> {
        0..self.regions.len()
    }

    pub(super) fn pool(&self, site: Site, kind: usize) -> Pool {
        site * self.kinds.len() + kind
    }

    pub(super) fn site_of(&self, pool: Pool) -> Site {
        pool / self.kinds.len()
    }

    pub(super) fn kind_of(&self, pool: Pool) -> usize {
        pool % self.kinds.len()
    }

    /// The pool that placement names.
    pub(super) fn pool_at(&self, id: &PoolId) -> Pool {
        self.pools.iter().position(|pool| pool == id).expect("placement names pools of its world")
    }

    pub(super) fn site(&self, region: &RegionName) -> Option<Site> {
        self.regions.iter().position(|name| name == region)
    }

    pub(super) fn lawful(&self, rule: Option<usize>, site: Site) -> bool {
        rule.is_none_or(|rule| self.rules[rule].allowed[site])
    }

    /// One way from a gateway to the database and back is what a write costs that survives a region: a round trip to the
    /// nearest other region.
    pub(super) fn to_database(&self, gateway: Site) -> Us {
        let nearest = self.nearest[gateway].get(1).map_or(SECOND / 100, |other| self.rtt[gateway][*other]);
        nearest / 2
    }
}

pub(super) fn mission_id(mission: Mission) -> MissionId {
    MissionId(Uuid::from_u128(mission.into()))
}

pub(super) fn mission_number(id: MissionId) -> Mission {
    id.0.as_u128() as u64
}

fn topology(regions: usize, kinds: usize) -> Topology {
    let mut topology = testing::bare(16);
    let all = std::mem::take(&mut topology.regions);
    topology.regions = REGIONS[..regions]
        .iter()
        .map(|(name, city)| {
            let mut region =
                all.iter().find(|region| region.name.as_str() == *city).expect("a city of the core").clone();
            region.name = testing::name(name);
            region.database_region = testing::name(name);
            region
        })
        .collect();
    topology.database.regions = topology.regions.iter().map(|region| region.database_region.clone()).collect();
    for (region, _) in &REGIONS[..regions] {
        for kind in 0..kinds {
            testing::add_pool(&mut topology, region, testing::specialization(kind).as_str(), Role::Primary);
        }
    }
    for (at, (region, _)) in REGIONS[..regions].iter().enumerate() {
        let next = REGIONS[(at + 1) % regions].0;
        testing::add_residency(&mut topology, &format!("only-{region}"), &[region]);
        testing::add_residency(&mut topology, &format!("pair-{region}"), &[region, next]);
    }
    topology
}

/// The rules, `only-R` of every region first, then `pair-R`.
fn rules(topology: &Topology) -> Vec<Rule> {
    topology
        .residency
        .iter()
        .map(|(name, rule)| {
            let allowed = topology.regions.iter().map(|region| rule.regions.contains(&region.name)).collect();
            Rule { name: name.clone(), allowed }
        })
        .collect()
}

fn by_distance(row: &[Us]) -> Vec<Site> {
    let mut sites: Vec<Site> = (0..row.len()).collect();
    sites.sort_by_key(|site| (row[*site], *site));
    sites
}
