//! SQL, one module a table or aggregate. Everything else in this crate asks here.

pub mod control;
pub mod duty;
pub mod life;
pub mod load;
pub mod region;
pub mod sweep;
pub mod token;
pub mod topology;
