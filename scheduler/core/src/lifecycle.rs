//! What a mission may do (DESIGN 4.1): states, commands, and the one function that joins them.
//!
//! The store writes each command as one statement whose filter is [`CommandKind::valid_from`]; [`apply`] is what that
//! statement must agree with. P1: no command loses a mission, each leads to one of the six states. P2: only the holder
//! of the present epoch completes, once.

mod apply;
mod backoff;
mod command;
mod facts;
mod reason;
mod state;

#[cfg(test)]
mod tests;

pub use apply::{Holder, Refusal, Rest, Step, Transition, apply, submit};
pub use backoff::{RETRY_BASE, RETRY_CAP, retry_delay};
pub use command::{Command, CommandKind, Landing, Proof};
pub use facts::{ALONE_FROM_CRASHES, MissionFacts};
pub use reason::Reason;
pub use state::{MissionState, UnknownState};
