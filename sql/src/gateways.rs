//! All database endpoints that this process may use, in order of distance.

use topology::DatabaseRegion;

use crate::{Config, Db, Engine, Error, Lane};

/// State of a gateway's breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// One probe passes.
    HalfOpen,
    /// No call passes.
    Open,
}

/// What is known about one gateway.
#[derive(Debug, Clone)]
pub struct GatewayHealth {
    /// Its database region, or its host and port.
    pub name: String,
    /// Its database region, when configured.
    pub region: Option<DatabaseRegion>,
    /// Its breaker.
    pub breaker: BreakerState,
}

/// All gateways with their pools and breakers. Cheap to clone.
#[derive(Clone)]
pub struct Gateways {}

impl Gateways {
    /// Asks the gateways in order of distance which engine they are, until one answers; connections are opened when
    /// they are needed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none answers, [`Error::Permanent`] when a URL cannot be used or is refused.
    pub async fn connect(config: Config) -> Result<Self, Error> {
        let _ = config;
        todo!()
    }

    /// The database that answers.
    #[must_use]
    pub fn engine(&self) -> Engine {
        todo!()
    }

    /// The handle through which one kind of work is done.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Db {
        let _ = lane;
        todo!()
    }

    /// State of every gateway, in order of distance.
    #[must_use]
    pub fn health(&self) -> Vec<GatewayHealth> {
        todo!()
    }

    /// Closes all connections; calls after that are refused.
    pub async fn close(&self) {
        todo!()
    }
}
