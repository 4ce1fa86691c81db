//! A tier that only notes what it is told, and a drill for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use super::super::*;
use crate::drill::{
    After, BlastRadius, Fault, Hypothesis, Load, Objectives, Probe, ProcessKind, Query, RegionSelector, Step, StepKind,
    TierName, Tolerance, WorldSpec,
};
use crate::tier::{Gauges, Target};
use crate::undo::{Undo, log, pending};

/// What the fake world is like.
pub(super) struct State {
    pub(super) told: Vec<String>,
    pub(super) fails: Vec<String>,
    pub(super) hangs: Vec<String>,
    /// How often the undo of a step fails.
    pub(super) undo_failures: BTreeMap<String, u32>,
    pub(super) residue: Vec<String>,
    /// What every probe reads; none: it never answers.
    pub(super) figure: Option<f64>,
    seen_pending: Vec<Vec<String>>,
    good_from_us: i64,
}

#[derive(Clone)]
pub(super) struct World(Arc<Mutex<State>>);

impl World {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

struct Fake {
    world: World,
    folder: std::path::PathBuf,
    began: Instant,
}

impl Tier for Fake {
    type Gauges = Self;

    fn name(&self) -> TierName {
        TierName::Local
    }

    fn refuses(&self, step: &Step) -> Option<String> {
        step.name.starts_with("no ").then(|| "it cannot".to_owned())
    }

    fn targets(&self, step: &Step) -> Vec<Target> {
        let region = step.name.split_once('@').map_or("us-west", |(_, region)| region);
        let what = format!("the fake of {region}");
        vec![Target { what, region: Some(region.to_owned()), how: "note".to_owned(), undo: "note".to_owned() }]
    }

    async fn undo_of(&mut self, step: &Step) -> anyhow::Result<Vec<Undo>> {
        Ok(vec![Undo::Toxics { control: "http://127.0.0.1:1".to_owned(), owner: step.name.clone() }])
    }

    async fn act(&mut self, step: &Step) -> anyhow::Result<Value> {
        let lines = log::lines(&self.folder.join(log::FILE)).unwrap();
        let hangs = {
            let mut state = self.world.lock();
            state.told.push(format!("act {}", step.name));
            state.seen_pending.push(pending(&lines).into_iter().map(|(step, _)| step).collect());
            anyhow::ensure!(!state.fails.contains(&step.name), "{} does not work", step.name);
            match step.name.as_str() {
                "break" => state.figure = Some(0.0),
                "blind" => state.figure = None,
                _ => {}
            }
            state.hangs.contains(&step.name)
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        Ok(Value::Null)
    }

    async fn undo(&mut self, step: &Step) -> anyhow::Result<()> {
        let mut state = self.world.lock();
        if let Some(failures) = state.undo_failures.get_mut(&step.name).filter(|failures| **failures > 0) {
            *failures -= 1;
            anyhow::bail!("{} stays", step.name);
        }
        if ["break", "blind"].contains(&step.name.as_str()) {
            state.figure = Some(1.0);
        }
        state.told.push(format!("undo {}", step.name));
        Ok(())
    }

    fn gauges(&self) -> Self {
        Self { world: self.world.clone(), folder: self.folder.clone(), began: self.began }
    }

    async fn residue(&mut self) -> Vec<String> {
        let mut state = self.world.lock();
        state.told.push("residue".to_owned());
        state.residue.clone()
    }
}

impl Gauges for Fake {
    async fn figure(&self, _: &Probe) -> Option<f64> {
        let (figure, good_from_us) = {
            let state = self.world.lock();
            (state.figure, state.good_from_us)
        };
        if figure.is_none() {
            std::future::pending::<()>().await;
        }
        if us_since(self.began) < good_from_us { Some(0.0) } else { figure }
    }
}

/// A drill on the fake tier, with its log.
pub(super) struct Bed {
    pub(super) drill: Drill,
    pub(super) world: World,
    dir: TempDir,
    began: Instant,
    stop_at_us: i64,
}

impl Bed {
    pub(super) fn new(method: impl IntoIterator<Item = Step>) -> Self {
        let state = State {
            told: Vec::new(),
            fails: Vec::new(),
            hangs: Vec::new(),
            undo_failures: BTreeMap::new(),
            residue: Vec::new(),
            figure: Some(1.0),
            seen_pending: Vec::new(),
            good_from_us: 0,
        };
        Self {
            drill: drill(method.into_iter().collect()),
            world: World(Arc::new(Mutex::new(state))),
            dir: tempfile::tempdir().unwrap(),
            began: Instant::now(),
            stop_at_us: i64::MAX,
        }
    }

    /// The stop file is there from then on.
    pub(super) fn stop_at(&mut self, us: i64) {
        self.stop_at_us = us;
    }

    /// The probes are bad until then.
    pub(super) fn good_from(&mut self, us: i64) {
        self.world.lock().good_from_us = us;
    }

    pub(super) async fn run(&mut self) -> Result<Carried, Error> {
        self.run_with(std::future::pending()).await
    }

    pub(super) async fn run_with(&mut self, signal: impl Future<Output = String>) -> Result<Carried, Error> {
        let (began, stop_at_us) = (self.began, self.stop_at_us);
        let clock = move || us_since(began);
        let mut log = undo::Log::create(self.dir.path()).unwrap();
        let mut fake = Fake { world: self.world.clone(), folder: self.dir.path().to_owned(), began };
        let setup = Setup {
            ends_log: true,
            log: &mut log,
            limits: Limits::default(),
            regions: Some(3),
            clock: &clock,
            stopped: &|| us_since(began) >= stop_at_us,
            progress: &|_| {},
        };
        super::super::run(&self.drill, &mut fake, setup, signal).await
    }

    /// What the tier was told, in that order.
    pub(super) fn told(&self) -> Vec<String> {
        self.world.lock().told.clone()
    }

    /// What was pending in the log while each step was carried out.
    pub(super) fn seen_pending(&self) -> Vec<Vec<String>> {
        self.world.lock().seen_pending.clone()
    }

    pub(super) fn lines(&self) -> Vec<undo::UndoLine> {
        log::lines(&self.dir.path().join(log::FILE)).unwrap()
    }
}

fn us_since(began: Instant) -> i64 {
    i64::try_from(began.elapsed().as_micros()).unwrap()
}

/// Comes so many seconds from now.
pub(super) async fn after(seconds: u64, signal: &str) -> String {
    tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
    signal.to_owned()
}

fn step(name: &str, kind: StepKind) -> Step {
    Step { name: name.to_owned(), kind, pause_before: Duration::ZERO, pause_after: Duration::ZERO }
}

pub(super) fn fault(name: &str) -> Step {
    let fault = Fault::Kill { process: ProcessKind::Region, region: RegionSelector::MostLeases };
    step(name, StepKind::Fault(fault))
}

pub(super) fn undo_step(of: &str) -> Step {
    step(&format!("undo {of}"), StepKind::Undo(of.to_owned()))
}

pub(super) fn probe_step(name: &str) -> Step {
    step(name, StepKind::Probe(ratio()))
}

/// The same step with a wait of so many seconds after it.
pub(super) fn pause(step: Step, seconds: u64) -> Step {
    Step { pause_after: Duration::from_secs(seconds), ..step }
}

fn ratio() -> Probe {
    Probe {
        name: "ratio".to_owned(),
        query: Query::SubmitSuccessRatio,
        tolerance: Tolerance { min: Some(0.9), max: None },
        window: Duration::from_secs(5),
    }
}

fn drill(method: Vec<Step>) -> Drill {
    Drill {
        name: "fake".to_owned(),
        digest: String::new(),
        title: "A fake".to_owned(),
        description: String::new(),
        tags: Vec::new(),
        configuration: BTreeMap::new(),
        tiers: [TierName::Local].into(),
        world: WorldSpec {
            regions: 3,
            specializations: 1,
            slots: 1,
            slots_of: BTreeMap::new(),
            run_ms: (1, 1),
            planted_bug: None,
        },
        load: Load {
            per_second: 0.0,
            warm_s: 0.0,
            steady_s: 0.0,
            residency_share: 0.0,
            priorities: Vec::new(),
            seed: 1,
        },
        objectives: Objectives::default(),
        blast_radius: BlastRadius { regions_max: 1, min_healthy_regions: 2, tiers: [TierName::Local].into() },
        hypothesis: Hypothesis { title: "steady".to_owned(), probes: vec![ratio()] },
        abort: Vec::new(),
        method,
        rollbacks: Vec::new(),
        context: None,
        after: After { recheck_hypothesis: true, soak: Duration::ZERO, residue_must_be_empty: true },
    }
}
