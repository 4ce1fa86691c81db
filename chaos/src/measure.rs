//! What a run is worth in figures: pure, from what is known of its missions and from the instants that were seen.
//!
//! | module | what it decides |
//! | --- | --- |
//! | `breach` | when which probe was out of tolerance, and from that the recovery time and the budget used |
//! | `marks` | the instants on the way, and the recovery time piece by piece |
//! | `latency` | p99 of the survivors, and whether priorities held |
//! | `picture` | the timeline |
//! | `judge` | objective by objective, and the verdict |

mod breach;
mod judge;
mod latency;
mod marks;
mod picture;
#[cfg(test)]
mod testing;

use crate::checker::{AnomalyKind, Summary};
use crate::drill::Drill;
use crate::facts::Facts;
use crate::journal::{Activity, Figure, Marks, Measures, Timeline};
use crate::local::sample::Sample;

pub use judge::{Judgement, judge, word};

/// Everything that the measures are made of.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The drill.
    pub drill: &'a Drill,
    /// What is known of the missions.
    pub facts: &'a Facts,
    /// What was seen from outside.
    pub samples: &'a [Sample],
    /// Figures of probes that do not come from missions.
    pub looked: &'a [Looked],
    /// What was done.
    pub activities: &'a [Activity],
    /// Entries of the control history, in the order of time.
    pub control: &'a [Control],
    /// The instants of the run.
    pub instants: Instants,
    /// The region that was taken away.
    pub victim: Option<&'a str>,
    /// What the checker proved.
    pub check: &'a Summary,
    /// Leases that were moved, as the database's history has them.
    pub moved_leases: u64,
    /// What became of the database.
    pub database: DatabaseFate,
    /// The database region of the region that was taken away, where its rows were looked at.
    pub home: Option<&'a str>,
}

/// What became of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseFate {
    /// There was one, in no region.
    One,
    /// It had a node in every region.
    Nodes {
        /// Whether any was hit.
        hit: bool,
    },
    /// It is somebody else's.
    Unknown,
}

impl DatabaseFate {
    /// What a recovery time does not say by itself.
    const fn label(self) -> &'static str {
        match self {
            Self::One | Self::Nodes { hit: false } => "database alive",
            Self::Nodes { hit: true } => "with the database's own recovery",
            Self::Unknown => "with whatever the database did",
        }
    }
}

/// A figure of a probe, as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// When, microseconds since the Unix epoch.
    pub at_us: i64,
    /// The probe's name.
    pub probe: String,
    /// The figure.
    pub figure: Option<f64>,
}

/// An entry of the control history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// When, microseconds since the Unix epoch, by the database's clock.
    pub at_us: i64,
    /// The region.
    pub region: String,
    /// What became of it.
    pub what: ControlKind,
}

/// What became of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// It was called suspect.
    Suspect,
    /// It was called down.
    Down,
    /// It was called up.
    Up,
    /// One of its sessions was ended.
    SessionEnded,
}

/// The instants of a run, microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instants {
    /// Load began.
    pub load_us: i64,
    /// The steady state began to be measured.
    pub steady_us: i64,
    /// The first fault was acknowledged.
    pub fault_us: i64,
    /// The fault ended: the first undo began that no other fault follows.
    pub heal_us: i64,
    /// Load ended.
    pub end_us: i64,
}

/// What was measured, and what the picture is drawn from.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The figures.
    pub measures: Measures,
    /// The instants on the way.
    pub marks: Marks,
    /// The picture.
    pub timeline: Timeline,
}

/// Measures a run in which a fault was injected.
#[must_use]
pub fn measure(inputs: &Inputs<'_>) -> Measured {
    let breaches = breach::all(inputs);
    let recovery = breach::recovery(&breaches, inputs.instants);
    let marks = marks::all(inputs, recovery);
    let Instants { steady_us, fault_us, heal_us, end_us, .. } = inputs.instants;
    let p99 = |from, to| latency::survivors_p99_ms(inputs.facts, from, to);
    let errors = |from, to| latency::errors(inputs.facts, from, to);
    let measures = Measures {
        rto_s: match recovery {
            Some(us) => Figure::Measured(us as f64 / 1e6),
            None => Figure::NotMeasured("not recovered before the fault ended".to_owned()),
        },
        rto_label: inputs.database.label().to_owned(),
        detection_s: marks::detection(inputs, &marks),
        rpo_s: rpo(inputs),
        budget_minutes: breach::budget_minutes(&breaches, inputs.instants),
        survivors_p99_ms: [p99(steady_us, fault_us), p99(fault_us, heal_us), p99(heal_us, end_us)],
        priority_inversions: latency::priority_inversions(inputs.facts),
        submit_errors: [
            errors(inputs.instants.load_us, fault_us),
            errors(fault_us, heal_us),
            errors(heal_us, end_us.saturating_add(1)),
        ],
        moved_leases: inputs.moved_leases,
        breakdown: marks::breakdown(&marks, recovery),
    };
    let timeline = picture::draw(inputs, &breaches);
    Measured { measures, marks, timeline }
}

/// Why no acknowledged write could be missing for want of the database; none where one could.
fn not_lost(inputs: &Inputs<'_>) -> Option<&'static str> {
    if inputs.drill.method.iter().any(|step| step.kind.touches_database()) {
        return None;
    }
    match inputs.database {
        DatabaseFate::One => Some("not measured: one database, never lost"),
        DatabaseFate::Nodes { hit: false } => Some("not measured: no node of the database was hit"),
        DatabaseFate::Nodes { hit: true } => None,
        DatabaseFate::Unknown => Some("not measured: no step touches the database"),
    }
}

/// Seconds of acknowledged writes that are missing: from the oldest that is missing until the fault, or until the newest
/// that is missing where that came later. Never 0 where anything is missing.
fn rpo(inputs: &Inputs<'_>) -> Figure {
    if let Some(why) = not_lost(inputs) {
        return Figure::NotMeasured(why.to_owned());
    }
    if inputs.check.acknowledged == 0 {
        return Figure::NotMeasured("not measured: no mission was acknowledged".to_owned());
    }
    let Some(lost) = inputs.check.anomalies.get(&AnomalyKind::Lost).filter(|lost| lost.count > 0) else {
        return Figure::Measured(0.0);
    };
    let promised: Vec<i64> = lost.first.iter().filter_map(|(mission, _)| inputs.facts.promised_us(*mission)).collect();
    let oldest = promised.iter().copied().min().unwrap_or(inputs.instants.fault_us);
    let newest = promised.iter().copied().max().unwrap_or(oldest).max(inputs.instants.fault_us);
    Figure::Measured(((newest - oldest) as f64 / 1e6).max(0.001))
}
