//! The loops against a real database. Ages are made by writing old times, so nothing here sleeps.

mod drain;
mod failover;
mod hold;
mod measured;
mod memory;
mod pending;
#[cfg(feature = "planted-bugs")]
mod planted;
mod residency;
mod rig;
mod upkeep;
