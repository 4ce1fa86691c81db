//! Meridian's scheduler: takes missions, places them, leases them to agents.

pub mod engine;
pub mod refusal;
