#![doc = include_str!("placement/README.md")]

mod estimate;
mod explain;
mod filter;
mod post_conditions;
mod request;
mod score;
mod snapshot;
mod solve;
mod stored;
mod wait;
mod world;

#[cfg(test)]
mod tests;

pub use explain::{Figures, Row, Verdict, rows};
pub use filter::Rejection;
pub use post_conditions::{Broken, check};
pub use request::{OriginPoint, Request, ResolvedOrigin, RttRow};
pub use score::{Choice, Class, Penalties, Score};
pub use snapshot::{PoolLoad, RegionStanding, Snapshot};
pub use solve::{Placement, Rejected, SPREAD_BAND_US, Unplaceable, choose, place};
pub use stored::Stored;
pub use wait::UNKNOWN_SERVICE_US;
pub use world::{CANARY_PERMILLE, PoolIx, RegionIx, World};
