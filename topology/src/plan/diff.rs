//! The comparison itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Change, FieldChange, Plan, PoolChange, PoolShape, PoolVerb, RegionChange, ResidencyPlace};
use crate::ids::{DatabaseRegion, PoolId, RegionName, ResidencyName, Specialization};
use crate::model::{Pool, Region, ResidencyStrength, Role, Topology};
use crate::yaml::duration::show;

pub(super) fn plan(old: &Topology, new: &Topology) -> Plan {
    let residency = residency(old, new);
    let residency_changed = residency.iter().any(|place| place.change != Change::Kept);
    Plan {
        regions: regions(old, new),
        pools: pools(old, new),
        settings: fields(&settings(old), &settings(new)),
        residency,
        residency_changed,
    }
}

fn regions(old: &Topology, new: &Topology) -> Vec<RegionChange> {
    let kept = new.regions.iter().filter_map(|region| match old.region(&region.name) {
        None => Some(changed(&region.name, Change::Added, fields(&BTreeMap::new(), &values(region)))),
        Some(before) => {
            let fields = fields(&values(before), &values(region));
            (!fields.is_empty()).then(|| changed(&region.name, Change::Changed, fields))
        }
    });
    let gone = old.regions.iter().filter(|region| new.region(&region.name).is_none());
    let gone = gone.map(|region| changed(&region.name, Change::Removed, fields(&values(region), &BTreeMap::new())));
    kept.chain(gone).collect()
}

fn changed(name: &RegionName, change: Change, fields: Vec<FieldChange>) -> RegionChange {
    RegionChange { name: name.clone(), change, fields }
}

/// Keys and values in the words of the file.
type Values = BTreeMap<String, String>;

fn values(region: &Region) -> Values {
    let mut values = Values::from([
        ("provider".to_owned(), region.provider.to_string()),
        ("region".to_owned(), region.cloud_region.clone()),
        ("state".to_owned(), region.state.to_string()),
        ("database region".to_owned(), region.database_region.to_string()),
        ("spot".to_owned(), region.spot.to_string()),
    ]);
    values.extend(region.cidr.clone().map(|cidr| ("cidr".to_owned(), cidr)));
    if !region.steering.is_empty() {
        values.insert("steering".to_owned(), region.steering.join(" "));
    }
    values
}

fn fields(old: &Values, new: &Values) -> Vec<FieldChange> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    differs
        .map(|key| FieldChange { field: key.clone(), old: old.get(key).cloned(), new: new.get(key).cloned() })
        .collect()
}

/// Everything outside regions, pools and residency.
fn settings(topology: &Topology) -> Values {
    let database = &topology.database;
    let clocks = &topology.scheduling;
    let cloud = database.cloud.map_or_else(|| "self".to_owned(), |cloud| cloud.to_string());
    let placement = if database.placement_restricted { "restricted" } else { "default" };
    let mut all = vec![
        ("database.cloud", cloud),
        ("database.primary_region", database.primary_region.to_string()),
        ("database.survive", database.survive.to_string()),
        ("database.placement", placement.to_owned()),
        ("database.max_clock_offset", show(database.max_clock_offset)),
        ("database regions", joined(&database.regions)),
        ("scheduling.session_ttl", show(clocks.session_ttl)),
        ("scheduling.heartbeat", show(clocks.heartbeat)),
        ("scheduling.margin", show(clocks.margin)),
        ("scheduling.down_after", show(clocks.down_after)),
        ("scheduling.up_after", show(clocks.up_after)),
        ("scheduling.spill_after", show(clocks.spill_after)),
        ("scheduling.max_attempts", clocks.max_attempts.to_string()),
        ("scheduling.max_crashes", clocks.max_crashes.to_string()),
        ("scheduling.run_limit", show(clocks.run_limit)),
        ("scheduling.aging", show(clocks.aging)),
    ];
    all.extend(topology.load_balancer.name.clone().map(|name| ("load_balancer.name", name)));
    let mut values: Values = all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    for (home, groups) in &topology.fallbacks {
        let groups: Vec<String> = groups.iter().map(|group| joined(group)).collect();
        values.insert(format!("fallbacks.{home}"), groups.join(" then "));
    }
    for (a, b, rtt_us) in topology.latency.pairs() {
        values.insert(format!("latency.{a}.{b}"), show(Duration::from_micros(rtt_us)));
    }
    for pool in &topology.load_balancer.pools {
        let origins = pool.origins.iter().map(|origin| format!("{} {} {}", origin.name, origin.address, origin.weight));
        let monitor = pool.monitor.as_deref().unwrap_or("no monitor");
        let parts: Vec<String> =
            [format!("for {}", pool.region), monitor.to_owned()].into_iter().chain(origins).collect();
        values.insert(format!("load_balancer.pools.{}", pool.name), parts.join(", "));
    }
    for (code, pool) in &topology.load_balancer.geo_steering {
        values.insert(format!("load_balancer.geo_steering.{code}"), pool.clone());
    }
    values
}

fn joined<T: ToString>(names: &[T]) -> String {
    names.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn shape(pool: &Pool) -> PoolShape {
    PoolShape {
        role: pool.role,
        replicas: pool.replicas,
        slots: pool.slots,
        min: pool.min,
        max: pool.max,
        run_limit_ms: pool.run_limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
    }
}

fn pools(old: &Topology, new: &Topology) -> Vec<PoolChange> {
    let shapes = |topology: &Topology| -> BTreeMap<PoolId, PoolShape> {
        topology.pools.iter().map(|pool| (pool.id.clone(), shape(pool))).collect()
    };
    let (old, new) = (shapes(old), shapes(new));
    let mut changes: Vec<PoolChange> = new.iter().filter_map(|(id, after)| resized(id, old.get(id)?, after)).collect();
    changes.extend(moved(&old, &new));
    changes.sort_by(|a, b| (&a.pool.specialization, &a.pool.region).cmp(&(&b.pool.specialization, &b.pool.region)));
    changes
}

/// A pool that is in both topologies.
fn resized(id: &PoolId, before: &PoolShape, after: &PoolShape) -> Option<PoolChange> {
    let verb = match after.wished_slots().cmp(&before.wished_slots()) {
        _ if before == after => return None,
        std::cmp::Ordering::Greater => PoolVerb::Grows,
        std::cmp::Ordering::Less => PoolVerb::Shrinks,
        std::cmp::Ordering::Equal => PoolVerb::Changes,
    };
    let (old, new) = (Some(before.clone()), Some(after.clone()));
    Some(PoolChange { verb, pool: id.clone(), moves_from: None, old, new })
}

/// Pools that are in one topology only. One that goes and one that comes, of the same specialization and role, are a
/// move; which with which is by name of the region.
fn moved(old: &BTreeMap<PoolId, PoolShape>, new: &BTreeMap<PoolId, PoolShape>) -> Vec<PoolChange> {
    type Kind = (Specialization, Role);
    let only = |these: &BTreeMap<PoolId, PoolShape>, those: &BTreeMap<PoolId, PoolShape>| {
        let mut kinds: BTreeMap<Kind, Vec<(PoolId, PoolShape)>> = BTreeMap::new();
        for (id, shape) in these.iter().filter(|(id, _)| !those.contains_key(*id)) {
            kinds.entry((id.specialization.clone(), shape.role)).or_default().push((id.clone(), shape.clone()));
        }
        kinds
    };
    let (mut gone, come) = (only(old, new), only(new, old));
    let mut changes = Vec::new();
    for (kind, comes) in come {
        let mut goes = gone.remove(&kind).unwrap_or_default().into_iter();
        for (pool, after) in comes {
            let from = goes.next();
            let verb = if from.is_some() { PoolVerb::Moves } else { PoolVerb::Appears };
            let (moves_from, before) = from.map(|(id, shape)| (id.region, shape)).unzip();
            changes.push(PoolChange { verb, pool, moves_from, old: before, new: Some(after) });
        }
        changes.extend(goes.map(disappears));
    }
    changes.extend(gone.into_values().flatten().map(disappears));
    changes
}

fn disappears((pool, shape): (PoolId, PoolShape)) -> PoolChange {
    PoolChange { verb: PoolVerb::Disappears, pool, moves_from: None, old: Some(shape), new: None }
}

fn residency(old: &Topology, new: &Topology) -> Vec<ResidencyPlace> {
    let names: BTreeSet<&ResidencyName> = old.residency.keys().chain(new.residency.keys()).collect();
    let places = names.into_iter().filter_map(|name| match (place(old, name), place(new, name)) {
        (before, Some(after)) => {
            let change = match before {
                None => Change::Added,
                Some(before) if before == after => Change::Kept,
                Some(_) => Change::Changed,
            };
            Some(ResidencyPlace { change, ..after })
        }
        (Some(before), None) => Some(ResidencyPlace { change: Change::Removed, ..before }),
        (None, None) => None,
    });
    places.collect()
}

fn place(topology: &Topology, name: &ResidencyName) -> Option<ResidencyPlace> {
    let rule = topology.residency.get(name)?;
    let runs_in: BTreeSet<RegionName> = rule.regions.iter().cloned().collect();
    let homes = runs_in.iter().filter_map(|name| topology.region(name)).map(|region| region.database_region.clone());
    let rows_in: Vec<DatabaseRegion> = homes.collect::<BTreeSet<_>>().into_iter().collect();
    let replicas_in = match rule.strength {
        ResidencyStrength::Run => topology.database.regions.clone(),
        ResidencyStrength::Store => rows_in.clone(),
    };
    let (name, strength, change) = (name.clone(), rule.strength, Change::Kept);
    Some(ResidencyPlace { name, change, strength, runs_in: runs_in.into_iter().collect(), rows_in, replicas_in })
}
