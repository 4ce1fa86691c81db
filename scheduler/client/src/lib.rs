#![doc = include_str!("../README.md")]

mod breaker;
mod canonical;
mod client;
mod config;
mod error;
pub mod local;
mod retry;
mod transport;
pub mod wire;

pub use breaker::BreakerState;
pub use canonical::{canonical, outcome_digest};
pub use client::{Client, Event, Events, RawEvent};
pub use config::{Config, Endpoint, Limits};
pub use error::{Cause, Error};
pub use retry::Pauses;
pub use transport::{is_loopback, tls_config};
