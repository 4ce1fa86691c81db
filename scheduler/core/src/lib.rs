//! The scheduler's pure core: placement, lifecycle, health and queue order.
//!
//! Everything here takes data and a `now` and returns data. No clock, no randomness, no SQL, no async, no logging.

mod hash;
pub mod health;
pub mod lifecycle;
pub mod placement;
pub mod queue;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
