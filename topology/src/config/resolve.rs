//! What the blocks mean together: rules over several of them, and the finished topology.

use std::collections::{BTreeMap, BTreeSet};

use super::agent::Agent;
use super::database::{Homes, WrittenDatabase};
use super::load_balancer::WrittenLoadBalancer;
use super::region::WrittenRegion;
use super::residency::{Fallbacks, WrittenResidency};
use crate::ids::{PoolId, RegionName, Specialization};
use crate::latency::LatencyTable;
use crate::model::{Database, Pool, Region, Residency, ResidencyStrength, Role, Scheduling, Survive, Topology};
use crate::yaml::{At, Code, Reader};

/// All blocks as they are written.
pub(super) struct Written {
    pub(super) regions: Vec<WrittenRegion>,
    pub(super) residency: Vec<WrittenResidency>,
    pub(super) fallbacks: Fallbacks,
    pub(super) database: WrittenDatabase,
    pub(super) scheduling: Scheduling,
    pub(super) latency: LatencyTable,
    pub(super) load_balancer: WrittenLoadBalancer,
}

/// Checks the rules over several blocks and makes the topology; none where something it needs was refused.
pub(super) fn resolve(reader: &mut Reader, written: Written) -> Option<Topology> {
    replicas_have_primaries(reader, &written.regions);
    let homes = written.database.homes(&written.regions);
    let database = written.database.finish(reader, &homes);
    let home_law = laws(reader, &written, &homes);
    let regions = by_name(&written.regions);
    for rule in &written.residency {
        inside(reader, rule, &regions, &home_law);
        can_run(reader, rule, &regions);
        if let Some(database) = &database {
            strong_enough(reader, rule, database);
        }
    }
    let regions: Vec<Region> =
        written.regions.iter().zip(&homes.of).filter_map(|(region, home)| finish(region, home.clone()?)).collect();
    let load_balancer = written.load_balancer.resolve(reader, &regions);
    let regions = steered(regions, &load_balancer);
    Some(Topology {
        pools: written.regions.iter().flat_map(pools).collect(),
        regions,
        residency: written.residency.into_iter().filter_map(rule).collect(),
        fallbacks: written.fallbacks,
        database: database?,
        scheduling: written.scheduling,
        latency: written.latency,
        load_balancer,
    })
}

fn replicas_have_primaries(reader: &mut Reader, regions: &[WrittenRegion]) {
    let agents = || regions.iter().flat_map(|region| &region.agents);
    // An agent whose role could not be read may be the primary that seems to be missing.
    let primary = |agent: &&Agent| agent.role.is_none_or(|role| role.value == Role::Primary);
    let primaries: BTreeSet<&Specialization> =
        agents().filter(primary).filter_map(|agent| agent.specialization.as_ref()).map(|at| &at.value).collect();
    let replicas = agents().filter(|agent| agent.role.is_some_and(|role| role.value == Role::Replica));
    for name in replicas.filter_map(|agent| agent.specialization.as_ref()) {
        if primaries.contains(&name.value) {
            continue;
        }
        let message = format!("`{}` has replicas but no primary in any region", name.value);
        let near = reader.suggest(name.value.as_str(), primaries.iter().map(|name| name.as_str()));
        let hint = near.unwrap_or_else(|| "make one of them primary".to_owned());
        reader.error(Code::REPLICA_WITHOUT_PRIMARY, name.span, message, hint);
    }
}

/// The law that holds where each region's rows are homed; none where the label does not say it.
fn laws(reader: &mut Reader, written: &Written, homes: &Homes) -> Vec<Option<&'static str>> {
    let law = |home: &Option<_>| home.as_ref().and_then(|home| written.database.jurisdiction(home, &written.regions));
    let laws: Vec<Option<&'static str>> = homes.of.iter().map(law).collect();
    let named: BTreeSet<&RegionName> =
        written.residency.iter().flat_map(|rule| &rule.regions).map(|at| &at.value).collect();
    let ruled = |region: &WrittenRegion| region.name.as_ref().is_some_and(|name| named.contains(&name.value));
    for ((region, law), home) in written.regions.iter().zip(&laws).zip(&homes.of) {
        let (Some(cloud), Some(name), Some(home)) = (region.cloud, &region.name, home) else { continue };
        match law {
            Some(law) if *law != cloud.jurisdiction && !ruled(region) => {
                let message = format!(
                    "the rows of `{}` are homed in {home}: law of {law}, not {}",
                    name.value, cloud.jurisdiction
                );
                let hint = format!("write database.regions: {{ {}: .. }} to choose another home", name.value);
                reader.warn(Code::WEAK, name.span, message, hint);
            }
            None if ruled(region) => {
                let message = format!(
                    "nothing says whose law holds in the database region {home}: residency is not checked there"
                );
                reader.warn(Code::WEAK, name.span, message, None);
            }
            Some(_) | None => {}
        }
    }
    laws
}

/// A region with its number, by name.
type ByName<'a> = BTreeMap<&'a RegionName, (usize, &'a WrittenRegion)>;

fn by_name(regions: &[WrittenRegion]) -> ByName<'_> {
    let named = regions.iter().enumerate().rev();
    named.filter_map(|(at, region)| Some((&region.name.as_ref()?.value, (at, region)))).collect()
}

/// Rows of a residency are homed where one of its regions' laws hold.
fn inside(reader: &mut Reader, rule: &WrittenResidency, regions: &ByName<'_>, laws: &[Option<&'static str>]) {
    let ruled: Vec<_> = rule
        .regions
        .iter()
        .filter_map(|at| {
            let (number, region) = regions.get(&at.value)?;
            Some((at, region.cloud?, laws[*number]?))
        })
        .collect();
    let allowed: BTreeSet<&str> = ruled.iter().map(|(_, cloud, _)| cloud.jurisdiction.as_str()).collect();
    let names: Vec<&str> = allowed.iter().copied().collect();
    for (at, _, law) in ruled.iter().filter(|(_, _, law)| !allowed.contains(law)) {
        let message = format!(
            "the rows of `{}` are homed where the law of {law} holds, outside this residency ({})",
            at.value,
            names.join(", ")
        );
        let hint = format!("write database.regions: {{ {}: <a database region in {}> }}", at.value, names.join(" or "));
        reader.error(Code::RESIDENCY_OUTSIDE, at.span, message, hint);
    }
}

/// A rule whose regions do not serve yet keeps its missions waiting.
fn can_run(reader: &mut Reader, rule: &WrittenResidency, regions: &ByName<'_>) {
    let serves = |at: &At<RegionName>| regions.get(&at.value).is_none_or(|(_, region)| region.state.serves());
    if let (Some(name), false) = (&rule.name, rule.regions.is_empty() || rule.regions.iter().any(serves)) {
        let message = format!("no region of the residency `{}` serves yet: its missions wait", name.value);
        reader.warn(Code::WEAK, name.span, message, None);
    }
}

fn strong_enough(reader: &mut Reader, rule: &WrittenResidency, database: &Database) {
    let store = rule.strength.value == ResidencyStrength::Store;
    if store && !(database.survive == Survive::Zone && database.placement_restricted) {
        let message = "the database block cannot keep replicas in place: strength `store` needs \
                       survive: zone with placement: restricted";
        let hint = "write strength: run, or give up surviving a region";
        reader.error(Code::RESIDENCY_TOO_STRONG, rule.strength.span, message, hint);
    }
}

fn rule(rule: WrittenResidency) -> Option<(crate::ids::ResidencyName, Residency)> {
    let regions = rule.regions.into_iter().map(|at| at.value).collect();
    Some((rule.name?.value, Residency { regions, strength: rule.strength.value }))
}

fn finish(region: &WrittenRegion, database_region: crate::ids::DatabaseRegion) -> Option<Region> {
    let cloud = region.cloud?;
    Some(Region {
        name: region.name.as_ref()?.value.clone(),
        provider: cloud.provider,
        cloud_region: cloud.name.clone(),
        position: cloud.position,
        country: cloud.country.clone(),
        jurisdiction: cloud.jurisdiction.clone(),
        steering: Vec::new(),
        state: region.state,
        database_region,
        cidr: region.cidr.map(|cidr| cidr.value.to_string()),
        spot: region.spot,
    })
}

/// Tells each region which codes' users are sent there.
fn steered(mut regions: Vec<Region>, load_balancer: &crate::model::LoadBalancer) -> Vec<Region> {
    let owners: BTreeMap<&str, _> = load_balancer.pools.iter().map(|pool| (&*pool.name, &pool.region)).collect();
    for region in &mut regions {
        let mine =
            |(_, pool): &(&String, &String)| owners.get(pool.as_str()).is_some_and(|owner| **owner == region.name);
        region.steering = load_balancer.geo_steering.iter().filter(mine).map(|(code, _)| code.clone()).collect();
    }
    regions
}

/// The pools of a region, ordered by specialization.
fn pools(region: &WrittenRegion) -> Vec<Pool> {
    let Some(name) = &region.name else { return Vec::new() };
    let mut pools: Vec<Pool> = region
        .agents
        .iter()
        .filter_map(|agent| {
            let specialization = agent.specialization.as_ref()?.value.clone();
            Some(Pool {
                id: PoolId { region: name.value.clone(), specialization },
                role: agent.role?.value,
                replicas: agent.replicas?,
                slots: agent.slots,
                min: agent.min,
                max: agent.max,
                run_limit: agent.run_limit,
            })
        })
        .collect();
    pools.sort_by(|a, b| a.id.specialization.cmp(&b.id.specialization));
    pools
}
