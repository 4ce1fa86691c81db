//! The tier `local` on a world that is up: nothing of it is the drill's own, so it is left as it was found.
//!
//! No fault proxy stands there, its database is nobody's to crash, and its runners write nothing down. What can be done to
//! it is told first, and everything else is refused before anything is done.
//!
//! | module | what |
//! | --- | --- |
//! | `found` | which world stands at an address |
//! | `possible` | which faults can be done to it, and why not the others; pure |
//! | `crew` | its processes, as it notes them |
//! | `around` | load, and who looks at what becomes of it: a deployment has it too |
//! | `watch` | what becomes of the drill's missions, as the schedulers tell it |
//! | `export` | their rows and events at the end |

pub(crate) mod around;
mod carry;
mod crew;
mod export;
mod found;
mod possible;
mod tier;
mod watch;

pub use carry::drill;
pub(crate) use found::deployed;
pub use found::{Found, find};
pub use possible::Possible;
pub use tier::{preview, refusals};
