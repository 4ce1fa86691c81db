//! From a decision of the pure core to what a mission's row stores.

use scheduler_core::lifecycle::Landing;
use scheduler_core::placement::{self, Request};
use topology::{DatabaseRegion, Region, Topology};

use super::{Ask, Placed, ResolvedOrigin, View};

pub(super) fn place(view: &View, ask: &Ask<'_>) -> Placed {
    let request = Request {
        specialization: ask.specialization.clone(),
        residency: ask.residency.cloned(),
        origin: ask.origin.compiled.clone(),
        nonce: ask.nonce,
        dark: false,
    };
    let decision = placement::place(&request, &view.snapshot);
    let pool = decision.chosen.as_ref().map(|choice| choice.pool.clone());
    let at = pool.as_ref().or(decision.unmet.as_ref()).map(|pool| view.home_of(&pool.region).clone());
    let home = at.unwrap_or_else(|| pending_home(view, ask));
    Placed {
        landing: decision.unplaceable.filter(|_| pool.is_none()).map_or(Landing::Queued, Landing::Pending),
        reason: decision.unplaceable.map(placement::Unplaceable::as_str),
        explained: serde_json::to_string(&decision.stored()).expect("names and numbers are always JSON"),
        pool,
        home,
        topology_version: view.topology_version,
        residency_version: view.residency_version,
    }
}

/// Where a mission waits that nobody may take: near its origin, in a region that its residency allows.
fn pending_home(view: &View, ask: &Ask<'_>) -> DatabaseRegion {
    let lawful = |region: &Region| view.topology.lawful(ask.residency, &region.name);
    nearest_home(&view.topology, ask.origin, lawful).unwrap_or_else(|| view.topology.database.primary_region.clone())
}

/// The database region of the region nearest to an origin, among those allowed.
pub(super) fn nearest_home(
    topology: &Topology,
    origin: &ResolvedOrigin,
    allowed: impl Fn(&Region) -> bool,
) -> Option<DatabaseRegion> {
    let distance = |region: &Region| -> f64 {
        origin.points.iter().map(|(at, weight)| at.distance_km(region.position) * weight).sum()
    };
    topology
        .regions
        .iter()
        .filter(|region| allowed(region))
        .min_by(|a, b| distance(a).total_cmp(&distance(b)).then_with(|| a.name.cmp(&b.name)))
        .map(|region| region.database_region.clone())
}
