//! A drill on a world of its own, from the first process to the report.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::database::Database;
use super::site::{Remains, Site};
use super::tier::Local;
use super::told::{self, Seen};
use crate::checker::{self, Summary};
use crate::drill::{Drill, TierName};
use crate::journal::{Activity, DrillTold, Figure, Journal, Verdict, Victim};
use crate::load::now_us;
use crate::measure::{Inputs, Instants, Judgement, Looked, Measured, judge, measure};
use crate::registry::{Note, Registry};
use crate::report;
use crate::run::{self, Carried, Ended, Event, Limits, Setup};
use crate::session::Session;
use crate::undo::{Undo, UndoLine};
use crate::world::{HISTORY, free_ports};

/// The undo of the world itself, which no step of the file has.
const WORLD: &str = "the world's database";

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

/// Carries a drill out on a world of its own. `signal` ends when somebody wants it broken off. The run's folder has the
/// report then, and the world is gone.
///
/// # Errors
/// Where another drill is in the way or the world does not come up: nothing was measured, and what was started has ended.
pub async fn drill(
    drill: &Drill,
    options: &Options<'_>,
    signal: impl Future<Output = String>,
) -> anyhow::Result<Journal> {
    let world = format!("a world of its own, {}", options.run);
    let note = Note::here(options.run, &drill.name, &world, options.folder, now_us());
    let mut session = Session::begin(options.registry, &note, options.program, None).await?;
    let port = free_ports(1)?[0];
    session.log().append(&UndoLine::Planned { step: WORLD.to_owned(), undo: vec![Undo::Database { port }] })?;
    let outcome = on_a_world(drill, options, &mut session, port, signal).await;
    // However it ended: the server is no child that ends with us.
    let removed = super::database::remove(port).await;
    let left = match removed {
        Ok(()) => session.log().append(&UndoLine::Over).err().map(|error| format!("{error}")),
        Err(error) => Some(format!("{error:#}")),
    };
    let mut run = match outcome {
        Ok(run) => run,
        Err(error) => {
            session.close(left.is_none()).await?;
            return Err(error);
        }
    };
    run.carried.residue.extend(left);
    session.end(&mut run.carried).await;
    let journal = run.journal(drill, options);
    report::write(&journal, options.folder)?;
    Ok(journal)
}

/// A run with everything that was read and measured.
struct Run {
    load_us: i64,
    topology: String,
    victim: Option<Victim>,
    carried: Carried,
    seen: Seen,
    check: Summary,
    measured: Measured,
}

/// World up, method, world down, records, measures. The database is still there afterwards.
async fn on_a_world(
    drill: &Drill,
    options: &Options<'_>,
    session: &mut Session,
    port: u16,
    signal: impl Future<Output = String>,
) -> anyhow::Result<Run> {
    let phase = |text: &str| (options.progress)(Progress::Phase(text));
    phase("starting a world of its own");
    let database = Arc::new(Database::start(port).await?);
    let site = Site::start(drill, options.run, options.folder, Arc::clone(&database)).await?;
    let load_us = now_us();
    let topology = site.topology().to_owned();
    phase("loading it");
    tokio::time::sleep(Duration::from_secs_f64(drill.load.warm_s)).await;
    let steady_us = now_us();
    tokio::time::sleep(Duration::from_secs_f64(drill.load.steady_s)).await;
    let mut tier = Local::new(site, drill);
    let setup = Setup {
        log: session.log(),
        ends_log: false,
        limits: Limits::default(),
        regions: Some(drill.world.regions),
        clock: &now_us,
        stopped: &|| options.registry.stops(options.run),
        progress: &|event| (options.progress)(Progress::Run(event)),
    };
    let carried = run::run(drill, &mut tier, setup, signal).await?;
    let end_us = now_us();
    let victim = tier.victim().cloned();
    phase("waiting until everything that was submitted has ended");
    let remains = tier.into_site().end().await?;
    phase("judging");
    let history = options.folder.join(HISTORY);
    let seen = told::read(&database, &history, drill).await?;
    let check = checker::check(&history).context("the history cannot be judged")?;
    let instants = instants(drill, &carried, &remains, load_us, steady_us, end_us);
    let measured = figures(drill, &remains, &carried, &seen, &check, instants, victim.as_ref());
    Ok(Run { load_us, topology, victim, carried, seen, check, measured })
}

fn figures(
    drill: &Drill,
    remains: &Remains,
    carried: &Carried,
    seen: &Seen,
    check: &Summary,
    instants: Instants,
    victim: Option<&Victim>,
) -> Measured {
    let looked = carried.observed.iter();
    let looked: Vec<Looked> =
        looked.map(|look| Looked { at_us: look.at_us, probe: look.probe.clone(), figure: look.figure }).collect();
    let mut measured = measure(&Inputs {
        drill,
        facts: &remains.facts,
        samples: &remains.samples,
        looked: &looked,
        activities: &carried.activities,
        control: &seen.control,
        instants,
        victim: victim.map(|victim| victim.region.as_str()),
        check,
        moved_leases: seen.moved_leases,
    });
    if carried.fault_at_us.is_none() {
        let none = || Figure::NotMeasured("not measured: no fault was injected".to_owned());
        measured.measures.rto_s = none();
        measured.measures.detection_s = none();
        measured.measures.rpo_s = none();
        measured.marks = crate::journal::Marks::default();
    }
    measured
}

/// The fault ends with the first undo after which nothing more is done to the world.
fn instants(
    drill: &Drill,
    carried: &Carried,
    remains: &Remains,
    load_us: i64,
    steady_us: i64,
    end_us: i64,
) -> Instants {
    let faults: Vec<&Activity> = carried.activities.iter().filter(|activity| is_fault(drill, activity)).collect();
    let last_act = faults.iter().map(|activity| activity.started_at_us).max().unwrap_or(end_us);
    let hits = remains.facts.hits().iter().filter_map(|hit| hit.to_us);
    let undone = faults.iter().filter_map(|activity| activity.undone_at_us);
    let heal_us = hits.chain(undone).filter(|at| *at >= last_act).min().unwrap_or(end_us);
    Instants { load_us, steady_us, fault_us: carried.fault_at_us.unwrap_or(end_us), heal_us, end_us }
}

fn is_fault(drill: &Drill, activity: &Activity) -> bool {
    drill.undoable().any(|step| step.name == activity.name)
}

impl Run {
    fn journal(self, drill: &Drill, options: &Options<'_>) -> Journal {
        let Self { load_us, topology, victim, carried, seen, check, measured } = self;
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
            world: told::world(&topology, seen, drill),
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
}
