//! What residency lets a caller see. Pure.

use topology::{RegionName, ResidencyName, Topology};

/// The residency rules whose memories may be shown: only [`shown`] makes one, so that whoever holds it has asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shown(Vec<ResidencyName>);

impl Shown {
    /// The rules, sorted. What is under no rule may be shown besides.
    #[must_use]
    pub fn rules(&self) -> &[ResidencyName] {
        &self.0
    }

    /// Whether a memory under this rule may be shown.
    #[must_use]
    pub fn allows(&self, rule: Option<&ResidencyName>) -> bool {
        rule.is_none_or(|rule| self.0.binary_search(rule).is_ok())
    }
}

/// What may be shown where an answer goes through all these regions: the caller's, and the one that makes and caches it.
/// A memory under a rule may be only where the rule lists the region; a rule that the topology does not know lists none.
#[must_use]
pub fn shown(topology: &Topology, through: &[&RegionName]) -> Shown {
    let lawful = |rule: &&ResidencyName| through.iter().all(|region| topology.lawful(Some(rule), region));
    Shown(topology.residency.keys().filter(lawful).cloned().collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Three regions, each its own home: `eu` lists Europe, `west` Europe and America.
    pub(crate) fn topology() -> Topology {
        let text = "
version: 1
regions:
  - { name: europe, provider: AWS, region: eu-west-1, agents: [engineer (primary: 1 replicas)] }
  - { name: america, provider: AWS, region: us-west-2, agents: [engineer (primary: 1 replicas)] }
  - { name: asia, provider: AWS, region: ap-northeast-1, agents: [engineer (primary: 1 replicas)] }
residency: { eu: [europe], west: { regions: [europe, america], strength: run } }
";
        topology::config::parse(text, "topology.yaml").unwrap().topology
    }

    pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
        text.parse().unwrap()
    }

    #[test]
    fn a_rule_is_shown_only_where_it_lists_every_region_on_the_way() {
        let cases: [(&[&str], &[&str]); 7] = [
            (&["europe"], &["eu", "west"]),
            (&["america"], &["west"]),
            (&["asia"], &[]),
            (&["atlantis"], &[]),
            (&["europe", "america"], &["west"]),
            (&["america", "europe"], &["west"]),
            (&["europe", "asia"], &[]),
        ];
        let topology = topology();
        for (through, wanted) in cases {
            let through: Vec<RegionName> = through.iter().map(|region| name(region)).collect();
            let through: Vec<&RegionName> = through.iter().collect();
            let shown = shown(&topology, &through);
            let rules: Vec<&str> = shown.rules().iter().map(ResidencyName::as_str).collect();
            assert_eq!(rules, wanted, "{through:?}");
            for rule in ["eu", "west", "moon"] {
                assert_eq!(shown.allows(Some(&name(rule))), wanted.contains(&rule), "{rule} by {through:?}");
            }
            assert!(shown.allows(None));
        }
    }
}
