//! What must hold of every decision, checked where it is made. The letters are those of README.md.
//!
//! Written from the properties, not from the solver: it reads the snapshot through its public face.

use topology::{PoolId, Role};

use super::request::Request;
use super::score::Choice;
use super::snapshot::Snapshot;
use super::solve::{Placement, SPREAD_BAND_US, Unplaceable};

/// A property of README.md that a placement breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the placement breaks property {letter}")]
pub struct Broken {
    /// Letter of the property.
    pub letter: char,
}

/// Checks a placement against properties B to H.
///
/// # Errors
/// The first property that is broken.
pub fn check(request: &Request, snapshot: &Snapshot, placement: &Placement) -> Result<(), Broken> {
    let allowed = || placement.chosen.iter().chain(&placement.alternatives);
    holds('B', allowed().all(|choice| is_lawful(request, snapshot, &choice.pool)))?;
    holds('C', allowed().all(|choice| is_healthy(request, snapshot, &choice.pool)))?;
    holds('H', is_complete(request, snapshot, placement))?;
    let Some(chosen) = &placement.chosen else {
        return holds('H', placement.alternatives.is_empty() && placement.unplaceable.is_some());
    };
    let better = |is_better: &dyn Fn(&Choice) -> bool| placement.alternatives.iter().any(is_better);
    if chosen.saturated {
        holds('D', !better(&|other| !other.saturated))?;
    } else {
        holds('E', !better(&|other| !other.saturated && other.group < chosen.group))?;
        let primary = |other: &Choice| !other.saturated && other.group == chosen.group && other.role == Role::Primary;
        holds('F', chosen.role == Role::Primary || !better(&primary))?;
    }
    let limit = |other: &Choice| other.expected_us().saturating_add(SPREAD_BAND_US);
    holds('G', !better(&|other| other.class() == chosen.class() && limit(other) < chosen.expected_us()))
}

const fn holds(letter: char, condition: bool) -> Result<(), Broken> {
    if condition { Ok(()) } else { Err(Broken { letter }) }
}

fn is_lawful(request: &Request, snapshot: &Snapshot, pool: &PoolId) -> bool {
    let world = snapshot.world();
    let Some(rule) = &request.residency else { return true };
    let region = world.region_ix(&pool.region);
    region.is_some_and(|region| world.lawful(rule).is_some_and(|lawful| lawful[region.at()]))
}

fn is_healthy(request: &Request, snapshot: &Snapshot, pool: &PoolId) -> bool {
    let world = snapshot.world();
    let serves = snapshot.serving(&pool.region).takes_new();
    let dark = world.region_ix(&pool.region).map(|region| world.states[region.at()]);
    let open = request.dark || dark != Some(topology::RegionState::Dark);
    serves && open && world.pool_ix(pool).is_some_and(|pool| snapshot.load(pool).live)
}

/// Every pool of the specialization is named exactly once.
fn is_complete(request: &Request, snapshot: &Snapshot, placement: &Placement) -> bool {
    if matches!(placement.unplaceable, Some(Unplaceable::UnknownSpecialization | Unplaceable::UnknownResidency)) {
        return true;
    }
    let candidates = placement.chosen.iter().chain(&placement.alternatives).map(|choice| &choice.pool);
    let mut named: Vec<&PoolId> = candidates.chain(placement.rejected.iter().map(|rejected| &rejected.pool)).collect();
    named.sort_unstable();
    let all = snapshot.world().pool_ids.iter();
    let mut all: Vec<&PoolId> = all.filter(|pool| pool.specialization == request.specialization).collect();
    all.sort_unstable();
    named == all
}
