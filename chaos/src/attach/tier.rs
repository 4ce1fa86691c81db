//! A world that is up as the runner of drills drives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use scheduler_client::local::Process;
use scheduler_client::wire::{RegionVerb, RegionView};
use serde_json::{Value, json};
use topology::RegionName;

use super::around::Around;
use super::crew::{self, Crew};
use super::found::Found;
use crate::drill::{Blast, Drill, Fault, RegionSelector, Step, StepKind, TierName};
use crate::journal::Victim;
use crate::local::choice::Choice;
use crate::local::hits;
use crate::local::load::SharedFacts;
use crate::local::tier::{a_word_on, refuses, undo_told};
use crate::local::{LocalGauges, act};
use crate::run::{Refusal, refusals_of};
use crate::tier::{Target, Tier};
use crate::undo::{Undo, carry_out};

/// A world that is up with what is being done to it.
pub(super) struct Attached<'a> {
    found: &'a Found,
    crew: Option<Crew>,
    around: Around,
    /// Missions a second, as the file has them.
    rate: f64,
    choice: Choice,
    /// The steps that were begun, by name.
    begun: BTreeMap<String, Plan>,
}

/// How a step is carried out and undone.
#[derive(Debug, Default, Clone)]
struct Plan {
    /// The processes that get a signal: those of the undo, and no others.
    processes: Vec<Process>,
    /// What undoes it, as it is written down.
    undo: Vec<Undo>,
}

/// Everything of a drill that cannot be done to a world, and why it should not be touched now.
#[must_use]
pub fn refusals(drill: &Drill, found: &Found) -> Vec<Refusal> {
    let mut all = refusals_of(drill, TierName::Local, |step| refused(found, step));
    let whole = |reason| Refusal { step: None, tier: TierName::Local, reason };
    let regions = found.regions.len();
    let (blast, radius) = (Blast::of(&drill.method, regions), &drill.blast_radius);
    let left = regions.saturating_sub(blast.regions_named);
    if blast.regions_at_a_time > radius.regions_max || left < radius.min_healthy_regions {
        all.push(whole(format!(
            "of its {regions} regions {} would be hit at a time ({} may be) and {left} never ({} must be)",
            blast.regions_at_a_time, radius.regions_max, radius.min_healthy_regions
        )));
    }
    if let Some(folder) = &found.folder {
        all.extend(Crew::new(folder).ailing().into_iter().map(whole));
    }
    all
}

fn refused(found: &Found, step: &Step) -> Option<String> {
    let StepKind::Fault(fault) = &step.kind else { return refuses(step) };
    if let Some(why) = found.possible.refuses(fault) {
        return Some(why.to_owned());
    }
    let unknown = hits::regions(fault).into_iter().find_map(|selector| match selector {
        RegionSelector::Named(region) => (!found.regions.iter().any(|one| one.name == *region)).then_some(region),
        RegionSelector::MostLeases | RegionSelector::SecondMostLeases => None,
    });
    unknown.map(|region| format!("the world has no region {region}"))
}

/// What a step would hit, with its region in words of the file.
#[must_use]
pub fn preview(found: &Found, step: &Step) -> Vec<Target> {
    let StepKind::Fault(fault) = &step.kind else { return Vec::new() };
    let names = found.regions.iter().map(|region| region.name.clone()).collect();
    let target = Choice::new(names, SharedFacts::default()).target(fault, undo_in_words(fault));
    let region = target.region.or_else(|| hits::regions(fault).first().map(ToString::to_string));
    vec![Target { region, ..target }]
}

fn undo_in_words(fault: &Fault) -> String {
    match fault {
        Fault::Kill { .. } => "the world starts again what fell (scheduler dev revive)".to_owned(),
        Fault::Partition { .. }
        | Fault::Toxic { .. }
        | Fault::GatewayDown { .. }
        | Fault::CrashLoop { .. }
        | Fault::Pause { .. }
        | Fault::RestartDatabase { .. }
        | Fault::Statements { .. }
        | Fault::Verb { .. }
        | Fault::Edge { .. }
        | Fault::Load { .. }
        | Fault::SilenceInjector => undo_told(fault).to_owned(),
    }
}

impl<'a> Attached<'a> {
    pub(super) fn new(found: &'a Found, drill: &Drill, around: Around) -> Self {
        let names = found.regions.iter().map(|region| region.name.clone()).collect();
        Self {
            found,
            crew: found.folder.as_deref().map(Crew::new),
            choice: Choice::new(names, Arc::clone(&around.facts)),
            around,
            rate: drill.load.per_second,
            begun: BTreeMap::new(),
        }
    }

    /// The region that was taken away first, where one was.
    pub(super) const fn victim(&self) -> Option<&Victim> {
        self.choice.victim()
    }

    pub(super) fn into_around(self) -> Around {
        self.around
    }

    fn crew(&self) -> anyhow::Result<&Crew> {
        self.crew.as_ref().context("the world's processes are not known")
    }

    /// Refuses to touch a region that has an operator's word already: taking ours back would take back theirs.
    async fn uncordon(&self, region: &RegionName) -> anyhow::Result<Undo> {
        let list = self.found.client.regions().await?;
        let view = list.regions.iter().find(|one| one.name == *region).context("the world has no such region")?;
        anyhow::ensure!(view.verb == RegionVerb::None, "{region} has an operator's word already");
        let schedulers = self.found.schedulers.values().cloned().collect();
        Ok(Undo::Uncordon { schedulers, region: region.to_string() })
    }

    async fn plan(&self, fault: &Fault) -> anyhow::Result<Plan> {
        match fault {
            Fault::Kill { process, region } => {
                let processes = self.crew()?.of(&self.choice.resolve(region)?, *process)?;
                Ok(Plan { processes, undo: vec![self.crew()?.revive()?] })
            }
            Fault::Pause { process, region } => {
                let processes = self.crew()?.of(&self.choice.resolve(region)?, *process)?;
                let go_on = processes.iter().cloned().map(|Process { pid, began }| Undo::Continue { pid, began });
                Ok(Plan { undo: go_on.collect(), processes })
            }
            Fault::Verb { region, .. } => {
                let undo = vec![self.uncordon(&self.choice.resolve(region)?).await?];
                Ok(Plan { undo, ..Plan::default() })
            }
            Fault::Load { .. } => Ok(Plan::default()),
            Fault::Partition { .. }
            | Fault::Toxic { .. }
            | Fault::GatewayDown { .. }
            | Fault::CrashLoop { .. }
            | Fault::RestartDatabase { .. }
            | Fault::Statements { .. }
            | Fault::Edge { .. }
            | Fault::SilenceInjector => anyhow::bail!("it cannot be done to a world that is up"),
        }
    }

    async fn carry_out(&self, fault: &Fault, plan: &Plan) -> anyhow::Result<Value> {
        match fault {
            Fault::Kill { .. } => crew::signal(&plan.processes, Signal::SIGKILL),
            Fault::Pause { .. } => crew::signal(&plan.processes, Signal::SIGSTOP),
            Fault::Verb { region, verb } => {
                return act::say(&self.found.client, &self.choice.resolve(region)?, *verb).await;
            }
            Fault::Load { per_second } => self.around.load.set_rate(*per_second),
            Fault::Partition { .. }
            | Fault::Toxic { .. }
            | Fault::GatewayDown { .. }
            | Fault::CrashLoop { .. }
            | Fault::RestartDatabase { .. }
            | Fault::Statements { .. }
            | Fault::Edge { .. }
            | Fault::SilenceInjector => anyhow::bail!("it cannot be done to a world that is up"),
        }
        Ok(json!({ "processes": plan.processes.iter().map(|process| process.pid).collect::<Vec<_>>() }))
    }
}

impl Tier for Attached<'_> {
    type Gauges = LocalGauges;

    fn name(&self) -> TierName {
        TierName::Local
    }

    fn refuses(&self, step: &Step) -> Option<String> {
        refused(self.found, step)
    }

    fn targets(&self, step: &Step) -> Vec<Target> {
        let StepKind::Fault(fault) = &step.kind else { return Vec::new() };
        vec![self.choice.target(fault, undo_in_words(fault))]
    }

    async fn undo_of(&mut self, step: &Step) -> anyhow::Result<Vec<Undo>> {
        self.choice.rank(&self.around.sampler)?;
        let StepKind::Fault(fault) = &step.kind else { return Ok(Vec::new()) };
        let plan = self.plan(fault).await?;
        self.begun.insert(step.name.clone(), plan.clone());
        Ok(plan.undo)
    }

    async fn act(&mut self, step: &Step) -> anyhow::Result<Value> {
        let StepKind::Fault(fault) = &step.kind else { anyhow::bail!("this tier carries out faults only") };
        let plan = self.begun.get(&step.name).context("its undo was not told")?;
        let done = self.carry_out(fault, plan).await;
        // Also where it was carried out in part: the regions are hit then.
        self.choice.note_hit(fault)?;
        done
    }

    /// Does what is written down: what the guard would do.
    async fn undo(&mut self, step: &Step) -> anyhow::Result<()> {
        let StepKind::Fault(fault) = &step.kind else { return Ok(()) };
        // From its begin: what a heal takes is the heal's, not the fault's.
        self.choice.note_heal(fault)?;
        if let Fault::Load { .. } = fault {
            self.around.load.set_rate(self.rate);
        }
        for undo in self.begun.get(&step.name).iter().flat_map(|plan| &plan.undo) {
            carry_out(undo, self.found.token.as_deref()).await?;
        }
        Ok(())
    }

    fn gauges(&self) -> LocalGauges {
        LocalGauges::new(Arc::clone(&self.around.facts))
    }

    /// What is not as it was: words of operators, and processes, all of which ran.
    async fn residue(&mut self) -> Vec<String> {
        let mut left: Vec<String> = self.crew.iter().flat_map(Crew::ailing).collect();
        let before = |now: &&RegionView| self.found.regions.iter().find(|one| one.name == now.name);
        match self.found.client.regions().await {
            Ok(list) => {
                let changed = |now: &&RegionView| before(now).is_some_and(|then| then.verb != now.verb);
                left.extend(list.regions.iter().filter(changed).map(a_word_on));
            }
            Err(error) => left.push(format!("perhaps an operator's word: {error}")),
        }
        left
    }
}
