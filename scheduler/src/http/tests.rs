//! The routes against a real database: what goes through, and that whatever is refused changes nothing.

mod bad_input;
mod bed;
mod callers;
mod lessons;
mod memory;
mod missions;
mod results;
mod streams;

#[cfg(feature = "planted-bugs")]
mod planted;
