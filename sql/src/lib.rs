#![doc = include_str!("../README.md")]

pub mod breaker;
#[cfg(feature = "testing")]
mod catalogue;
pub mod config;
mod db;
mod engine;
mod error;
mod gateway;
mod gateways;
mod lex;
#[cfg(feature = "testing")]
pub mod lint;
pub mod local;
pub mod migrate;
#[cfg(feature = "testing")]
pub mod plan;
mod pool;
#[cfg(feature = "testing")]
pub mod relay;
mod retry;
mod statement;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testdb;
mod tls;
mod txn;
mod url;

pub use config::{Config, GatewayConfig, Lane};
pub use db::{Db, Params};
pub use engine::Engine;
pub use error::Error;
pub use gateways::{BreakerState, GatewayHealth, Gateways};
pub use statement::{Batched, Statement};
pub use tokio_postgres::Row;
pub use tokio_postgres::types::{FromSql, ToSql};
pub use txn::Txn;
