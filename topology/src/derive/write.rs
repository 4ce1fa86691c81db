//! The text of a derived topology, and the seal that tells whether somebody has edited it since.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{ChosenRegion, DerivedPool, Report};
use crate::model::Role;
use crate::world::World;

/// Database regions of which one may be lost.
const SURVIVE_REGION: usize = 3;
const DIGEST: &str = "# digest: sha256:";

/// Whether a text is as [`super::derive`] wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// It has a digest, and the digest is right.
    Whole,
    /// It has a digest, but was edited since.
    Broken,
    /// It has none: somebody else wrote it.
    Missing,
}

/// Reads the seal of a text.
#[must_use]
pub fn seal_of(text: &str) -> Seal {
    let Some(line) = text.lines().find(|line| line.starts_with(DIGEST)) else { return Seal::Missing };
    if line[DIGEST.len()..] == digest(text) { Seal::Whole } else { Seal::Broken }
}

/// The digest of everything but the digest's own line.
fn digest(text: &str) -> String {
    let mut hash = Sha256::new();
    for line in text.split_inclusive('\n').filter(|line| !line.starts_with(DIGEST)) {
        hash.update(line.as_bytes());
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

pub(super) fn text(world: &World, report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, world, report);
    out.push_str("version: 1\n\nregions:\n");
    for region in &report.regions {
        one_region(&mut out, region, report);
    }
    database(&mut out, &report.regions);
    let first = out.find('\n').map_or(0, |end| end + 1);
    let line = format!("{DIGEST}{}\n", digest(&out));
    out.insert_str(first, &line);
    out
}

/// A line of comment. What comes from a world's file cannot end it.
fn comment(out: &mut String, indent: &str, text: &str) {
    let clean: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).take(240).collect();
    out.push_str(indent);
    out.push_str("# ");
    out.push_str(&clean);
    out.push('\n');
}

fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

fn head(out: &mut String, world: &World, report: &Report) {
    comment(out, "", "Written by `topology derive`. Edit it as you like: derive then overwrites it only with --force.");
    let (cities, agents, ideas) = (world.cities.len(), world.agents.len(), world.ideas.len());
    let odd = world.oddities.len();
    comment(out, "", &format!("World: {cities} cities, {agents} agents, {ideas} ideas, {odd} oddities tolerated."));
    comment(out, "", &format!("Weights: {}", report.weights));
    let total: f64 = report.cities.iter().map(|city| city.demand).sum();
    comment(out, "", &format!("Demand: {total:.2} in all, by city with the nearest chosen region:"));
    for city in &report.cities {
        let share = city.demand * 100.0 / total;
        let (near, rtt) = (&city.nearest, milliseconds(city.rtt_us));
        comment(out, "", &format!("  {} {:.2} ({share:.1} %), {near} {rtt}", city.city, city.demand));
    }
    let rtt = milliseconds(report.weighted_rtt_us);
    let (chosen, candidates) = (report.regions.len(), report.candidates);
    comment(out, "", &format!("Demand-weighted round trip: {rtt}, with {chosen} of {candidates} allowed regions."));
    for left in &report.left {
        comment(out, "", &format!("Against the previous topology: {left}."));
    }
    out.push('\n');
}

fn one_region(out: &mut String, region: &ChosenRegion, report: &Report) {
    let share = region.share * 100.0;
    comment(out, "  ", &format!("{}: nearest to {share:.1} % of the demand", region.place));
    let _ = writeln!(out, "  - name: {}", region.name);
    let _ = writeln!(out, "    provider: {}", region.provider);
    let _ = writeln!(out, "    region: {}", region.region);
    let pools: Vec<_> = report.pools.iter().filter(|pool| pool.region == region.name).collect();
    if pools.is_empty() {
        out.push_str("    agents: []\n");
        return;
    }
    out.push_str("    agents:\n");
    for pool in pools {
        one_pool(out, pool);
    }
}

/// The cluster has nodes in every chosen region, whatever the cloud, so each region homes its own rows under its own law.
fn database(out: &mut String, regions: &[ChosenRegion]) {
    let Some(first) = regions.first() else { return };
    let (survive, why) = if regions.len() >= SURVIVE_REGION {
        ("region", "one region may be lost")
    } else {
        ("zone", "a lost region's missions wait, for two or fewer regions leave no majority")
    };
    out.push('\n');
    comment(out, "", &format!("Database nodes in every region; the primary where most demand is; {why}."));
    let _ = writeln!(out, "database: {{ cloud: self, primary_region: {}, survive: {survive} }}", first.region);
}

fn one_pool(out: &mut String, pool: &DerivedPool) {
    comment(out, "      ", &format!("{} from its demand; {}", milliseconds(pool.rtt_us), pool.why));
    let (role, noun) = match (pool.role, pool.replicas) {
        (Role::Primary, 1) => ("primary", " replica"),
        (Role::Primary, _) => ("primary", " replicas"),
        (Role::Replica, _) => ("replica", ""),
    };
    let _ = writeln!(out, "      - {} ({role}: {}{noun})", pool.specialization, pool.replicas);
}
