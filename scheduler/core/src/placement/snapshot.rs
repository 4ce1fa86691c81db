//! A world with its health and load at one moment.

use std::sync::Arc;

use topology::{PoolId, RegionName};

use super::world::{PoolIx, World};
use crate::health::{RegionHealth, Verb};

/// What the database says of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolLoad {
    /// Live sessions.
    pub sessions: i64,
    /// Slots of live sessions.
    pub slots: i64,
    /// Missions being worked on.
    pub leased: i64,
    /// Missions waiting.
    pub queued: i64,
    /// EWMA of the run time in microseconds; 0 = nothing is known yet.
    pub service_us: i64,
    /// Whether the pool had a live session within `down_after` (`health::pool_is_live`).
    pub live: bool,
}

/// What the operator and the heartbeats say of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionStanding {
    /// What the operator wants.
    pub verb: Verb,
    /// What the heartbeats show.
    pub health: RegionHealth,
    /// Share of its capacity that counts, in thousandths, while its load returns (`health::ramp_permille`).
    pub ramp_permille: u16,
}

/// A world with its health and load at one moment. A clone costs a few pointers; `bump` copies one specialization.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) world: Arc<World>,
}

impl Snapshot {
    /// A world of which nothing is known yet: every region `unknown`, every pool without a session.
    #[must_use]
    pub fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// The compiled topology.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// While held, suspect regions take new work (DESIGN 4.4).
    pub fn set_hold(&mut self, hold: bool) {
        let _ = hold;
        todo!()
    }

    /// Sets what is known of a region; a region that the world does not know is ignored.
    pub fn set_region(&mut self, region: &RegionName, standing: RegionStanding) {
        let _ = (region, standing);
        todo!()
    }

    /// Sets what is known of a pool; a pool that the world does not know is ignored.
    pub fn set_load(&mut self, pool: &PoolId, load: PoolLoad) {
        let _ = (pool, load);
        todo!()
    }

    /// What is known of a pool.
    #[must_use]
    pub fn load(&self, pool: PoolIx) -> PoolLoad {
        let _ = pool;
        todo!()
    }

    /// Counts missions that were just queued there (negative: left), so that the next decision sees them.
    pub fn bump(&mut self, pool: PoolIx, missions: i64) {
        let _ = (pool, missions);
        todo!()
    }

    /// Whether a region may take new missions, and what holds it back.
    #[must_use]
    pub fn serving(&self, region: &RegionName) -> crate::health::Serving {
        let _ = region;
        todo!()
    }
}
