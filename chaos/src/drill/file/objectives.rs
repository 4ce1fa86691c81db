//! The blocks `objectives` and `blast_radius`.

use std::collections::{BTreeMap, BTreeSet};

use topology::yaml::{At, Code, Fields, Node, Reader};

use super::{keys, world};
use crate::drill::{BlastRadius, Objectives, TierName};

/// The objectives, and where each is written.
pub(super) fn objectives(reader: &mut Reader, node: Option<&Node>) -> (Objectives, BTreeMap<&'static str, At<()>>) {
    let Some(block) = node.and_then(|node| reader.fields(node, "objectives", keys::OBJECTIVES)) else {
        return Default::default();
    };
    let places =
        keys::OBJECTIVES.iter().filter_map(|key| Some((*key, At { value: (), span: block.entry(key)?.key_span })));
    let places = places.collect();
    let mut figure = |key: &str, most: f64| block.get(key).and_then(|node| reader.number(node, key, 0.0..=most));
    let (rto_s, detection_s, rpo_s) = (figure("rto_s", 3600.0), figure("detection_s", 3600.0), figure("rpo_s", 3600.0));
    let budget_minutes = figure("budget_minutes", 1440.0);
    let survivors_p99_ratio = figure("survivors_p99_ratio", 1000.0);
    let mut count = |key: &str| block.get(key).and_then(|node| reader.count(node, key, 0..=1_000_000)).map(u64::from);
    let objectives = Objectives {
        rto_s,
        detection_s,
        rpo_s,
        lost: count("lost"),
        duplicated: count("duplicated"),
        overlap: count("overlap"),
        budget_minutes,
        survivors_p99_ratio,
        failback_errors: count("failback_errors"),
        priority_inversions: count("priority_inversions"),
    };
    (objectives, places)
}

/// The blast radius, which every drill must name. Its place is that of `min_healthy_regions`.
pub(super) fn blast_radius(
    reader: &mut Reader,
    fields: &Fields<'_>,
    written_for: &BTreeSet<TierName>,
) -> Option<At<BlastRadius>> {
    let block = fields.required(reader, "blast_radius", "the file")?;
    let block = reader.fields(block, "blast_radius", keys::BLAST_RADIUS)?;
    let mut count = |key: &str| {
        let node = block.required(reader, key, "blast_radius")?;
        reader.count(node, key, 0..=1000).map(|count| At { value: count as usize, span: node.span })
    };
    let (regions_max, min_healthy_regions) = (count("regions_max"), count("min_healthy_regions"));
    let tiers = match block.get("tiers") {
        Some(node) => allowed(reader, node, written_for),
        None => written_for.clone(),
    };
    let At { value: min_healthy_regions, span } = min_healthy_regions?;
    Some(At { value: BlastRadius { regions_max: regions_max?.value, min_healthy_regions, tiers }, span })
}

/// Tiers where the drill may run; it must be written for each.
fn allowed(reader: &mut Reader, node: &Node, written_for: &BTreeSet<TierName>) -> BTreeSet<TierName> {
    let tiers = world::tier_list(reader, node).unwrap_or_default();
    if let Some(outside) = tiers.difference(written_for).next().filter(|_| !written_for.is_empty()) {
        let message = format!("blast_radius allows the tier {}, for which the drill is not written", outside.as_str());
        reader.error(Code::CONFLICT, node.span, message, "add it to the file's `tiers`, or remove it here");
    }
    tiers
}
