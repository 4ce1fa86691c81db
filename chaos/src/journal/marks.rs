//! The instants that a drill's measures are made of.

use serde::{Deserialize, Serialize};

/// What happened at an instant. The order is the order in which they are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkName {
    /// The first fault was acknowledged: the clock starts.
    Fault,
    /// The region's rows no longer answered.
    DatabaseSilent,
    /// They answered again: their ranges have new leaseholders.
    DatabaseMoved,
    /// A survivor called the region suspect: nothing new is placed there.
    Suspected,
    /// A survivor called the region down.
    Detected,
    /// The region's sessions were ended: their leases move.
    Decided,
    /// 99 % of new missions are placed in survivors from here on.
    Steered,
    /// Every probe stays in tolerance from here until the heal.
    Recovered,
    /// The first fault was undone.
    Healed,
    /// The region serves again.
    FailedBack,
}

/// One instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What happened.
    pub name: MarkName,
    /// When, microseconds since the Unix epoch.
    pub at_us: i64,
}

/// The instants that happened, in the order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(pub Vec<Mark>);

impl Marks {
    /// When something happened first.
    #[must_use]
    pub fn at(&self, name: MarkName) -> Option<i64> {
        self.0.iter().filter(|mark| mark.name == name).map(|mark| mark.at_us).min()
    }

    /// Notes an instant, keeping the order of time.
    pub fn note(&mut self, name: MarkName, at_us: i64) {
        let place = self.0.partition_point(|mark| mark.at_us <= at_us);
        self.0.insert(place, Mark { name, at_us });
    }

    /// Seconds from one to another, where both happened.
    #[must_use]
    pub fn seconds(&self, from: MarkName, to: MarkName) -> Option<f64> {
        Some((self.at(to)? - self.at(from)?) as f64 / 1e6)
    }
}

/// The recovery time, piece by piece, in seconds: name and length, adding up to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Breakdown(pub Vec<(String, f64)>);
