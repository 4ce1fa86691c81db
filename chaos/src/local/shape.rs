//! What missions a world can have, from its topology. Pure.

use topology::{Pool, RegionName, Residency, ResidencyName, Specialization, Topology};

use super::edge::Places;
use crate::load::{Rules, rules};

/// What missions a world can have.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Where its regions are: clients are near each of them.
    pub(crate) places: Places,
    /// Its specializations; at least one.
    pub(crate) kinds: Vec<Kind>,
    /// Regions where each residency rule lets missions run.
    pub(crate) rules: Rules,
}

/// A specialization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its name.
    pub(crate) name: Specialization,
    /// The residency rules under which it can run anywhere at all.
    pub(crate) rules: Vec<ResidencyName>,
    /// Slots of all its pools; at least one.
    pub(crate) slots: u64,
}

impl Shape {
    /// The shape of a topology; none where it has no pool that serves.
    pub(crate) fn of(topology: &Topology) -> Option<Self> {
        let serves = |region: &RegionName| topology.region(region).is_some_and(|region| region.state.serves());
        let pools = || topology.pools.iter().filter(|pool| serves(&pool.id.region));
        let mut names: Vec<&Specialization> = pools().map(|pool| &pool.id.specialization).collect();
        names.sort_unstable();
        names.dedup();
        let kind = |name: &Specialization| {
            let own = || pools().filter(|pool| pool.id.specialization == *name);
            let runs = |rule: &Residency| own().any(|pool| rule.regions.contains(&pool.id.region));
            let rules = topology.residency.iter().filter(|(_, rule)| runs(rule)).map(|(rule, _)| rule.clone());
            Kind {
                name: name.clone(),
                rules: rules.collect(),
                slots: own().map(Pool::wished_slots).sum::<u64>().max(1),
            }
        };
        let kinds: Vec<Kind> = names.into_iter().map(kind).collect();
        let places = topology.regions.iter().map(|region| (region.name.clone(), region.position)).collect();
        (!kinds.is_empty()).then(|| Self { places, kinds, rules: rules(topology) })
    }

    /// Slots of all kinds.
    pub(crate) fn slots(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.slots).sum()
    }

    /// The kind that a slot is for, where the slots of all kinds stand in a row: who draws slots evenly loads all evenly.
    pub(crate) fn kind_of(&self, slot: u64) -> &Kind {
        let mut before = 0;
        let reaches = |kind: &&Kind| {
            before += kind.slots;
            slot < before
        };
        self.kinds.iter().find(reaches).expect("a slot below their sum is of one of them")
    }

    /// Regions where a rule lets missions run; empty = anywhere, or there is no such rule.
    pub(crate) fn allowed(&self, rule: &str) -> Vec<String> {
        self.rules.get(rule).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
regions:
  - { name: us-west, provider: AWS, region: us-west-2, agents: [writer (primary: 2), reader (primary: 1)] }
  - { name: us-east, provider: AWS, region: us-east-1, agents: [writer (replica: 1)] }
  - { name: europe-west, provider: AWS, region: eu-west-1, state: planned, agents: [reader (replica: 1), tester (primary: 1)] }
residency:
  east: [us-east]
  west: [us-west]
";

    #[test]
    fn a_rule_is_for_the_kinds_that_it_lets_run_somewhere_and_what_does_not_serve_yet_runs_nothing() {
        let parsed = topology::config::parse(TEXT, "a test's").unwrap();
        let shape = Shape::of(&parsed.topology).unwrap();
        let kind = |name: &str, rules: &[&str], slots| Kind {
            slots,
            name: name.parse().unwrap(),
            rules: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
        };
        assert_eq!(shape.kinds, [kind("reader", &["west"], 1), kind("writer", &["east", "west"], 3)]);
        let drawn: Vec<&str> = (0..shape.slots()).map(|slot| shape.kind_of(slot).name.as_str()).collect();
        assert_eq!(drawn, ["reader", "writer", "writer", "writer"]);
        assert_eq!((shape.allowed("east"), shape.allowed("no-such-rule")), (vec!["us-east".to_owned()], vec![]));
        assert_eq!(shape.places.len(), 3);
    }
}
