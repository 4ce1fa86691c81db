//! What this scheduler knows of the world, as one immutable [`View`] behind an atomic pointer.
//!
//! The loops replace it; a placement reads it without a lock and without the database. Every part has an age, and an
//! answer made from an old part says so (P6).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use scheduler_client::wire;
use topology::{DatabaseRegion, PoolId, Position, RegionName, ResidencyName, Specialization, Topology};

use crate::refusal::Refusal;

/// What one scheduler knows at one moment.
#[derive(Debug)]
pub struct View {
    /// Version of the topology in force.
    pub topology_version: i64,
    /// Grows when residency changes; submit, re-place and claim carry it into their statements.
    pub residency_version: i64,
    /// The topology in force.
    pub topology: Arc<Topology>,
    /// Verb and health of every region of the topology.
    pub regions: BTreeMap<RegionName, RegionFacts>,
    /// Load of every pool that was ever published.
    pub loads: BTreeMap<PoolId, PoolLoad>,
}

/// What holds a region back, but for its topology state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionFacts {
    /// The operator's wish.
    pub verb: wire::RegionVerb,
    /// When a drain hands back what is left.
    pub drain_until: Option<DateTime<Utc>>,
    /// What the heartbeats show.
    pub health: wire::RegionHealth,
    /// Since when.
    pub health_at: DateTime<Utc>,
}

/// Load of one pool as its watchers published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolLoad {
    /// Live sessions.
    pub sessions: i64,
    /// Slots of live sessions.
    pub slots: i64,
    /// Missions being worked on.
    pub leased: i64,
    /// Waiting missions, counted up to a bound.
    pub queued: i64,
    /// Missions refused only for want of a live session.
    pub unmet: i64,
    /// EWMA of the run time, in microseconds.
    pub service_us: i64,
    /// Newest heartbeat of any session of the pool.
    pub alive_at: Option<DateTime<Utc>>,
    /// When it was published, by the database's clock.
    pub at: DateTime<Utc>,
}

/// Where a mission comes from, with every form turned into weighted points. Weights are above 0.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedOrigin {
    /// At least one point.
    pub points: Arc<[(Position, f64)]>,
}

/// What placement needs to know of a mission.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Which kind of agent works on it.
    pub specialization: &'a Specialization,
    /// Where it comes from.
    pub origin: &'a ResolvedOrigin,
    /// Its residency rule.
    pub residency: Option<&'a ResidencyName>,
    /// Spreads near-equal choices; stored with the mission, so that the choice can be repeated.
    pub nonce: i64,
}

/// A decision, as the mission's row stores it.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The chosen pool; none = pending.
    pub pool: Option<PoolId>,
    /// Database region that homes the row: the pool's, or while pending that of the nearest lawful region.
    pub home: DatabaseRegion,
    /// Why it is pending: a stable code.
    pub reason: Option<&'static str>,
    /// The scored alternatives and the rejected pools, as `GET /v1/missions/{id}/placement` answers them.
    pub explained: serde_json::Value,
    /// Topology version it was decided under.
    pub topology_version: i64,
    /// Residency version it was decided under.
    pub residency_version: i64,
}

/// How old the parts of the view are, and which of them are stale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ages {
    /// Since the topology was last confirmed.
    pub topology: Duration,
    /// Since the regions' states were last read.
    pub regions: Duration,
    /// Since the loads were last read, by database region.
    pub loads: BTreeMap<DatabaseRegion, Duration>,
}

/// The current [`View`], and how to replace it. Shared by everything in the process.
#[derive(Debug)]
pub struct Views {}

impl Views {
    /// The view in force.
    #[must_use]
    pub fn current(&self) -> Arc<View> {
        todo!()
    }

    /// Places a mission on the view in force. Does not count it: see [`Views::bump`].
    #[must_use]
    pub fn place(&self, _ask: &Ask<'_>) -> Placed {
        todo!()
    }

    /// Counts own placements at once, until the next published load shows them.
    pub fn bump(&self, _pool: &PoolId, _missions: i64) {
        todo!()
    }

    /// Reads topology, region states and loads again: after a statement that found another residency version.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`]: the old view stays in force.
    pub async fn refresh_now(&self) -> Result<Arc<View>, Refusal> {
        todo!()
    }

    /// Turns a mission's origin into points. None = the client's country where it is known, else where this scheduler
    /// stands.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a city or country that nobody knows, or weights that are not above 0.
    pub fn resolve(&self, _origin: Option<&wire::Origin>, _country: Option<&str>) -> Result<ResolvedOrigin, Refusal> {
        todo!()
    }

    /// The database region that homes an idempotency key: a function of the request alone, never of headers or health.
    ///
    /// # Errors
    /// As [`Views::resolve`].
    pub fn key_home(&self, _origin: Option<&wire::Origin>, _submitter: &str) -> Result<DatabaseRegion, Refusal> {
        todo!()
    }

    /// Grows whenever what may be placed where has changed; loads alone do not count.
    #[must_use]
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        todo!()
    }

    /// How old the parts of the view are now.
    #[must_use]
    pub fn ages(&self) -> Ages {
        todo!()
    }
}
