//! How much a method hits: counted from the file alone, so that too much is refused before anything starts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Endpoint, Fault, LinkSelector, RegionSelector, Step, StepKind};

/// What a method hits.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Blast {
    /// Most regions that are under fault at a time.
    pub regions_at_a_time: usize,
    /// Regions that some fault names.
    pub regions_named: usize,
    /// The step with which most regions are under fault for the first time.
    pub peak: Option<String>,
}

/// The regions that a step is about.
enum Hit<'d> {
    Some(Vec<&'d RegionSelector>),
    All,
}

impl Blast {
    /// Walks a method in a world of so many regions. Two selectors count as two regions, for they may be.
    #[must_use]
    pub fn of<'d>(method: impl IntoIterator<Item = &'d Step>, regions: usize) -> Self {
        let mut blast = Self::default();
        let mut active: BTreeMap<&str, Hit<'_>> = BTreeMap::new();
        let mut named = Vec::new();
        for step in method {
            match &step.kind {
                StepKind::Undo(of) => drop(active.remove(of.as_str())),
                StepKind::Fault(_) | StepKind::Command(_) | StepKind::Probe(_) => {
                    named.push(hit(&step.kind));
                    active.insert(&step.name, hit(&step.kind));
                }
            }
            let now = count(active.values(), regions);
            if now > blast.regions_at_a_time {
                blast.regions_at_a_time = now;
                blast.peak = Some(step.name.clone());
            }
        }
        blast.regions_named = count(named.iter(), regions);
        blast
    }
}

fn count<'h>(hits: impl Iterator<Item = &'h Hit<'h>>, regions: usize) -> usize {
    let mut distinct = BTreeSet::new();
    for hit in hits {
        match hit {
            Hit::All => return regions,
            Hit::Some(selectors) => distinct.extend(selectors.iter().copied()),
        }
    }
    distinct.len().min(regions)
}

fn hit(kind: &StepKind) -> Hit<'_> {
    match kind {
        StepKind::Fault(fault) => match fault {
            Fault::Partition { links } | Fault::Toxic { links, .. } => ends(links),
            Fault::GatewayDown { region }
            | Fault::Kill { region, .. }
            | Fault::CrashLoop { region, .. }
            | Fault::Pause { region, .. }
            | Fault::Verb { region, .. }
            | Fault::Edge { region, .. } => Hit::Some(vec![region]),
            // They name no region: what they hit, all regions share.
            Fault::RestartDatabase { .. } | Fault::Statements { .. } | Fault::Load { .. } | Fault::SilenceInjector => {
                Hit::Some(Vec::new())
            }
        },
        StepKind::Command(command) => Hit::Some(command.region.iter().collect()),
        StepKind::Undo(_) | StepKind::Probe(_) => Hit::Some(Vec::new()),
    }
}

/// The regions of a link: those at its ends, or all of them where neither end is one.
fn ends(links: &LinkSelector) -> Hit<'_> {
    let named: Vec<&RegionSelector> = [&links.from, &links.to].into_iter().filter_map(Endpoint::region).collect();
    if named.is_empty() { Hit::All } else { Hit::Some(named) }
}

impl Endpoint {
    /// The region that it is, where it is one.
    #[must_use]
    pub const fn region(&self) -> Option<&RegionSelector> {
        match self {
            Self::Region(region) => Some(region),
            Self::Everyone | Self::Clients | Self::Edge | Self::Database => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::drill::Direction;

    fn step(name: &str, from: Endpoint, to: Endpoint) -> Step {
        let links = LinkSelector { from, to, direction: Direction::Both };
        let kind = StepKind::Fault(Fault::Partition { links });
        Step { name: name.to_owned(), kind, pause_before: Duration::ZERO, pause_after: Duration::ZERO }
    }

    fn region(name: &str) -> Endpoint {
        Endpoint::Region(RegionSelector::Named(name.parse().unwrap()))
    }

    #[test]
    fn a_link_hits_the_regions_at_its_ends_and_without_any_all_of_them() {
        let count = |steps: &[Step]| Blast::of(steps, 3).regions_at_a_time;
        assert_eq!(count(&[step("a", region("x"), Endpoint::Everyone)]), 1);
        assert_eq!(count(&[step("a", region("x"), region("y"))]), 2);
        assert_eq!(count(&[step("a", Endpoint::Everyone, Endpoint::Database)]), 3);
    }

    #[test]
    fn no_more_regions_are_hit_than_there_are() {
        let steps = ["a", "b", "c", "d"].map(|name| step(name, region(name), Endpoint::Everyone));
        let blast = Blast::of(&steps, 3);
        assert_eq!((blast.regions_at_a_time, blast.regions_named, blast.peak.as_deref()), (3, 3, Some("c")));
    }
}
