//! Who watches whom.

use std::hash::Hasher as _;

use topology::{RegionName, SchedulerId};

use crate::hash::Fnv;

/// Schedulers of other regions that watch a region beside its own.
pub const WATCHERS_ELSEWHERE: usize = 3;

/// Whether a scheduler watches a region: its own do, three others by rendezvous hash over the live schedulers, and
/// everybody where fewer than four live.
///
/// `live` names every live scheduler with its region.
#[must_use]
pub fn watches(me: SchedulerId, region: &RegionName, live: &[(SchedulerId, RegionName)]) -> bool {
    let Some((_, mine)) = live.iter().find(|(id, _)| *id == me) else { return false };
    if mine == region || live.len() <= WATCHERS_ELSEWHERE {
        return true;
    }
    let my_weight = weight(me, region);
    let elsewhere = live.iter().filter(|(_, stands)| stands != region);
    let before_me = elsewhere.filter(|(id, _)| (weight(*id, region), *id) > (my_weight, me)).count();
    before_me < WATCHERS_ELSEWHERE
}

/// Rendezvous weight (Thaler, Ravishankar 1998): each region draws its own order of the schedulers, so that one that
/// comes or goes changes few watches.
fn weight(scheduler: SchedulerId, region: &RegionName) -> u64 {
    let mut hash = Fnv::default();
    hash.write(scheduler.0.as_bytes());
    hash.write(region.as_str().as_bytes());
    hash.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::hash::mix;

    fn fleet(schedulers: usize, regions: usize) -> Vec<(SchedulerId, RegionName)> {
        (0..schedulers)
            .map(|at| {
                let id = Uuid::from_u128(u128::from(mix(at as u64)));
                (SchedulerId(id), format!("r{}", at % regions).parse().unwrap())
            })
            .collect()
    }

    proptest! {
        #[test]
        fn a_region_is_watched_by_its_own_and_three_others(schedulers in 1_usize..40, regions in 1_usize..12) {
            let live = fleet(schedulers, regions);
            for region in 0..regions {
                let region: RegionName = format!("r{region}").parse().unwrap();
                let own = live.iter().filter(|(_, stands)| *stands == region).count();
                let watchers = live.iter().filter(|(id, _)| watches(*id, &region, &live)).count();
                let wanted = if schedulers < 4 { schedulers } else { own + (schedulers - own).min(3) };
                prop_assert_eq!(watchers, wanted);
            }
        }

        #[test]
        fn one_that_leaves_changes_only_its_own_watches(schedulers in 6_usize..40, leaves in 0_usize..6) {
            let before = fleet(schedulers, 5);
            let mut after = before.clone();
            let (gone, _) = after.remove(leaves);
            let region: RegionName = "r3".parse().unwrap();
            for (id, _) in &after {
                let kept = watches(*id, &region, &after) || !watches(*id, &region, &before);
                prop_assert!(kept, "{:?} stopped watching because {:?} left", id, gone);
            }
        }
    }

    #[test]
    fn one_that_is_not_live_watches_nothing() {
        let live = fleet(5, 5);
        assert!(!watches(SchedulerId(Uuid::nil()), &"r1".parse().unwrap(), &live));
    }
}
