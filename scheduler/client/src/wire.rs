//! What travels between scheduler, agents, clients and operators, as JSON.
//!
//! Unknown fields from a newer peer are accepted everywhere. Times are RFC 3339 in UTC, durations are whole
//! milliseconds and say so in their names.

mod agent;
mod control;
mod lesson;
mod memory;
mod mission;
mod ops;
mod problem;
mod schema;

pub use agent::*;
pub use control::*;
pub use lesson::*;
pub use memory::*;
pub use mission::*;
pub use ops::*;
pub use problem::*;
