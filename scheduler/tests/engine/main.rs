//! The engine and its statements on a real database.

mod claims;
mod drills;
mod filters;
mod homes;
mod interleave;
mod keys;
mod leases;
mod lost;
mod memories;
mod plans;
mod sessions;
mod submits;
mod together;
mod world;
