//! The order within a pool: rank, round, age, id.

mod rank;
mod round;

pub use rank::rank;
pub use round::Rounds;
