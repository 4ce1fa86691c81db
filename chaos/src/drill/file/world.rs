//! Where a drill runs: `tiers`, `context`, `world`, `load`, and `after`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use topology::RegionName;
use topology::yaml::{At, Code, Fields, Node, Reader, Span};

use super::{keys, values};
use crate::drill::{After, Context, Load, PlantedBug, REGIONS, TierName, WorldSpec};

/// The tiers that a drill is written for; without the key, those that start a world.
pub(super) fn tiers(reader: &mut Reader, node: Option<&Node>) -> BTreeSet<TierName> {
    let Some(node) = node else { return [TierName::Sim, TierName::Local].into() };
    let Some(tiers) = tier_list(reader, node) else { return BTreeSet::new() };
    if tiers.is_empty() && reader.findings.is_empty() {
        reader.error(Code::INVALID_VALUE, node.span, "tiers names none", "sim, local or cluster");
    }
    tiers
}

pub(super) fn tier_list(reader: &mut Reader, node: &Node) -> Option<BTreeSet<TierName>> {
    let items = reader.list(node, "tiers", TierName::ALL.len())?;
    let tier = |item: &Node| reader.choice(item, "a tier", &TierName::ALL, TierName::as_str);
    Some(items.iter().filter_map(tier).map(|at| at.value).collect())
}

/// The cluster that the drill is for; it must be named where the tier is `cluster`.
pub(super) fn context(reader: &mut Reader, fields: &Fields<'_>, tiers: &BTreeSet<TierName>) -> Option<Context> {
    let for_cluster = tiers.contains(&TierName::Cluster);
    let Some(entry) = fields.entry("context") else {
        if for_cluster {
            let hint = "context: { argv: [kubectl, config, current-context], name: .. } keeps it off other clusters";
            reader.error(Code::MISSING_KEY, fields.span, "a drill for the tier cluster needs the key `context`", hint);
        }
        return None;
    };
    if !for_cluster && !tiers.is_empty() {
        let message = "a context without the tier cluster";
        reader.error(Code::CONFLICT, entry.key_span, message, "add cluster to tiers, or remove the context");
    }
    let block = reader.fields(&entry.value, "context", keys::CONTEXT)?;
    let argv = block.required(reader, "argv", "context").and_then(|node| values::argv(reader, node, "argv"));
    let name = block.required(reader, "name", "context").and_then(|node| reader.words(node, "name"));
    Some(Context { argv: argv?, name: name?.to_owned() })
}

/// The world; without the key, three regions of 60 slots.
pub(super) fn world(reader: &mut Reader, fields: &Fields<'_>) -> At<WorldSpec> {
    let mut world = WorldSpec {
        regions: 3,
        specializations: 4,
        slots: 60,
        slots_of: BTreeMap::new(),
        run_ms: (300, 900),
        planted_bug: None,
    };
    let span = fields.entry("world").map_or(Span::default(), |entry| entry.key_span);
    let block = fields.get("world").and_then(|node| reader.fields(node, "world", keys::WORLD));
    let Some(block) = block else { return At { value: world, span } };
    let mut count = |key: &str, bounds| block.get(key).and_then(|node| reader.count(node, key, bounds));
    world.regions = count("regions", 2..=5).map_or(world.regions, |count| count as usize);
    world.specializations = count("specializations", 1..=64).map_or(world.specializations, |count| count as usize);
    world.slots = count("slots", 1..=10_000).unwrap_or(world.slots);
    if let Some(node) = block.get("slots_of") {
        world.slots_of = slots_of(reader, node, &world.region_names());
    }
    if let Some(node) = block.get("run_ms") {
        world.run_ms = run_ms(reader, node).unwrap_or(world.run_ms);
    }
    if let Some(node) = block.get("planted_bug") {
        let bug = reader.choice(node, "planted_bug", &PlantedBug::ALL, PlantedBug::as_str);
        world.planted_bug = bug.map(|at| at.value);
    }
    At { value: world, span }
}

fn slots_of(reader: &mut Reader, node: &Node, regions: &[RegionName]) -> BTreeMap<RegionName, u32> {
    let mut slots = BTreeMap::new();
    for entry in reader.entries(node, "slots_of").unwrap_or_default() {
        let Some(region) = regions.iter().find(|region| region.as_str() == entry.key) else {
            let message = format!("a world of {} regions has no region `{}`", regions.len(), entry.key);
            let hint = reader.suggest(&entry.key, regions.iter().map(|region| region.as_str()));
            let hint =
                hint.unwrap_or_else(|| format!("the regions of a world are, in this order, {}", REGIONS.join(", ")));
            reader.error(Code::UNKNOWN_REGION, entry.key_span, message, hint);
            continue;
        };
        if let Some(count) = reader.count(&entry.value, "slots", 0..=10_000) {
            slots.insert(region.clone(), count);
        }
    }
    slots
}

fn run_ms(reader: &mut Reader, node: &Node) -> Option<(u64, u64)> {
    let items = reader.list(node, "run_ms", 2)?;
    let [least, most] = items else {
        reader.error(
            Code::INVALID_VALUE,
            node.span,
            "run_ms is the shortest and the longest run",
            "such as [300, 900]",
        );
        return None;
    };
    let mut millis = |node: &Node| reader.count(node, "a run", 1..=600_000).map(u64::from);
    let (least, most) = (millis(least)?, millis(most)?);
    if least > most {
        reader.error(Code::CONFLICT, node.span, "the shortest run is longer than the longest", None);
        return None;
    }
    Some((least, most))
}

/// The load; without the key, 50 missions a second. Only a deployment has load without a drill.
pub(super) fn load(reader: &mut Reader, fields: &Fields<'_>, tiers: &BTreeSet<TierName>) -> At<Load> {
    let mut load =
        Load { per_second: 50.0, warm_s: 3.0, steady_s: 5.0, residency_share: 0.0, priorities: vec![5], seed: 1 };
    let span = fields.entry("load").map_or(Span::default(), |entry| entry.key_span);
    let block = fields.get("load").and_then(|node| reader.fields(node, "load", keys::LOAD));
    let Some(block) = block else { return At { value: load, span } };
    let least = if tiers.iter().eq([&TierName::Cluster]) { 0.0 } else { 0.1 };
    let mut number = |key: &str, bounds| block.get(key).and_then(|node| reader.number(node, key, bounds));
    load.per_second = number("per_second", least..=10_000.0).unwrap_or(load.per_second);
    load.residency_share = number("residency_share", 0.0..=1.0).unwrap_or(load.residency_share);
    let mut seconds = |key: &str, least: f64| {
        block
            .get(key)
            .and_then(|node| values::duration(reader, node, key, least..=3600.0))
            .map(|time| time.as_secs_f64())
    };
    load.warm_s = seconds("warm_s", 0.0).unwrap_or(load.warm_s);
    load.steady_s = seconds("steady_s", 1.0).unwrap_or(load.steady_s);
    if let Some(seed) = block.get("seed").and_then(|node| reader.count(node, "seed", 0..=u32::MAX)) {
        load.seed = u64::from(seed);
    }
    if let Some(node) = block.get("priorities") {
        load.priorities = priorities(reader, node).unwrap_or(load.priorities);
    }
    At { value: load, span }
}

fn priorities(reader: &mut Reader, node: &Node) -> Option<Vec<i32>> {
    let items = reader.list(node, "priorities", 10)?;
    if items.is_empty() {
        reader.error(Code::INVALID_VALUE, node.span, "priorities names none", "leave it out, or write [1, 5, 9]");
        return None;
    }
    let all: Vec<u32> = items.iter().filter_map(|item| reader.count(item, "a priority", 0..=9)).collect();
    // At most 9 each.
    Some(all.into_iter().map(u32::cast_signed).collect())
}

/// What comes after the last undo.
pub(super) fn after(reader: &mut Reader, node: Option<&Node>) -> After {
    let mut after = After { recheck_hypothesis: true, soak: Duration::from_secs(3), residue_must_be_empty: true };
    let Some(block) = node.and_then(|node| reader.fields(node, "after", keys::AFTER)) else { return after };
    let mut flag = |key: &str| block.get(key).and_then(|node| reader.boolean(node, key)).unwrap_or(true);
    after.recheck_hypothesis = flag("recheck_hypothesis");
    after.residue_must_be_empty = flag("residue_must_be_empty");
    if let Some(node) = block.get("soak_s") {
        after.soak = values::duration(reader, node, "soak_s", 0.0..=3600.0).unwrap_or(after.soak);
    }
    after
}
