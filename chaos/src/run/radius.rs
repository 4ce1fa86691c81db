//! Whether a step would hit more than the drill may. Pure.

use std::collections::BTreeSet;

use crate::drill::BlastRadius;

/// Why a step that hits `more` regions, beside those that are `hit` already, exceeds the blast radius; none where it does
/// not. `regions` is how many the world has, where that is known.
#[must_use]
pub fn exceeded(
    radius: &BlastRadius,
    hit: &BTreeSet<String>,
    more: &BTreeSet<String>,
    regions: Option<usize>,
) -> Option<String> {
    // A step that hits nothing more can exceed nothing more.
    if more.is_subset(hit) {
        return None;
    }
    let all: Vec<&str> = hit.union(more).map(String::as_str).collect();
    if all.len() > radius.regions_max {
        return Some(format!("it would hit {} at a time; {} may be", all.join(", "), radius.regions_max));
    }
    let healthy = regions?.saturating_sub(all.len());
    (healthy < radius.min_healthy_regions)
        .then(|| format!("it would leave {healthy} regions alone; {} must be", radius.min_healthy_regions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Regions that are hit, those that would be, all regions, and what is told.
    type Case<'a> = (&'a [&'a str], &'a [&'a str], Option<usize>, Option<&'a str>);

    #[test]
    fn what_exceeds_the_radius_is_told() {
        let radius = BlastRadius { regions_max: 1, min_healthy_regions: 2, tiers: BTreeSet::new() };
        let cases: [Case<'_>; 8] = [
            (&[], &[], Some(1), None),
            (&[], &["a"], Some(3), None),
            (&[], &["a"], None, None),
            (&["a"], &["a"], Some(3), None),
            (&["a"], &["b"], Some(5), Some("it would hit a, b at a time; 1 may be")),
            (&[], &["a", "b"], None, Some("it would hit a, b at a time; 1 may be")),
            (&[], &["a"], Some(2), Some("it would leave 1 regions alone; 2 must be")),
            (&[], &["a"], Some(0), Some("it would leave 0 regions alone; 2 must be")),
        ];
        for (hit, more, regions, expected) in cases {
            let found = exceeded(&radius, &set(hit), &set(more), regions);
            assert_eq!(found.as_deref(), expected, "{hit:?} + {more:?} of {regions:?}");
        }
    }
}
