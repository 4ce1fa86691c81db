//! A drill: a declared fault on a world, with a hypothesis, a measurement and a report.
//!
//! These are the validated types; `drill::file` reads them from YAML and refuses what is wrong, with its place. The words
//! are Chaos Toolkit's where it has them (title, configuration, steady-state-hypothesis, tolerance, method, rollbacks,
//! pauses); what it lacks (objectives, blast radius, abort, paired undo, what comes after) is ours.

mod blast;
pub mod catalogue;
mod fault;
pub mod file;
mod objectives;
mod preview;
mod probe;
mod reach;
pub mod schema;
mod words;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use blast::Blast;
pub use fault::{
    CommandSpec, Direction, EdgeHealth, Endpoint, Fault, LinkSelector, OperatorVerb, ProcessKind, RegionSelector,
    StatementAnswer, ToxicSpec,
};
pub use objectives::{BlastRadius, Objectives};
pub use preview::{Preview, PreviewStep, preview};
pub use probe::{Abort, AbortWhen, Probe, Query, Tolerance};
pub use world::{Load, PlantedBug, REGIONS, WorldSpec};

/// Where a drill runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierName {
    /// The pure core against a modelled database, seeded.
    Sim,
    /// Real processes on loopback.
    Local,
    /// A deployment, by declared commands.
    Cluster,
}

impl TierName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sim, Self::Local, Self::Cluster];

    /// The name in files and flags.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Local => "local",
            Self::Cluster => "cluster",
        }
    }
}

/// A validated drill. Variables (`$region`) are resolved; what only a running world can tell is a
/// [`RegionSelector`].
#[derive(Debug, Clone, PartialEq)]
pub struct Drill {
    /// Name in the catalogue, or the file's stem.
    pub name: String,
    /// SHA-256 of the file's text, hexadecimal.
    pub digest: String,
    /// One line for people; what `--execute` wants typed back.
    pub title: String,
    /// What it shows and why.
    pub description: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Values that the file and `--var` give, as text.
    pub configuration: BTreeMap<String, String>,
    /// Tiers that the drill is written for.
    pub tiers: BTreeSet<TierName>,
    /// The world that it starts, where it starts one.
    pub world: WorldSpec,
    /// What is submitted, and how fast.
    pub load: Load,
    /// What must be kept.
    pub objectives: Objectives,
    /// What it may hit at most.
    pub blast_radius: BlastRadius,
    /// What a healthy world looks like.
    pub hypothesis: Hypothesis,
    /// When it is broken off.
    pub abort: Vec<Abort>,
    /// What is done, in this order.
    pub method: Vec<Step>,
    /// Steps that are undone first, in this order; the others follow in reverse order of the method.
    pub rollbacks: Vec<String>,
    /// The cluster that it is for, where the tier is `cluster`: the name that the current context must have.
    pub context: Option<Context>,
    /// What comes after the last undo.
    pub after: After,
}

/// What a healthy world looks like: every probe within its tolerance.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// One line for people.
    pub title: String,
    /// The probes.
    pub probes: Vec<Probe>,
}

/// One step of the method.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Name, unique in the method.
    pub name: String,
    /// What is done.
    pub kind: StepKind,
    /// Wait before it.
    pub pause_before: Duration,
    /// Wait after it.
    pub pause_after: Duration,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Does something that has an undo.
    Fault(Fault),
    /// Runs a command that the file declares.
    Command(CommandSpec),
    /// Undoes an earlier step by its name, now rather than at the end.
    Undo(String),
    /// Looks once more; out of tolerance is a deviation.
    Probe(Probe),
}

/// The cluster that a drill is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Command that prints the current context.
    pub argv: Vec<String>,
    /// What it must print.
    pub name: String,
}

/// What comes after the last undo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct After {
    /// Whether the hypothesis is looked at again.
    pub recheck_hypothesis: bool,
    /// How long load goes on after the last undo.
    pub soak: Duration,
    /// Whether anything left behind is a deviation.
    pub residue_must_be_empty: bool,
}

impl Drill {
    /// The names of the steps that have an undo, in the order of the method.
    pub fn undoable(&self) -> impl Iterator<Item = &Step> {
        self.method.iter().filter(|step| step.has_undo())
    }

    /// The steps that have an undo in the order in which they are undone: those of `rollbacks` first, the others in
    /// reverse order. Of these only what ran is undone.
    #[must_use]
    pub fn undo_order(&self) -> Vec<&Step> {
        let listed = |step: &&Step| self.rollbacks.contains(&step.name);
        let first = self.rollbacks.iter().filter_map(|name| self.undoable().find(|step| step.name == *name));
        let mut others: Vec<&Step> = self.undoable().filter(|step| !listed(step)).collect();
        others.reverse();
        first.chain(others).collect()
    }

    /// The same drill without its promises of time, for machines that are busy with other things: times are measured and
    /// told, and decide nothing.
    #[must_use]
    pub fn untimed(mut self) -> Self {
        let Objectives { lost, duplicated, overlap, rpo_s, failback_errors, priority_inversions, .. } = self.objectives;
        self.objectives = Objectives {
            lost,
            duplicated,
            overlap,
            rpo_s,
            failback_errors,
            priority_inversions,
            ..Objectives::default()
        };
        self.hypothesis.probes.retain(|probe| probe.query != Query::SubmitToLeasedP99Ms);
        self.configuration.insert("untimed".to_owned(), "true".to_owned());
        self
    }

    /// How long load goes on if nothing takes time but the pauses.
    #[must_use]
    pub fn length(&self) -> Duration {
        let steady = Duration::from_secs_f64(self.load.warm_s + self.load.steady_s);
        let pauses: Duration = self.method.iter().map(|step| step.pause_before + step.pause_after).sum();
        steady + pauses + self.after.soak
    }
}

impl Step {
    /// Whether it does something that is to be undone.
    #[must_use]
    pub const fn has_undo(&self) -> bool {
        match self.kind {
            StepKind::Fault(_) | StepKind::Command(_) => true,
            StepKind::Undo(_) | StepKind::Probe(_) => false,
        }
    }
}
