//! What a run on real processes is worth: its measures, its verdict, its journal.

use std::path::Path;

use super::sample::Sample;
use crate::checker::Summary;
use crate::drill::{Drill, TierName};
use crate::facts::Facts;
use crate::journal::{Activity, DrillTold, Figure, Journal, Marks, Verdict, Victim, WorldTold};
use crate::load::now_us;
use crate::measure::{Control, Inputs, Instants, Judgement, Looked, Measured, judge, measure};
use crate::registry::Registry;
use crate::run::{Carried, Ended, Event};

/// How a drill goes on, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress<'a> {
    /// A part of the way that is not the method.
    Phase(&'a str),
    /// What the runner tells.
    Run(Event<'a>),
}

/// What a drill needs beside its file.
pub struct Options<'a> {
    /// Name of the run.
    pub run: &'a str,
    /// Folder of the run: history, journal, report, logs.
    pub folder: &'a Path,
    /// Where running drills are noted.
    pub registry: &'a Registry,
    /// The program `chaos` itself, for the guard.
    pub program: &'a Path,
    /// Hears how it goes on.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// Everything that was read of a run.
pub(crate) struct Run {
    pub(crate) load_us: i64,
    pub(crate) steady_us: i64,
    pub(crate) end_us: i64,
    pub(crate) world: WorldTold,
    pub(crate) victim: Option<Victim>,
    pub(crate) carried: Carried,
    pub(crate) facts: Facts,
    pub(crate) samples: Vec<Sample>,
    /// What became of the regions, in the order of time.
    pub(crate) control: Vec<Control>,
    pub(crate) moved_leases: u64,
    pub(crate) check: Summary,
}

impl Run {
    /// Measures and judges it.
    pub(crate) fn journal(self, drill: &Drill, options: &Options<'_>) -> Journal {
        let measured = self.measure(drill);
        let Self { load_us, world, victim, carried, check, .. } = self;
        let judgement = Judgement {
            objectives: &drill.objectives,
            measures: &measured.measures,
            check: &check,
            victim: victim.as_ref(),
            activities: &carried.activities,
            steady_after: &carried.steady_after,
            residue: if drill.after.residue_must_be_empty { &carried.residue } else { &[] },
        };
        let (judged, verdict, reasons) = judge(&judgement);
        let (verdict, reasons) = match &carried.ended {
            Ended::Completed => (verdict, reasons),
            Ended::Aborted(reason) => (Verdict::Aborted, vec![reason.clone()]),
            Ended::Inconclusive(reason) => (Verdict::Inconclusive, vec![reason.clone()]),
        };
        Journal {
            version: Journal::VERSION,
            chaos_version: env!("CARGO_PKG_VERSION").to_owned(),
            run: options.run.to_owned(),
            drill: DrillTold {
                name: drill.name.clone(),
                title: drill.title.clone(),
                description: drill.description.clone(),
                digest: drill.digest.clone(),
                configuration: drill.configuration.clone(),
            },
            tier: TierName::Local,
            seed: drill.load.seed,
            world,
            started_at_us: load_us,
            ended_at_us: now_us(),
            victim,
            steady_before: carried.steady_before,
            steady_after: carried.steady_after,
            activities: carried.activities,
            marks: measured.marks,
            measures: measured.measures,
            objectives: drill.objectives.clone(),
            judged,
            check,
            residue: carried.residue,
            verdict,
            reasons,
            timeline: measured.timeline,
        }
    }

    fn measure(&self, drill: &Drill) -> Measured {
        let looked = self.carried.observed.iter();
        let looked: Vec<Looked> =
            looked.map(|look| Looked { at_us: look.at_us, probe: look.probe.clone(), figure: look.figure }).collect();
        let mut measured = measure(&Inputs {
            drill,
            facts: &self.facts,
            samples: &self.samples,
            looked: &looked,
            activities: &self.carried.activities,
            control: &self.control,
            instants: self.instants(drill),
            victim: self.victim.as_ref().map(|victim| victim.region.as_str()),
            check: &self.check,
            moved_leases: self.moved_leases,
        });
        if self.carried.fault_at_us.is_none() {
            let none = || Figure::NotMeasured("not measured: no fault was injected".to_owned());
            measured.measures.rto_s = none();
            measured.measures.detection_s = none();
            measured.measures.rpo_s = none();
            measured.marks = Marks::default();
        }
        measured
    }

    /// The fault ends with the first undo after which nothing more is done to the world.
    fn instants(&self, drill: &Drill) -> Instants {
        let Self { load_us, steady_us, end_us, carried, .. } = self;
        let is_fault = |activity: &&Activity| drill.undoable().any(|step| step.name == activity.name);
        let faults: Vec<&Activity> = carried.activities.iter().filter(is_fault).collect();
        let last_act = faults.iter().map(|activity| activity.started_at_us).max().unwrap_or(*end_us);
        let hits = self.facts.hits().iter().filter_map(|hit| hit.to_us);
        let undone = faults.iter().filter_map(|activity| activity.undone_at_us);
        let heal_us = hits.chain(undone).filter(|at| *at >= last_act).min().unwrap_or(*end_us);
        let fault_us = carried.fault_at_us.unwrap_or(*end_us);
        Instants { load_us: *load_us, steady_us: *steady_us, fault_us, heal_us, end_us: *end_us }
    }
}
