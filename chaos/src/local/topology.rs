//! The topology of a drill's world, as text.

use std::fmt::Write as _;

use topology::Topology;

use super::database::Engine;
use crate::drill::{REGIONS, WorldSpec};

/// AWS's names of the regions that a world may have, in their order.
const CLOUD: [&str; REGIONS.len()] = ["us-west-2", "eu-west-1", "ap-northeast-1", "us-east-1", "sa-east-1"];

/// The n-th specialization.
#[must_use]
pub fn specialization(n: usize) -> String {
    format!("specialist-{n}")
}

/// Regions where a residency rule of the world lets a mission run; empty where there is no such rule.
#[must_use]
pub fn allowed(world: &WorldSpec, rule: &str) -> Vec<String> {
    rules(world).into_iter().find(|(name, _)| name == rule).map(|(_, regions)| regions).unwrap_or_default()
}

/// The residency rules of a world: for each region `only-R`, then `pair-R`.
#[must_use]
pub fn rules(world: &WorldSpec) -> Vec<(String, Vec<String>)> {
    let names: Vec<&str> = table(world).map(|(name, _)| name).collect();
    let next = |n: usize| names[(n + 1) % names.len()];
    let only = names.iter().map(|name| (format!("only-{name}"), vec![(*name).to_owned()]));
    let pair = names.iter().enumerate();
    let pair = pair.map(|(n, name)| (format!("pair-{name}"), vec![(*name).to_owned(), next(n).to_owned()]));
    only.chain(pair).collect()
}

/// The file: every region has a pool of every specialization, each region is the primary of its share of them.
#[must_use]
pub fn text(world: &WorldSpec) -> String {
    let mut text = String::from("version: 1\nregions:\n");
    for (n, (name, cloud)) in table(world).enumerate() {
        let _ = write!(text, "  - name: {name}\n    provider: AWS\n    region: {cloud}\n    agents:\n");
        for s in 0..world.specializations {
            let role = if s % world.regions == n { "primary" } else { "replica" };
            let slots = share(slots(world, name), world.specializations, s);
            let _ =
                writeln!(text, "      - {{ specialization: {}, role: {role}, replicas: {slots} }}", specialization(s));
        }
    }
    text.push_str("residency:\n");
    for (rule, regions) in rules(world) {
        let _ = writeln!(text, "  {rule}: [{}]", regions.join(", "));
    }
    let survive = if world.regions < 3 { "zone" } else { "region" };
    let _ = writeln!(text, "database:\n  cloud: AWS\n  primary_region: us-west-2\n  survive: {survive}");
    text
}

/// A world's topology as its text is read for an engine.
pub(super) fn parsed(text: &str, engine: Engine) -> Topology {
    let read = topology::config::parse_for(text, "the drill's topology", engine.clocks());
    read.expect("the tier writes good topologies").topology
}

fn table(world: &WorldSpec) -> impl Iterator<Item = (&'static str, &'static str)> {
    REGIONS.into_iter().zip(CLOUD).take(world.regions)
}

fn slots(world: &WorldSpec, region: &str) -> u32 {
    world.slots_of.iter().find(|(name, _)| name.as_str() == region).map_or(world.slots, |(_, slots)| *slots)
}

/// The n-th part of a number that is shared out as evenly as can be, at least 1.
fn share(all: u32, parts: usize, n: usize) -> u32 {
    let parts = u32::try_from(parts).expect("a world has few specializations");
    let more = u32::try_from(n).expect("a world has few specializations") < all % parts;
    (all / parts + u32::from(more)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(regions: usize) -> WorldSpec {
        WorldSpec {
            regions,
            specializations: 4,
            slots: 10,
            slots_of: [("europe-west".parse().unwrap(), 2)].into(),
            run_ms: (1, 2),
            planted_bug: None,
        }
    }

    #[test]
    fn the_text_is_a_topology_with_the_slots_that_were_asked_for() {
        for regions in 2..=5 {
            let world = world(regions);
            let parsed = topology::config::parse(&text(&world), "world").unwrap();
            assert_eq!(parsed.topology.regions.len(), regions);
            let slots = |region: &str| -> u32 {
                let pools = parsed.topology.pools.iter().filter(|pool| pool.id.region.as_str() == region);
                pools.map(|pool| pool.replicas).sum()
            };
            assert_eq!((slots("us-west"), slots("europe-west")), (10, 4), "at least one a pool");
            assert_eq!(parsed.topology.residency.len(), regions * 2);
        }
    }

    #[test]
    fn a_pair_is_a_region_and_the_one_after_it() {
        assert_eq!(allowed(&world(3), "pair-asia-east"), ["asia-east", "us-west"]);
        assert_eq!(allowed(&world(3), "only-us-west"), ["us-west"]);
        assert_eq!(allowed(&world(3), "only-us-east"), [""; 0]);
    }
}
