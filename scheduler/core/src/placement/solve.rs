//! The decision.

use serde::{Deserialize, Serialize};
use topology::PoolId;

use super::filter::Rejection;
use super::request::Request;
use super::score::Choice;
use super::snapshot::Snapshot;
use super::world::PoolIx;

/// A decision with what explains it. As JSON it is compact: arrays of the regions' names and figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Where it goes.
    pub chosen: Option<Choice>,
    /// What else could have taken it, best first.
    pub alternatives: Vec<Choice>,
    /// What may not take it.
    pub rejected: Vec<Rejected>,
    /// Why nothing was chosen.
    pub unplaceable: Option<Unplaceable>,
    /// The pool that would have been chosen had it a live session: demand for autoscaling.
    pub unmet: Option<PoolId>,
}

/// A pool that may not take the mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The pool.
    pub pool: PoolId,
    /// Why.
    pub reason: Rejection,
}

/// Why a mission can be placed nowhere: the `reason` of a pending mission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unplaceable {
    /// No region of the topology has such a pool.
    UnknownSpecialization,
    /// The topology has no such residency rule.
    UnknownResidency,
    /// No pool of the specialization lies where the residency rule allows.
    NoLawfulPool,
    /// Lawful pools are held back by roll-out state or operator.
    NoServingPool,
    /// Lawful pools are in regions that are not up, or have no live session.
    NoHealthyPool,
}

impl Unplaceable {
    /// Stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownSpecialization => "unknown_specialization",
            Self::UnknownResidency => "unknown_residency",
            Self::NoLawfulPool => "no_lawful_pool",
            Self::NoServingPool => "no_serving_pool",
            Self::NoHealthyPool => "no_healthy_pool",
        }
    }
}

/// Decides with everything that explains it.
#[must_use]
pub fn place(request: &Request, snapshot: &Snapshot) -> Placement {
    let _ = (request, snapshot);
    todo!()
}

/// The same decision without its explanation; allocates nothing.
///
/// # Errors
/// [`Unplaceable`] where no pool may take the mission.
pub fn choose(request: &Request, snapshot: &Snapshot) -> Result<PoolIx, Unplaceable> {
    let _ = (request, snapshot);
    todo!()
}
