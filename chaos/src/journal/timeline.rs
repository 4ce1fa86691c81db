//! What the picture of a run is drawn from: figures over one time axis.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Figures over time, all from one instant and in one step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// When the axis begins, microseconds since the Unix epoch.
    pub from_us: i64,
    /// Microseconds between two points.
    pub step_us: i64,
    /// Missions finished in each step, by region. Stacked in the picture.
    pub throughput: BTreeMap<String, Series>,
    /// Submits that ended in an error in each step.
    pub errors: Series,
    /// p99 from submitted to leased of the missions submitted in each step, in milliseconds; none where there were none.
    pub p99_ms: Vec<Option<f64>>,
    /// Leases held at the end of each step, by region.
    pub leases: BTreeMap<String, Series>,
    /// State strips: regions by health and verb, breakers by state, probes by whether they hold. Ordered by key.
    pub strips: Vec<Strip>,
}

/// One figure a step.
pub type Series = Vec<f64>;

/// One thing's states over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strip {
    /// Which group it belongs to: `region`, `breaker`, `probe`, `fault`.
    pub group: String,
    /// What it is.
    pub name: String,
    /// Its states, in the order of time, without gaps or overlaps.
    pub spans: Vec<Span>,
}

/// One state for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// From when.
    pub from_us: i64,
    /// Until when.
    pub to_us: i64,
    /// The state: `up`, `suspect`, `down`, `cordoned`, `closed`, `open`, `half_open`, `holds`, `breached`, `active`.
    pub state: String,
}
