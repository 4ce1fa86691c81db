//! The engine and its statements on a real database.

mod claims;
mod leases;
mod lost;
mod sessions;
mod submits;
mod world;
