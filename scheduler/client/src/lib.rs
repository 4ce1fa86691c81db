//! How programs talk to the scheduler: typed wire types and an HTTP client.
//!
//! [`wire`] is the contract: what travels as JSON. [`Client`] has one method a route. A call goes to the nearest
//! scheduler whose breaker lets it, moves on to the next one at once, and is repeated with jittered pauses inside
//! explicit [`Limits`]; what may not be done twice is repeated only where it is certain that it was not done.
//!
//! | module | what |
//! | --- | --- |
//! | `client` | the routes and the walk over the schedulers |
//! | `breaker` | one breaker a scheduler: failsafe, wrapped |
//! | `retry` | pauses between laps: backoff, with explicit limits |
//! | `transport` | one scheduler: reqwest behind tower's timeout and concurrency limits |
//!
//! Tests run against small servers of their own: `cargo test -p scheduler-client`.

mod breaker;
mod client;
mod config;
mod error;
mod retry;
mod transport;
pub mod wire;

pub use breaker::BreakerState;
pub use client::{Client, Event, Events};
pub use config::{Config, Endpoint, Limits};
pub use error::{Cause, Error};
pub use retry::Pauses;
pub use transport::{is_loopback, tls_config};
