//! The residency of what is learned from several memories.

use std::collections::BTreeMap;

use topology::model::ResidencyStrength;
use topology::{Residency, ResidencyName};

/// Where a lesson may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strictest {
    /// No memory it rests on has a rule.
    Anywhere,
    /// Where this rule allows, and so every rule of its evidence does.
    Under(ResidencyName),
    /// Nowhere: rules that no single one of them covers, or one that is not known. Such a lesson is not kept.
    Nowhere,
}

/// The rule that all evidence's rules are kept by: the one whose regions all others allow too, and that is at least as
/// strong. `rules` are those of the topology; a rule that is not there allows nothing.
#[must_use]
pub fn strictest<'a>(
    evidence: impl IntoIterator<Item = Option<&'a ResidencyName>>,
    rules: &BTreeMap<ResidencyName, Residency>,
) -> Strictest {
    let mut named: Vec<&ResidencyName> = evidence.into_iter().flatten().collect();
    named.sort_unstable();
    named.dedup();
    if named.is_empty() {
        return Strictest::Anywhere;
    }
    let known: Option<Vec<&Residency>> = named.iter().map(|name| rules.get(*name)).collect();
    let Some(known) = known else { return Strictest::Nowhere };
    let keeps_all = |one: &Residency| known.iter().all(|other| keeps(one, other));
    let found = named.iter().zip(&known).find(|(_, rule)| keeps_all(rule));
    found.map_or(Strictest::Nowhere, |(name, _)| Strictest::Under((*name).clone()))
}

/// Whether who keeps `one` keeps `other` too.
fn keeps(one: &Residency, other: &Residency) -> bool {
    let as_strong = match (one.strength, other.strength) {
        (ResidencyStrength::Store, _) | (ResidencyStrength::Run, ResidencyStrength::Run) => true,
        (ResidencyStrength::Run, ResidencyStrength::Store) => false,
    };
    as_strong && one.regions.iter().all(|region| other.regions.contains(region))
}
