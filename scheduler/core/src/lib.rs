#![doc = include_str!("../README.md")]

mod hash;
pub mod health;
pub mod lifecycle;
pub mod placement;
pub mod queue;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
