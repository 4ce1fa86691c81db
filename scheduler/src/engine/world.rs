//! What the engine asks of the scheduler's view of the world.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use scheduler_client::wire;
use topology::{DatabaseRegion, PoolId};

use crate::refusal::Refusal;
use crate::view::{Ask, Placed, ResolvedOrigin, View, Views};

/// The part of [`Views`] that the engine needs; tests bring worlds of their own.
pub trait World: fmt::Debug + Send + Sync + 'static {
    /// As [`Views::current`].
    fn current(&self) -> Arc<View>;
    /// As [`Views::place`].
    fn place(&self, ask: &Ask<'_>) -> Placed;
    /// As [`Views::bump`].
    fn bump(&self, pool: &PoolId, missions: i64);
    /// As [`Views::refresh_now`].
    fn refresh_now(&self) -> BoxFuture<'_, Result<Arc<View>, Refusal>>;
    /// As [`Views::resolve`].
    ///
    /// # Errors
    /// As there.
    fn resolve(&self, origin: Option<&wire::Origin>, country: Option<&str>) -> Result<ResolvedOrigin, Refusal>;
    /// As [`Views::key_home`].
    ///
    /// # Errors
    /// As there.
    fn key_home(&self, origin: Option<&wire::Origin>, submitter: &str) -> Result<DatabaseRegion, Refusal>;
}

impl World for Views {
    fn current(&self) -> Arc<View> {
        Self::current(self)
    }

    fn place(&self, ask: &Ask<'_>) -> Placed {
        Self::place(self, ask)
    }

    fn bump(&self, pool: &PoolId, missions: i64) {
        Self::bump(self, pool, missions);
    }

    fn refresh_now(&self) -> BoxFuture<'_, Result<Arc<View>, Refusal>> {
        Box::pin(Self::refresh_now(self))
    }

    fn resolve(&self, origin: Option<&wire::Origin>, country: Option<&str>) -> Result<ResolvedOrigin, Refusal> {
        Self::resolve(self, origin, country)
    }

    fn key_home(&self, origin: Option<&wire::Origin>, submitter: &str) -> Result<DatabaseRegion, Refusal> {
        Self::key_home(self, origin, submitter)
    }
}
