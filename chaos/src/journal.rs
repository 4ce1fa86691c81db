//! What a drill found, as `journal.json`: everything that its report shows, and nothing that needs the world any more.

mod marks;
mod timeline;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checker::Summary;
use crate::drill::{Objectives, TierName, Tolerance};

pub use marks::{Breakdown, Mark, MarkName, Marks};
pub use timeline::{Series, Span, Strip, Timeline};

/// One run of a drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// [`Journal::VERSION`] of the program that wrote it.
    pub version: u32,
    /// Version of the program.
    pub chaos_version: String,
    /// The run.
    pub run: String,
    /// The drill's name, title and what it shows.
    pub drill: DrillTold,
    /// Where it ran.
    pub tier: TierName,
    /// Seed of everything that was drawn.
    pub seed: u64,
    /// What the world was made of.
    pub world: WorldTold,
    /// When it began, microseconds since the Unix epoch.
    pub started_at_us: i64,
    /// When it ended.
    pub ended_at_us: i64,
    /// The region that was taken away, where one was.
    pub victim: Option<Victim>,
    /// The hypothesis before the method and after everything was undone.
    pub steady_before: Vec<Probed>,
    /// The same after; empty where it was not looked at again.
    pub steady_after: Vec<Probed>,
    /// What was done, in the order in which it began.
    pub activities: Vec<Activity>,
    /// The instants that the measures are made of.
    pub marks: Marks,
    /// What was measured.
    pub measures: Measures,
    /// What had to be kept.
    pub objectives: Objectives,
    /// Objective by objective, what was wanted and what was had.
    pub judged: Vec<Judged>,
    /// What the checker proved from the history.
    pub check: Summary,
    /// What was left behind; empty is good.
    pub residue: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not `pass`, each a sentence.
    pub reasons: Vec<String>,
    /// What the picture is drawn from.
    pub timeline: Timeline,
}

impl Journal {
    /// The version of this format.
    pub const VERSION: u32 = 1;
}

/// Which drill it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillTold {
    /// Name.
    pub name: String,
    /// Title.
    pub title: String,
    /// What it shows.
    pub description: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// Values in force, with those given by `--var`.
    pub configuration: BTreeMap<String, String>,
}

/// What the world was made of. The first line of every report is made of `engine` and `could_not_fail`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorldTold {
    /// The database, as it says itself, and how many there were: `PostgreSQL 18.0, one database`.
    pub engine: String,
    /// What could not fail in this run, each a phrase: `the database itself`.
    pub could_not_fail: Vec<String>,
    /// `region` or `zone`.
    pub survive: String,
    /// Regions in the order of the topology.
    pub regions: Vec<String>,
    /// SHA-256 of the topology's text.
    pub topology_digest: String,
    /// Settings that the times depend on, in seconds: `session_ttl`, `down_after`, ...
    pub clocks: BTreeMap<String, f64>,
}

/// The region that was taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Victim {
    /// Its name.
    pub region: String,
    /// Leases that it held.
    pub leases: u64,
    /// Leases in the world.
    pub of: u64,
}

impl Victim {
    /// Its share of the leases, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.leases as f64 / self.of as f64 }
    }
}

/// A probe's figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probed {
    /// Its name.
    pub probe: String,
    /// What is good.
    pub tolerance: Tolerance,
    /// The figure; none where it could not be had.
    pub figure: Option<f64>,
    /// Whether it is good.
    pub holds: bool,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Name of the step.
    pub name: String,
    /// What it was, for people: `partition us-west both ways`.
    pub what: String,
    /// When it began.
    pub started_at_us: i64,
    /// When it was acknowledged, or given up.
    pub ended_at_us: i64,
    /// When it was undone, where it was.
    pub undone_at_us: Option<i64>,
    /// Why it failed, where it did.
    pub error: Option<String>,
    /// What the tier has to say of it.
    pub detail: Value,
}

/// A measured figure, or why there is none. Serialised as a number or as a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figure {
    /// It was measured.
    Measured(f64),
    /// It was not, and why.
    NotMeasured(String),
}

impl Figure {
    /// The number, where there is one.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Measured(number) => Some(*number),
            Self::NotMeasured(_) => None,
        }
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Seconds from the first fault to the first instant after which every probe stays in tolerance until the fault ends.
    pub rto_s: Figure,
    /// What `rto_s` does not say by itself: `database alive`, or that the database's own recovery is in it.
    pub rto_label: String,
    /// Seconds until a survivor called the region down.
    pub detection_s: Figure,
    /// Seconds of acknowledged writes that are missing.
    pub rpo_s: Figure,
    /// Minutes with a probe out of tolerance, from the first fault to the end of load.
    pub budget_minutes: f64,
    /// p99 from submitted to leased in surviving regions: steady, during the fault, after the heal; milliseconds.
    pub survivors_p99_ms: [Option<f64>; 3],
    /// Missions that were leased after one of lower priority which was queued later in the same pool.
    pub priority_inversions: u64,
    /// Submits that ended in an error: before the fault, during it, after the heal.
    pub submit_errors: [u64; 3],
    /// Leases that were moved.
    pub moved_leases: u64,
    /// The recovery time, piece by piece.
    pub breakdown: Breakdown,
}

/// What a healthy system promises for the p99 from submitted to leased. Multiples of less would measure the machine's noise.
const PROMISED_P99_MS: f64 = 50.0;

impl Measures {
    /// p99 of the survivors during the fault, as a multiple of its steady value or of 50 ms, whichever is more.
    #[must_use]
    pub fn survivors_ratio(&self) -> Figure {
        match self.survivors_p99_ms {
            [Some(steady), Some(during), _] => Figure::Measured(during / steady.max(PROMISED_P99_MS)),
            [Some(_), None, _] => Figure::NotMeasured("not measured: nothing was leased during the fault".to_owned()),
            [None, ..] => Figure::NotMeasured("not measured: no steady value".to_owned()),
        }
    }
}

/// One objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its name, as in the file: `rto_s`.
    pub objective: String,
    /// At most this.
    pub at_most: f64,
    /// What was had.
    pub had: Figure,
    /// Whether it was kept; none where this world cannot show it.
    pub kept: Option<bool>,
}

/// How a drill ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything held.
    Pass,
    /// Something did not.
    Deviated,
    /// The run proves nothing: the hypothesis did not hold before, or too little was hit. Counts as deviated.
    Inconclusive,
    /// It was broken off, and undone.
    Aborted,
    /// The tool itself broke.
    Broken,
}

impl Verdict {
    /// The exit code, as for every program of Meridian.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Deviated | Self::Inconclusive => 1,
            Self::Aborted => 4,
            Self::Broken => 5,
        }
    }
}
