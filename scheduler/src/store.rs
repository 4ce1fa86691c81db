//! Every statement of the scheduler, one module per table or aggregate. Everything else in this crate asks here.
//!
//! Each statement is one text for both engines, compares and sets in one step, and names the home of what it touches.
//! The functions beside the statements turn rows into values and nothing more.

pub mod census;
pub mod control;
pub mod duty;
pub mod event;
pub mod heartbeat;
pub mod life;
pub mod load;
pub mod mission;
pub mod region;
pub mod retention;
pub mod session;
pub mod submission;
pub mod sweep;
pub mod token;
pub mod topology;
