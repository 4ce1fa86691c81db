//! Meridian's scheduler: takes missions, places them, leases them to agents.

pub mod control;
pub mod engine;
pub mod loops;
pub mod refusal;
pub mod view;
