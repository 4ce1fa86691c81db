//! Which pools the agent offers, and with how many slots. Pure.

use std::collections::BTreeMap;

use scheduler_client::wire::{PoolOffer, PoolView};
use topology::{RegionName, Specialization};

use crate::book::Slots;

/// The pools that an agent is set up for, with its most slots; empty = all of its region.
pub(super) type Served = BTreeMap<Specialization, Option<i64>>;

/// Slots to offer where the topology wishes these: never more than the agent's own limit; nothing for pools that are
/// gone.
pub(super) fn follow(served: &Served, wished: &Slots) -> Slots {
    let offer = |(name, wished): (&Specialization, &i64)| {
        let limit = if served.is_empty() { Some(None) } else { served.get(name).copied() }?;
        let slots = limit.map_or(*wished, |limit| limit.min(*wished));
        (slots > 0).then(|| (name.clone(), slots))
    };
    wished.iter().filter_map(offer).collect()
}

/// Slots to register with, before the scheduler has said what it wishes.
pub(super) fn first(served: &Served, region: &RegionName, pools: &[PoolView]) -> Slots {
    let own = pools.iter().filter(|view| view.pool.region == *region);
    let wished: Slots = own.map(|view| (view.pool.specialization.clone(), view.wished_slots)).collect();
    follow(served, &wished)
}

/// The same as the wire has it.
pub(super) fn wire(slots: &Slots) -> Vec<PoolOffer> {
    slots.iter().map(|(name, slots)| PoolOffer { specialization: name.clone(), slots: *slots }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(slots: &[(&str, i64)]) -> Slots {
        slots.iter().map(|(name, slots)| (name.parse().unwrap(), *slots)).collect()
    }

    fn served(served: &[(&str, Option<i64>)]) -> Served {
        served.iter().map(|(name, limit)| (name.parse().unwrap(), *limit)).collect()
    }

    #[test]
    fn an_agent_for_all_pools_offers_what_is_wished() {
        let wished = slots(&[("a", 3), ("b", 0), ("c", 1)]);
        assert_eq!(follow(&Served::new(), &wished), slots(&[("a", 3), ("c", 1)]));
    }

    #[test]
    fn an_agents_own_limit_and_list_hold() {
        let wished = slots(&[("a", 3), ("b", 8), ("c", 1)]);
        let served = served(&[("a", Some(5)), ("b", Some(2)), ("gone", None)]);
        assert_eq!(follow(&served, &wished), slots(&[("a", 3), ("b", 2)]));
    }
}
