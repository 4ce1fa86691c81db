//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use topology::RegionName;

use crate::config::Limits;
use crate::control::Control;
use crate::engine::Engine;
use crate::http::Gate;
use crate::memory::Memory;
use crate::view::Views;

/// The services of one scheduler, shared by its handlers. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub struct Parts {
    /// Missions and sessions.
    pub engine: Engine,
    /// Topologies, regions, tokens.
    pub control: Control,
    /// What agents learned.
    pub memory: Memory,
    /// What this scheduler knows.
    pub views: Arc<Views>,
    /// The gateways of the database, for their health.
    pub gateways: sql::Gateways,
    /// The region that it serves.
    pub region: RegionName,
    /// No tokens, loopback only.
    pub dev: bool,
    /// How much is let in.
    pub limits: Limits,
    /// Sheds submits before they make each other wait.
    pub gate: Gate,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Open event streams that are still allowed.
    pub streams: Arc<Semaphore>,
    /// Set when the scheduler stops: `/ready` says no, long polls end.
    pub stopping: CancellationToken,
}

impl App {
    /// Shares the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
