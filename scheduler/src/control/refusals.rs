//! Why a topology is not put in force as it is: it lets go of something that is still needed.

use std::collections::BTreeMap;

use topology::plan::{Plan, removed_specializations};
use topology::{PoolId, RegionName, Specialization, Topology};

use crate::store::census::Open;

/// What the database says about what a plan touches.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// Open missions of the pools that change.
    pub(super) open: BTreeMap<PoolId, Open>,
    /// Specializations with pending missions, of those that lose their last pool.
    pub(super) waiting: Vec<Specialization>,
    /// Regions with live sessions, of those whose rows get another home.
    pub(super) alive: Vec<RegionName>,
}

/// A reason, and whether draining answers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reason {
    pub(super) text: String,
    pub(super) drains: bool,
}

/// Regions of both topologies whose rows get another home.
pub(super) fn rehomed(old: &Topology, new: &Topology) -> Vec<RegionName> {
    let moves = |region: &&topology::Region| {
        new.region(&region.name).is_some_and(|after| after.database_region != region.database_region)
    };
    old.regions.iter().filter(moves).map(|region| region.name.clone()).collect()
}

/// All reasons, sorted.
pub(super) fn reasons(plan: &Plan, old: &Topology, new: &Topology, census: &Census) -> Vec<Reason> {
    let holds = |wanted: &dyn Fn(&PoolId) -> bool| {
        census.open.iter().any(|(pool, open)| wanted(pool) && open.queued + open.leased > 0)
    };
    let mut reasons = Vec::new();
    for region in plan.removed_regions() {
        if holds(&|pool| pool.region == *region) {
            reasons.push(Reason { text: format!("holds_missions: {region}"), drains: true });
        }
    }
    for name in removed_specializations(old, new) {
        if census.waiting.contains(&name) || holds(&|pool| pool.specialization == name) {
            reasons.push(Reason { text: format!("last_pool: {name}"), drains: true });
        }
    }
    for region in rehomed(old, new) {
        // Sessions and leases stay where they are homed, and nobody would look for them there any more.
        if census.alive.contains(&region) || holds(&|pool| pool.region == region) {
            reasons.push(Reason { text: format!("home_in_use: {region}"), drains: false });
        }
    }
    reasons.sort();
    reasons
}
