#![doc = include_str!("placement/README.md")]

mod explain;
mod filter;
mod network;
mod post_conditions;
mod request;
mod score;
mod snapshot;
mod solve;
mod world;

pub use explain::{Row, Verdict, rows};
pub use filter::Rejection;
pub use network::{GreatCircle, Network};
pub use post_conditions::{Broken, check};
pub use request::{OriginPoint, Request, ResolvedOrigin, RttRow};
pub use score::{Choice, Penalties, Score};
pub use snapshot::{PoolLoad, RegionStanding, Snapshot};
pub use solve::{Placement, Rejected, Unplaceable, choose, place};
pub use world::{PoolIx, RegionIx, World};
