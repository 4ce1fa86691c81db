//! A placement as a mission's row keeps it: short keys, regions instead of pools, the best alternatives only.

use serde::{Deserialize, Serialize};
use topology::{PoolId, RegionName, Role, Specialization};

use super::filter::Rejection;
use super::score::{Choice, Penalties};
use super::solve::{Placement, Rejected, Unplaceable};

/// Alternatives that are kept.
const KEPT_ALTERNATIVES: usize = 4;

/// Rejected pools that are kept.
const KEPT_REJECTED: usize = 16;

/// The JSON of the `placement` column. The specialization is the mission's own and is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    chosen: Option<Figures>,
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    alternatives: Vec<Figures>,
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<(RegionName, Rejection)>,
    /// Pools beyond those that are kept.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    omitted: usize,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    unplaceable: Option<Unplaceable>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    unmet: Option<RegionName>,
}

/// One candidate as an array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Figures(RegionName, Role, u8, bool, u64, u64, SpillAndCost, u32, u32);

/// Spill and cost, in microseconds.
type SpillAndCost = (u64, u64);

impl Placement {
    /// What the mission's row keeps.
    #[must_use]
    pub fn stored(&self) -> Stored {
        let kept = self.alternatives.len().min(KEPT_ALTERNATIVES);
        let known = self.rejected.len().min(KEPT_REJECTED);
        Stored {
            chosen: self.chosen.as_ref().map(figures),
            alternatives: self.alternatives[..kept].iter().map(figures).collect(),
            rejected: self.rejected[..known].iter().map(|one| (one.pool.region.clone(), one.reason)).collect(),
            omitted: self.alternatives.len() - kept + self.rejected.len() - known,
            unplaceable: self.unplaceable,
            unmet: self.unmet.as_ref().map(|pool| pool.region.clone()),
        }
    }
}

impl Stored {
    /// The placement again, without what was not kept.
    #[must_use]
    pub fn placement(&self, specialization: &Specialization) -> Placement {
        let pool = |region: &RegionName| PoolId { region: region.clone(), specialization: specialization.clone() };
        Placement {
            chosen: self.chosen.as_ref().map(|figures| choice(figures, pool(&figures.0))),
            alternatives: self.alternatives.iter().map(|figures| choice(figures, pool(&figures.0))).collect(),
            rejected: self
                .rejected
                .iter()
                .map(|(region, reason)| Rejected { pool: pool(region), reason: *reason })
                .collect(),
            unplaceable: self.unplaceable,
            unmet: self.unmet.as_ref().map(pool),
        }
    }

    /// Pools of which nothing was kept.
    #[must_use]
    pub const fn omitted(&self) -> usize {
        self.omitted
    }
}

fn figures(choice: &Choice) -> Figures {
    Figures(
        choice.pool.region.clone(),
        choice.role,
        choice.group,
        choice.saturated,
        choice.rtt_us,
        choice.wait_us,
        (choice.penalties.spill_us, choice.penalties.cost_us),
        choice.free,
        choice.slots,
    )
}

fn choice(figures: &Figures, pool: PoolId) -> Choice {
    let Figures(_, role, group, saturated, rtt_us, wait_us, (spill_us, cost_us), free, slots) = *figures;
    Choice { pool, role, group, saturated, rtt_us, wait_us, penalties: Penalties { spill_us, cost_us }, free, slots }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}
