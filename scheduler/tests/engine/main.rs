//! The engine and its statements on a real database.

mod claims;
mod leases;
mod sessions;
mod world;
