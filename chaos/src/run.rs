//! Carries out a drill on any tier: gate, method, undo, and what comes after.
//!
//! The drill's own course (`course`) is one future; beside it a lookout reads the probes, judges the abort rules, looks
//! for the stop file and hears signals. The lookout never cuts the course off: it says that the drill is broken off, and
//! the course goes on to its undo. Whatever began is undone, last first, however the drill ends.

mod abort;
mod course;
mod heal;
mod lookout;
mod method;
mod progress;
mod radius;
mod refusals;
mod signals;
mod told;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use abort::reason_to_abort;
pub use progress::Event;
pub use radius::exceeded;
pub use refusals::{Refusal, refusals, refusals_of};
pub use signals::signals;

use crate::drill::Drill;
use crate::journal::{Activity, Probed};
use crate::tier::Tier;
use crate::undo;

/// What a drill needs beside its tier.
pub struct Setup<'a> {
    /// Its undo log, new and held by this process.
    pub log: &'a mut undo::Log,
    /// Whether the log is over with the drill. Else its owner has more to undo, and says when it is over.
    pub ends_log: bool,
    /// Its bounds in time.
    pub limits: Limits,
    /// How many regions the world has, where that is known: for the regions that must stay healthy.
    pub regions: Option<usize>,
    /// Microseconds since the Unix epoch.
    pub clock: &'a (dyn Fn() -> i64 + Sync),
    /// Whether the stop file means this run; asked every second.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
    /// Hears how the drill goes on.
    pub progress: &'a (dyn Fn(Event<'_>) + Sync),
}

/// Bounds in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long the hypothesis may take to hold before the method.
    pub gate: Duration,
    /// One look at one probe.
    pub probe: Duration,
    /// One step; a command's own limit counts where it is longer.
    pub act: Duration,
    /// How long a step that is under way goes on when the drill is broken off.
    pub grace: Duration,
    /// One try of one undo; a command's own limit counts where it is longer.
    pub undo: Duration,
    /// Tries of one undo.
    pub undo_tries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            gate: Duration::from_secs(60),
            probe: Duration::from_secs(5),
            act: Duration::from_secs(120),
            grace: Duration::from_secs(5),
            undo: Duration::from_secs(60),
            undo_tries: 5,
        }
    }
}

/// Why a drill did not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tier cannot do some of it. Nothing was done.
    #[error("the drill cannot run here:{}", .0.iter().map(|refusal| format!("\n  {refusal}")).collect::<String>())]
    Refused(Vec<Refusal>),
}

/// How a drill ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ended", content = "reason", rename_all = "snake_case")]
pub enum Ended {
    /// By itself, whatever came of its steps.
    Completed,
    /// It was broken off: by an abort rule, by `chaos stop` or by a signal.
    Aborted(String),
    /// The hypothesis did not hold before the method, which was not begun.
    Inconclusive(String),
}

/// A look at a probe of the hypothesis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// When the figure was had, or given up; microseconds since the Unix epoch.
    pub at_us: i64,
    /// The probe's name.
    pub probe: String,
    /// The figure; none where it could not be had.
    pub figure: Option<f64>,
    /// Whether it is good.
    pub holds: bool,
}

/// What came of a drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// When it began, microseconds since the Unix epoch.
    pub started_at_us: i64,
    /// When it was over.
    pub ended_at_us: i64,
    /// How it ended.
    pub ended: Ended,
    /// The steps of the method that were begun, in that order. One with an `error` deviated.
    pub activities: Vec<Activity>,
    /// Every look at a probe, in the order of time, from the gate to the end.
    pub observed: Vec<Observed>,
    /// The hypothesis before the method.
    pub steady_before: Vec<Probed>,
    /// The same after everything was undone; empty where it was not looked at again.
    pub steady_after: Vec<Probed>,
    /// What was left behind; empty is good. What could not be undone is in it.
    pub residue: Vec<String>,
    /// When the first fault was acknowledged.
    pub fault_at_us: Option<i64>,
    /// When the first fault was undone.
    pub healed_at_us: Option<i64>,
    /// Whether everything that began is undone, and the log says so. Else the run's note must stay.
    pub undone: bool,
}

/// Carries out a drill. `signal` ends when somebody wants it broken off, with who that is.
///
/// # Errors
/// [`Error::Refused`] where the tier cannot do some of it; nothing was done then.
pub async fn run<T: Tier>(
    drill: &Drill,
    tier: &mut T,
    setup: Setup<'_>,
    signal: impl Future<Output = String>,
) -> Result<Carried, Error> {
    let refusals = refusals(drill, tier);
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }
    let lookout = lookout::Lookout::new(drill, tier.gauges(), &setup);
    let course = course::Course::new(drill, tier, setup, &lookout);
    tokio::select! {
        carried = course.run() => Ok(carried),
        never = lookout.keep(signal) => match never {},
    }
}

#[cfg(test)]
mod tests;
