//! What a run on real processes is worth: its measures, its verdict, its journal.

use std::collections::BTreeMap;
use std::path::Path;

use super::sample::Sample;
use crate::checker::{AnomalyKind, Summary};
use crate::drill::{Drill, Objectives, TierName};
use crate::facts::Facts;
use crate::journal::{Activity, DrillTold, Figure, Journal, Marks, Verdict, Victim, WorldTold};
use crate::load::now_us;
use crate::measure::{Control, DatabaseFate, Inputs, Instants, Judgement, Looked, Measured, judge, measure};
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

/// What became of a drill's missions, and what was seen of their world.
#[derive(Debug)]
pub(crate) struct Missions {
    pub(crate) facts: Facts,
    pub(crate) samples: Vec<Sample>,
    /// What became of the regions, in the order of time.
    pub(crate) control: Vec<Control>,
    pub(crate) moved_leases: u64,
    pub(crate) check: Summary,
    /// Why nobody knows what became of the missions; none where that is known.
    pub(crate) unknown: Option<String>,
}

impl Missions {
    /// Where none were submitted.
    pub(crate) fn none() -> Self {
        Self {
            facts: Facts::default(),
            samples: Vec::new(),
            control: Vec::new(),
            moved_leases: 0,
            check: Summary { unjudged: AnomalyKind::ALL.into(), ..Summary::default() },
            unknown: None,
        }
    }
}

/// Everything that was read of a run.
pub(crate) struct Run {
    pub(crate) tier: TierName,
    pub(crate) load_us: i64,
    pub(crate) steady_us: i64,
    pub(crate) end_us: i64,
    pub(crate) world: WorldTold,
    pub(crate) victim: Option<Victim>,
    pub(crate) carried: Carried,
    pub(crate) missions: Missions,
    /// What became of the database.
    pub(crate) database: DatabaseFate,
    /// The database region of each region, where its rows were looked at.
    pub(crate) homes: BTreeMap<String, String>,
}

impl Run {
    /// Measures and judges it.
    pub(crate) fn journal(self, drill: &Drill, run: &str) -> Journal {
        let measured = self.measure(drill);
        let Self { tier, load_us, world, victim, carried, missions, .. } = self;
        let Missions { facts, check, unknown, .. } = missions;
        let objectives =
            if facts.lives().is_empty() { without_load(&drill.objectives) } else { drill.objectives.clone() };
        let judgement = Judgement {
            objectives: &objectives,
            measures: &measured.measures,
            check: &check,
            victim: victim.as_ref(),
            activities: &carried.activities,
            steady_after: &carried.steady_after,
            residue: if drill.after.residue_must_be_empty { &carried.residue } else { &[] },
        };
        let (judged, verdict, reasons) = judge(&judgement);
        let (verdict, mut reasons) = match &carried.ended {
            Ended::Completed if unknown.is_some() => (Verdict::Deviated, reasons),
            Ended::Completed => (verdict, reasons),
            Ended::Aborted(reason) => (Verdict::Aborted, vec![reason.clone()]),
            Ended::Inconclusive(reason) => (Verdict::Inconclusive, vec![reason.clone()]),
        };
        reasons.extend(unknown.map(|why| format!("nobody knows what became of the drill's missions: {why}")));
        Journal {
            version: Journal::VERSION,
            chaos_version: env!("CARGO_PKG_VERSION").to_owned(),
            run: run.to_owned(),
            drill: DrillTold {
                name: drill.name.clone(),
                title: drill.title.clone(),
                description: drill.description.clone(),
                digest: drill.digest.clone(),
                configuration: drill.configuration.clone(),
            },
            tier,
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
        let victim = self.victim.as_ref().map(|victim| victim.region.as_str());
        let looked = self.carried.observed.iter();
        let looked: Vec<Looked> =
            looked.map(|look| Looked { at_us: look.at_us, probe: look.probe.clone(), figure: look.figure }).collect();
        let mut measured = measure(&Inputs {
            drill,
            facts: &self.missions.facts,
            samples: &self.missions.samples,
            looked: &looked,
            activities: &self.carried.activities,
            control: &self.missions.control,
            instants: self.instants(drill),
            victim,
            check: &self.missions.check,
            moved_leases: self.missions.moved_leases,
            database: self.database,
            home: victim.and_then(|victim| self.homes.get(victim)).map(String::as_str),
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
        let Self { load_us, steady_us, end_us, carried, missions, .. } = self;
        let is_fault = |activity: &&Activity| drill.undoable().any(|step| step.name == activity.name);
        let faults: Vec<&Activity> = carried.activities.iter().filter(is_fault).collect();
        let last_act = faults.iter().map(|activity| activity.started_at_us).max().unwrap_or(*end_us);
        let hits = missions.facts.hits().iter().filter_map(|hit| hit.to_us);
        let undone = faults.iter().filter_map(|activity| activity.undone_at_us);
        let heal_us = hits.chain(undone).filter(|at| *at >= last_act).min().unwrap_or(*end_us);
        let fault_us = carried.fault_at_us.unwrap_or(*end_us);
        Instants { load_us: *load_us, steady_us: *steady_us, fault_us, heal_us, end_us: *end_us }
    }
}

/// What is asked of missions nobody can tell where there are none.
fn without_load(file: &Objectives) -> Objectives {
    Objectives { survivors_p99_ratio: None, failback_errors: None, priority_inversions: None, ..file.clone() }
}
