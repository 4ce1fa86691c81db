//! How an agent is.

use serde::Serialize;
use topology::{RegionName, SessionId};

use crate::book::Slots;
use crate::config::Config;

/// How an agent is, as /health shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The region that it serves.
    pub region: RegionName,
    /// Its name.
    pub name: String,
    /// Its session; none = not registered.
    pub session: Option<SessionId>,
    /// Slots that it offers.
    pub slots: Slots,
    /// Missions that it holds.
    pub held: usize,
    /// Whether its runners stand still, for want of an answered heartbeat.
    pub fenced: bool,
    /// Whether it takes nothing new.
    pub draining: bool,
}

impl Status {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            region: config.region.clone(),
            name: config.name.clone(),
            session: None,
            slots: Slots::new(),
            held: 0,
            fenced: false,
            draining: false,
        }
    }
}
