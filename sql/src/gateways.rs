//! All database endpoints that this process may use, in order of distance.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::NoTls;
use topology::DatabaseRegion;

use crate::error::{Detail, Failure, Verdict};
use crate::gateway::{Gateway, NoAnswer};
use crate::tls;
use crate::url::{self, Target};
use crate::{Config, Db, Engine, Error, GatewayConfig, Lane, pool};

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

impl BreakerState {
    /// Label in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
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
pub struct Gateways {
    shared: Arc<Shared>,
}

/// What all handles share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    /// In order of distance, the local one first.
    pub(crate) gateways: Vec<Gateway>,
    /// As they were given, in the same order.
    given: Vec<GatewayConfig>,
}

impl Gateways {
    /// Asks the gateways in order of distance which engine they are, until one answers; connections are opened when
    /// they are needed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none answers, [`Error::Permanent`] when a URL cannot be used or is refused.
    pub async fn connect(config: Config) -> Result<Self, Error> {
        crate::telemetry::describe();
        let targets = config
            .gateways
            .iter()
            .map(|gateway| url::read(&gateway.url))
            .collect::<Result<Vec<Target>, _>>()
            .map_err(|cause| Error::Permanent(Detail::new("connect", cause)))?;
        let engine = detect(&targets, config.connect_timeout).await?;
        let gateways = config
            .gateways
            .iter()
            .zip(&targets)
            .map(|(given, target)| Gateway::new(given, target, engine, &config))
            .collect();
        Ok(Self { shared: Arc::new(Shared { engine, gateways, given: config.gateways }) })
    }

    /// The database that answers.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.shared.engine
    }

    /// The handle through which one kind of work is done.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Db {
        Db::new(Arc::clone(&self.shared), lane)
    }

    /// The gateways as they were given, in order of distance: for what needs a connection of its own.
    #[must_use]
    pub fn configs(&self) -> &[GatewayConfig] {
        &self.shared.given
    }

    /// State of every gateway, in order of distance.
    #[must_use]
    pub fn health(&self) -> Vec<GatewayHealth> {
        self.shared.gateways.iter().map(Gateway::health).collect()
    }

    /// Closes the pools: idle connections at once, busy ones when their call ends. Calls after that are refused.
    pub async fn close(&self) {
        self.shared.gateways.iter().for_each(Gateway::close);
        tokio::task::yield_now().await;
    }
}

async fn detect(targets: &[Target], limit: Duration) -> Result<Engine, Error> {
    let mut last = None;
    for target in targets {
        match engine_of(target, limit).await {
            Ok(engine) => return Ok(engine),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last
        .map_or_else(|| Error::Unavailable(Detail::new("connect", "no gateway is configured")), Failure::into_error))
}

async fn engine_of(target: &Target, limit: Duration) -> Result<Engine, Failure> {
    let ask = async {
        let client = connect(target, limit).await?;
        let row = client.query_one("SELECT version()", &[]).await.map_err(connect_failure)?;
        Ok(Engine::of_version(row.try_get(0).map_err(connect_failure)?))
    };
    match tokio::time::timeout(limit * 2, ask).await {
        Ok(result) => result,
        Err(_) => Err(Failure { verdict: Verdict::Unfit, detail: Detail::new("connect", NoAnswer::Connect) }),
    }
}

/// A connection outside the pools. It ends when the client is dropped. Where the URL asks for TLS and there is none to be
/// had, trying again would not bring it: that is refused for good, and says what to do.
pub(crate) async fn connect(target: &Target, limit: Duration) -> Result<tokio_postgres::Client, Failure> {
    let driver = pool::with_keepalive(&target.driver, limit);
    let client = match &target.tls {
        Some(tls) => {
            let tls = tls::Noting::new(tls.clone());
            let connected = driver.connect(tls.clone()).await;
            let (client, connection) = connected.map_err(|error| match tls::sort(error, Some(tls.agreed())) {
                Ok(refused) => Failure { verdict: Verdict::Refused, detail: Detail::new("connect", refused) },
                Err(error) => connect_failure(error),
            })?;
            tokio::spawn(connection);
            client
        }
        None => {
            let (client, connection) = driver.connect(NoTls).await.map_err(connect_failure)?;
            tokio::spawn(connection);
            client
        }
    };
    Ok(client)
}

/// Sorts a failure to connect: refused by the server's word, or no gateway to speak of.
pub(crate) fn connect_failure(error: tokio_postgres::Error) -> Failure {
    let verdict = match error.code() {
        Some(state) => Verdict::of_state(state).before_sending(),
        None => Verdict::Unfit,
    };
    Failure { verdict, detail: Detail::of_driver("connect", error) }
}
