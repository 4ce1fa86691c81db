//! Origins: from what a client writes to weighted points.

use std::sync::Arc;

use scheduler_client::wire::Origin;
use scheduler_core::placement;
use sha2::{Digest, Sha256};
use topology::catalogue::country_position;
use topology::world::World;
use topology::{DatabaseRegion, Position, RegionName, Topology};

use super::{ResolvedOrigin, View};
use crate::refusal::{Fault, Refusal};

/// What an origin is found by in the cache: its exact numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum OriginKey {
    Own,
    Country(Box<str>),
    World(Box<str>),
    Points(Box<[[u64; 3]]>),
}

impl OriginKey {
    pub(super) fn of(origin: Option<&Origin>, country: Option<&str>) -> Self {
        let bits = |at: Position, weight: f64| [at.lat().to_bits(), at.lng().to_bits(), weight.to_bits()];
        match origin {
            None => country.map_or(Self::Own, |code| Self::Country(code.into())),
            Some(Origin::Country(code)) => Self::Country(code.as_str().into()),
            Some(Origin::World(id)) => Self::World(id.as_str().into()),
            Some(Origin::At(at)) => Self::Points(Box::new([bits(*at, 1.0)])),
            Some(Origin::Weighted(points)) => Self::Points(points.iter().map(|p| bits(p.at, p.weight)).collect()),
        }
    }
}

pub(super) fn resolve(
    view: &View,
    world: Option<&World>,
    own: &RegionName,
    origin: Option<&Origin>,
    country: Option<&str>,
) -> Result<ResolvedOrigin, Refusal> {
    let points = match origin {
        // An unknown country of a header is no fault of the mission's: Cloudflare also writes XX and T1.
        None => match country.and_then(country_position) {
            Some(at) => vec![(at, 1.0)],
            None => return Ok(own_place(view, own)),
        },
        Some(Origin::At(at)) => vec![(*at, 1.0)],
        Some(Origin::Country(code)) => vec![(country_place(code)?, 1.0)],
        Some(Origin::World(id)) => vec![(city_place(world, id)?, 1.0)],
        Some(Origin::Weighted(points)) => points.iter().map(|point| (point.at, point.weight)).collect(),
    };
    if points.is_empty() || points.iter().any(|(_, weight)| !weight.is_finite() || *weight <= 0.0) {
        return Err(Refusal::invalid(Fault::Range, "/origin", "weights must be above 0 and finite"));
    }
    // A place that is a region's own is asked with what was measured from there.
    let region = match points.as_slice() {
        [(at, _)] => view.topology.regions.iter().find(|region| region.position == *at),
        _ => None,
    };
    if let Some(region) = region {
        return Ok(own_place(view, &region.name));
    }
    let compiled = placement::ResolvedOrigin::weighted(points.iter().copied())
        .ok_or_else(|| Refusal::invalid(Fault::Range, "/origin", "weights must be above 0 and finite"))?;
    let compiled = with_row(view, compiled);
    Ok(ResolvedOrigin { points: Arc::from(points), compiled })
}

/// Works the round trips out once, for this topology.
fn with_row(view: &View, origin: placement::ResolvedOrigin) -> placement::ResolvedOrigin {
    let row = view.snapshot.world().row(&origin);
    match origin {
        placement::ResolvedOrigin::Points(points) | placement::ResolvedOrigin::Row(points, _) => {
            placement::ResolvedOrigin::Row(points, row)
        }
        placement::ResolvedOrigin::Region(name) => placement::ResolvedOrigin::Region(name),
    }
}

/// The place of a region; of the topology's first where it is not in the topology any more.
fn own_place(view: &View, region: &RegionName) -> ResolvedOrigin {
    let regions = &view.topology.regions;
    let region = regions.iter().find(|known| known.name == *region).or_else(|| regions.first());
    let region = region.expect("a validated topology has a region");
    ResolvedOrigin {
        points: Arc::from([(region.position, 1.0)]),
        compiled: placement::ResolvedOrigin::Region(region.name.clone()),
    }
}

fn country_place(code: &str) -> Result<Position, Refusal> {
    country_position(code).ok_or_else(|| {
        Refusal::invalid(Fault::UnknownPlace, "/origin/country", "not an ISO 3166-1 alpha-2 code that is known")
    })
}

fn city_place(world: Option<&World>, id: &str) -> Result<Position, Refusal> {
    let unknown = |detail: &str| Refusal::invalid(Fault::UnknownPlace, "/origin/world", detail);
    let world = world.ok_or_else(|| unknown("this scheduler was started without a world"))?;
    if let Some(city) = world.city(id) {
        return Ok(city.position);
    }
    let nearest = topology::catalogue::nearest(id, world.cities.iter().map(|city| city.id.as_str()));
    Err(Refusal::Invalid {
        fault: Fault::UnknownPlace,
        pointer: "/origin/world".to_owned(),
        detail: "the world has no such city".to_owned(),
        nearest: nearest.into_iter().map(str::to_owned).collect(),
    })
}

/// The home of a submitter's keys: the database region with the greatest hash of both names, so that a change of the
/// list moves few.
pub(super) fn submitter_home(topology: &Topology, submitter: &str) -> DatabaseRegion {
    let weight = |home: &DatabaseRegion| {
        let mut hash = Sha256::new();
        hash.update(home.as_str().as_bytes());
        hash.update([0]);
        hash.update(submitter.as_bytes());
        hash.finalize()
    };
    let homes = &topology.database.regions;
    homes.iter().max_by_key(|home| weight(home)).unwrap_or(&topology.database.primary_region).clone()
}
