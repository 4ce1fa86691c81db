//! What is looked at, and what is still good.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One figure with what is good.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Name in the journal.
    pub name: String,
    /// What is looked at.
    pub query: Query,
    /// What is good.
    pub tolerance: Tolerance,
    /// Over which time it is looked at.
    pub window: Duration,
}

/// Where a figure comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "query", rename_all = "snake_case")]
pub enum Query {
    /// Share of submits that were acknowledged, of those answered in the window. Refused ones count as not.
    SubmitSuccessRatio,
    /// 99th percentile of the time from the acknowledged submit to the start of the first run, in milliseconds, of the
    /// missions submitted in the window whose first pool was in a region that no fault names.
    SubmitToLeasedP99Ms,
    /// Leases that are held by sessions of a region in which nothing runs.
    StrandedLeases,
    /// Missions that have waited in a queue for longer than the window.
    OverdueMissions,
    /// Regions that serve, as the first scheduler that answers sees it.
    ServingRegions,
    /// Status of `GET url`.
    HttpStatus {
        /// Address.
        url: String,
    },
    /// Exit code of a command.
    ExitCode {
        /// Program and arguments; no shell.
        argv: Vec<String>,
    },
    /// The number that a command prints.
    Number {
        /// Program and arguments; no shell.
        argv: Vec<String>,
    },
}

/// What is good: within both bounds, which count themselves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Tolerance {
    /// Whether a figure is good. A figure that could not be had is not.
    #[must_use]
    pub fn holds(self, figure: Option<f64>) -> bool {
        figure.is_some_and(|figure| {
            self.min.is_none_or(|least| figure >= least) && self.max.is_none_or(|most| figure <= most)
        })
    }
}

/// A reason to break off. Looked at every second; the first that holds breaks off, and everything is undone.
#[derive(Debug, Clone, PartialEq)]
pub struct Abort {
    /// When.
    pub when: AbortWhen,
}

/// When to break off.
#[derive(Debug, Clone, PartialEq)]
pub enum AbortWhen {
    /// A probe of the hypothesis is below this for so long.
    Below {
        /// The probe's name.
        probe: String,
        /// The figure.
        figure: f64,
        /// How long.
        for_time: Duration,
    },
    /// A probe of the hypothesis is above this for so long.
    Above {
        /// The probe's name.
        probe: String,
        /// The figure.
        figure: f64,
        /// How long.
        for_time: Duration,
    },
    /// So long after the first fault.
    After(Duration),
}
