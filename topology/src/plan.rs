//! The difference between two topologies, and what it means for residency. Pure: missions are counted elsewhere.

mod diff;
mod render;

use serde::{Deserialize, Serialize};

use crate::ids::{DatabaseRegion, PoolId, RegionName, ResidencyName, Specialization};
use crate::model::{ResidencyStrength, Role, Topology};

/// What changes from one topology to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Regions that appear, disappear or change, in the order of the files, the new one first.
    pub regions: Vec<RegionChange>,
    /// Pools that appear, disappear, move or change, ordered by specialization and region.
    pub pools: Vec<PoolChange>,
    /// Settings outside regions and pools that change.
    pub settings: Vec<FieldChange>,
    /// Where each residency lets rows and replicas lie under the new topology, and what is gone.
    pub residency: Vec<ResidencyPlace>,
    /// Whether anything changes that a residency decision rests on: raises the residency version.
    pub residency_changed: bool,
}

/// What happens to a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Is in the new topology only.
    Added,
    /// Is in the old topology only.
    Removed,
    /// Is in both, but not the same.
    Changed,
    /// Is the same in both.
    Kept,
}

/// A region that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionChange {
    /// The region.
    pub name: RegionName,
    /// What happens to it.
    pub change: Change,
    /// What is different, for a changed one.
    pub fields: Vec<FieldChange>,
}

/// One value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its key in the file, such as `state` or `scheduling.heartbeat`.
    pub field: String,
    /// The value before; none where there was none.
    pub old: Option<String>,
    /// The value after; none where there is none.
    pub new: Option<String>,
}

/// What happens to a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolVerb {
    /// Is new.
    Appears,
    /// Is gone: takes nothing new, lets running missions finish.
    Disappears,
    /// Offers more slots.
    Grows,
    /// Offers fewer slots.
    Shrinks,
    /// Leaves one region for another.
    Moves,
    /// Keeps its slots, but its role or a limit differs.
    Changes,
}

/// A pool that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolChange {
    /// What happens to it.
    pub verb: PoolVerb,
    /// The pool, where it is afterwards if it moves.
    pub pool: PoolId,
    /// The region that it leaves, if it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves_from: Option<RegionName>,
    /// Its shape before.
    pub old: Option<PoolShape>,
    /// Its shape after.
    pub new: Option<PoolShape>,
}

/// The parts of a pool that a plan compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolShape {
    /// First choice or spill.
    pub role: Role,
    /// Wished number of agents.
    pub replicas: u32,
    /// Missions that one agent works on at a time.
    pub slots: u32,
    /// Lower bound of autoscaling.
    pub min: Option<u32>,
    /// Upper bound of autoscaling.
    pub max: Option<u32>,
    /// Longest run of one mission, in milliseconds.
    pub run_limit_ms: Option<u64>,
}

impl PoolShape {
    /// Missions that the pool can work on at a time when all its agents are there.
    #[must_use]
    pub const fn wished_slots(&self) -> u64 {
        self.replicas as u64 * self.slots as u64
    }
}

/// Where one residency rule lets missions, rows and replicas be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResidencyPlace {
    /// The rule.
    pub name: ResidencyName,
    /// What happens to it.
    pub change: Change,
    /// How far it reaches.
    pub strength: ResidencyStrength,
    /// Regions that may run its missions.
    pub runs_in: Vec<RegionName>,
    /// Database regions that may be the home of its rows.
    pub rows_in: Vec<DatabaseRegion>,
    /// Database regions that may hold replicas of its rows.
    pub replicas_in: Vec<DatabaseRegion>,
}

/// Compares two topologies.
#[must_use]
pub fn plan(old: &Topology, new: &Topology) -> Plan {
    diff::plan(old, new)
}

impl Plan {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty() && self.pools.is_empty() && self.settings.is_empty() && !self.residency_changed
    }

    /// Pools that are in the old topology only: those that disappear, and what movers leave.
    #[must_use]
    pub fn vanishing_pools(&self) -> Vec<PoolId> {
        self.pools
            .iter()
            .filter_map(|change| match change.verb {
                PoolVerb::Disappears => Some(change.pool.clone()),
                PoolVerb::Moves => change.moves_from.clone().map(|region| PoolId { region, ..change.pool.clone() }),
                PoolVerb::Appears | PoolVerb::Grows | PoolVerb::Shrinks | PoolVerb::Changes => None,
            })
            .collect()
    }

    /// Regions that are in the old topology only.
    #[must_use]
    pub fn removed_regions(&self) -> Vec<&RegionName> {
        self.regions.iter().filter(|region| region.change == Change::Removed).map(|region| &region.name).collect()
    }

    /// The plan for a person, ending with a line that sums up.
    #[must_use]
    pub fn render(&self) -> String {
        render::render(self)
    }
}

/// Specializations of the old topology that have no pool in the new one.
#[must_use]
pub fn removed_specializations(old: &Topology, new: &Topology) -> Vec<Specialization> {
    let kept = new.specializations();
    old.specializations().into_iter().filter(|name| kept.binary_search(name).is_err()).cloned().collect()
}
