//! What is asked: a mission's kind, law and origin.

use std::sync::Arc;

use topology::{Position, RegionName, ResidencyName, Specialization};

use super::estimate::unit_vector;

/// A mission to be placed.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which kind of agent works on it.
    pub specialization: Specialization,
    /// The rule that it is under; none = anywhere.
    pub residency: Option<ResidencyName>,
    /// Where it comes from.
    pub origin: ResolvedOrigin,
    /// Spreads missions over near-equal pools. Stored with the mission, so that the same input has the same answer.
    pub nonce: i64,
    /// Whether regions in state `dark` may take it too.
    pub dark: bool,
}

/// Where a mission comes from, with countries and world regions already looked up.
#[derive(Debug, Clone, PartialEq)]
pub enum ResolvedOrigin {
    /// The place of a region of the topology: measured round trips are used.
    Region(RegionName),
    /// Weighted points; never empty.
    Points(Arc<[OriginPoint]>),
    /// Weighted points with the round trips already worked out for one world; worked out anew for any other.
    Row(Arc<[OriginPoint]>, RttRow),
}

/// A point on the unit sphere with its share of an origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OriginPoint {
    pub(crate) unit: [f64; 3],
    pub(crate) weight: f64,
}

/// Weighted round trip from one origin to each region of one world, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RttRow {
    pub(crate) world: u64,
    pub(crate) us: Arc<[u32]>,
}

impl OriginPoint {
    /// A place with a share above 0. Shares need not add up to 1; a share that is not a positive number counts as 0.
    #[must_use]
    pub fn new(at: Position, weight: f64) -> Self {
        let weight = if weight.is_finite() && weight > 0.0 { weight } else { 0.0 };
        Self { unit: unit_vector(at), weight }
    }
}

impl ResolvedOrigin {
    /// A single place.
    #[must_use]
    pub fn at(place: Position) -> Self {
        Self::Points(Arc::from([OriginPoint::new(place, 1.0)]))
    }

    /// Several weighted places; none where no weight is above 0.
    #[must_use]
    pub fn weighted(points: impl IntoIterator<Item = (Position, f64)>) -> Option<Self> {
        let points: Arc<[OriginPoint]> = points
            .into_iter()
            .map(|(at, weight)| OriginPoint::new(at, weight))
            .filter(|point| point.weight > 0.0)
            .collect();
        (!points.is_empty()).then_some(Self::Points(points))
    }
}
