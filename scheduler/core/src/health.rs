//! Who may serve (DESIGN 4.4): the health of regions and pools, judged from evidence in the database.
//!
//! All moments are of the database's clock, except spans that an observer measured of itself.

mod budget;
mod charge;
mod hold;
mod pool;
mod ramp;
mod region;
mod serving;
mod watch;

pub use budget::Budget;
pub use charge::{Charge, charge};
pub use hold::{HoldReason, Observer, hold, may_end_sessions};
pub use pool::pool_is_live;
pub use ramp::{RAMP_FULL, ramp_permille};
pub use region::{Look, RegionHealth, Standing, UnknownHealth, judge, look};
pub use serving::{HeldBy, Serving, UnknownVerb, Verb, serving};
pub use watch::{WATCHERS_ELSEWHERE, watches};
