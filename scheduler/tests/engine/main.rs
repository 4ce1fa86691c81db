//! The engine and its statements on a real database.

mod leases;
mod world;
