//! How programs talk to the scheduler: typed wire types and an HTTP client.

pub mod wire;
