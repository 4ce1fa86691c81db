//! Which of the regions in one town, and what it is called.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::choose::Chosen;
use super::{EXACT_UP_TO, Error};
use crate::catalogue::CatalogueRegion;
use crate::ids::RegionName;

/// One of each list, so that as many different providers as possible are among them; among equals the first of the
/// first list, then of the second. Many lists are filled one by one, each with the provider that has the fewest so far.
pub(super) fn most_providers(choices: &[Vec<Chosen>]) -> Vec<Chosen> {
    let mut sets: Vec<Vec<Chosen>> = vec![Vec::new()];
    for list in choices {
        let longer = sets
            .iter()
            .flat_map(|set| list.iter().map(|choice| [set.as_slice(), std::slice::from_ref(choice)].concat()));
        sets = longer.collect();
        if choices.len() > EXACT_UP_TO {
            let evenly = |set: &Vec<Chosen>| Reverse(providers(set));
            sets = sets.into_iter().min_by_key(evenly).into_iter().collect();
        }
    }
    sets.into_iter().min_by_key(|set| Reverse(providers(set))).unwrap_or_default()
}

/// How many different providers a set has, then how few regions its last one shares its provider with.
fn providers(set: &[Chosen]) -> (usize, Reverse<usize>) {
    let different: BTreeSet<_> = set.iter().map(|chosen| chosen.region.provider).collect();
    let last = set.last().map(|chosen| chosen.region.provider);
    (different.len(), Reverse(set.iter().filter(|chosen| Some(chosen.region.provider) == last).count()))
}

/// `aws-us-west-2`: a name that says what it is and stays the same from run to run.
pub(super) fn name_of(region: &CatalogueRegion) -> Result<RegionName, Error> {
    let name = format!("{}-{}", region.provider.as_str().to_lowercase(), region.name);
    name.parse().map_err(|source| Error::Name { region: region.name.clone(), source })
}
