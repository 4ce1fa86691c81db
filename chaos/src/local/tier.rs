//! The tier `local` as the runner of drills drives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use scheduler_client::local::Process;
use scheduler_client::wire::{RegionVerb, RegionView};
use serde_json::Value;

use super::act::{self, Going, hit_links};
use super::choice::Choice;
use super::hits;
use super::links;
use super::load::{SharedFacts, lock};
use super::site::Site;
use crate::drill::{Drill, Fault, Probe, ProcessKind, Query, RegionSelector, Step, StepKind, TierName};
use crate::journal::Victim;
use crate::load::now_us;
use crate::tier::{Gauges, Target, Tier};
use crate::undo::Undo;
use crate::world::stands_still;

/// A world of its own with what is being done to it.
pub struct Local {
    site: Site,
    /// Missions a second, as the file has them.
    rate: f64,
    choice: Choice,
    going: Going,
}

/// Reads figures from what is known of a drill's missions.
#[derive(Debug, Clone)]
pub struct LocalGauges(SharedFacts);

impl LocalGauges {
    pub(crate) const fn new(facts: SharedFacts) -> Self {
        Self(facts)
    }
}

impl Local {
    pub(super) fn new(site: Site, drill: &Drill) -> Self {
        let choice = Choice::new(site.regions.clone(), Arc::clone(&site.facts));
        Self { site, rate: drill.load.per_second, choice, going: Going::default() }
    }

    /// The region that was taken away first, where one was.
    pub(super) fn victim(&self) -> Option<&Victim> {
        self.choice.victim()
    }

    pub(super) fn into_site(self) -> Site {
        self.site
    }
}

/// An operator's word that was not taken back.
pub(crate) fn a_word_on(region: &RegionView) -> String {
    format!("an operator's word on {}", region.name)
}

/// Why this tier cannot do a step.
pub(crate) fn refuses(step: &Step) -> Option<String> {
    match &step.kind {
        StepKind::Fault(_) | StepKind::Undo(_) => None,
        StepKind::Command(_) => Some("declared commands are for the tier cluster".to_owned()),
        StepKind::Probe(probe) => match probe.query {
            Query::SubmitSuccessRatio
            | Query::SubmitToLeasedP99Ms
            | Query::StrandedLeases
            | Query::OverdueMissions
            | Query::ServingRegions => None,
            Query::HttpStatus { .. } | Query::ExitCode { .. } | Query::Number { .. } => {
                Some("probes by address or command are for the tier cluster".to_owned())
            }
        },
    }
}

/// What a step would hit in a world of this drill; regions in words where only the running world can tell.
#[must_use]
pub fn preview(drill: &Drill, step: &Step) -> Vec<Target> {
    let StepKind::Fault(fault) = &step.kind else { return Vec::new() };
    let regions = drill.world.region_names();
    // For the count of links any region is as good as another.
    let some = |region: &RegionSelector| {
        let stand_in = match region {
            RegionSelector::MostLeases => regions.first(),
            RegionSelector::SecondMostLeases => regions.get(1),
            RegionSelector::Named(region) => Some(region),
        };
        stand_in.cloned().context("the world has too few regions")
    };
    let how = fault.to_string();
    let undo = undo_told(fault).to_owned();
    let links = match fault {
        Fault::Partition { links } | Fault::Toxic { links, .. } => {
            let found = hit_links(&links::all(&regions), links, &some).unwrap_or_default();
            Some(found.len())
        }
        Fault::GatewayDown { region } => {
            some(region).ok().map(|region| links::to_gateway(&links::all(&regions), &region).len())
        }
        Fault::Statements { .. } => Some(links::statements(&links::all(&regions)).len()),
        Fault::Kill { .. }
        | Fault::CrashLoop { .. }
        | Fault::Pause { .. }
        | Fault::RestartDatabase { .. }
        | Fault::Verb { .. }
        | Fault::Edge { .. }
        | Fault::Load { .. }
        | Fault::SilenceInjector => None,
    };
    let region = hits::regions(fault).first().map(ToString::to_string);
    let what = match links {
        Some(count) => format!("{count} links"),
        None => what_told(fault).to_owned(),
    };
    vec![Target { what, region, how, undo }]
}

pub(super) const fn what_told(fault: &Fault) -> &'static str {
    match fault {
        Fault::Partition { .. } | Fault::Toxic { .. } | Fault::GatewayDown { .. } | Fault::Statements { .. } => "links",
        Fault::Kill { process, .. } | Fault::Pause { process, .. } => match process {
            ProcessKind::Scheduler => "1 scheduler",
            ProcessKind::Agent => "1 agent",
            ProcessKind::Region => "1 scheduler, 1 agent",
        },
        Fault::CrashLoop { .. } => "1 scheduler",
        Fault::RestartDatabase { .. } => "the database",
        Fault::Verb { .. } => "1 region",
        Fault::Edge { .. } => "what the edge sees",
        Fault::Load { .. } => "the load",
        Fault::SilenceInjector => "the fault proxy's owner",
    }
}

pub(crate) const fn undo_told(fault: &Fault) -> &'static str {
    match fault {
        Fault::Partition { .. } | Fault::Toxic { .. } | Fault::Statements { .. } => "take the toxics off",
        Fault::GatewayDown { .. } => "let connections through again",
        Fault::Kill { .. } => "start it again and wait until it is ready",
        Fault::CrashLoop { .. } => "leave it alone, and start it where it is down",
        Fault::Pause { .. } => "SIGCONT",
        Fault::RestartDatabase { .. } => "wait until it answers",
        Fault::Verb { .. } => "uncordon",
        Fault::Edge { .. } => "let the health endpoint speak for itself",
        Fault::Load { .. } => "submit at the file's rate",
        Fault::SilenceInjector => "be heard again",
    }
}

impl Tier for Local {
    type Gauges = LocalGauges;

    fn name(&self) -> TierName {
        TierName::Local
    }

    fn refuses(&self, step: &Step) -> Option<String> {
        refuses(step)
    }

    fn targets(&self, step: &Step) -> Vec<Target> {
        let StepKind::Fault(fault) = &step.kind else { return Vec::new() };
        vec![self.choice.target(fault, undo_told(fault).to_owned())]
    }

    /// Only what stands still must be told to go on: everything else ends with this process, as the world does.
    async fn undo_of(&mut self, step: &Step) -> anyhow::Result<Vec<Undo>> {
        self.choice.rank(&self.site.sampler)?;
        let StepKind::Fault(Fault::Pause { process, region }) = &step.kind else { return Ok(Vec::new()) };
        let region = self.choice.resolve(region)?;
        let (scheduler, agent) = self.site.world.lock().await.region_ids(&region);
        let ids = match process {
            ProcessKind::Scheduler => vec![scheduler],
            ProcessKind::Agent => vec![agent],
            ProcessKind::Region => vec![scheduler, agent],
        };
        let ids = ids.into_iter().flatten().filter_map(|id| i32::try_from(id).ok());
        Ok(ids.map(|pid| Undo::Continue { pid, began: Process::of(pid).began }).collect())
    }

    async fn act(&mut self, step: &Step) -> anyhow::Result<Value> {
        let StepKind::Fault(fault) = &step.kind else { anyhow::bail!("this tier carries out faults only") };
        self.choice.rank(&self.site.sampler)?;
        let mut going = std::mem::take(&mut self.going);
        let resolve = |region: &RegionSelector| self.choice.resolve(region);
        let done = act::act(&self.site, &mut going, &step.name, fault, &resolve).await;
        self.going = going;
        // Also where it was carried out in part: the regions are hit then.
        self.choice.note_hit(fault)?;
        if *fault == Fault::SilenceInjector && done.is_ok() {
            // The dead man's switch has undone whatever the proxy did.
            lock(&self.site.facts).all_healed(now_us());
        }
        done
    }

    async fn undo(&mut self, step: &Step) -> anyhow::Result<()> {
        let StepKind::Fault(fault) = &step.kind else { return Ok(()) };
        // From its begin: what a heal takes is the heal's, not the fault's.
        self.choice.note_heal(fault)?;
        let mut going = std::mem::take(&mut self.going);
        let resolve = |region: &RegionSelector| self.choice.resolve(region);
        let done = act::undo(&self.site, &mut going, &step.name, fault, &resolve, self.rate).await;
        self.going = going;
        done
    }

    fn gauges(&self) -> LocalGauges {
        LocalGauges::new(Arc::clone(&self.site.facts))
    }

    async fn residue(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        match self.site.proxies.toxics().await {
            Ok(toxics) => left.extend(toxics.into_iter().map(|name| format!("toxic {name}"))),
            Err(error) => left.push(format!("perhaps toxics: {error:#}")),
        }
        match self.site.operator.regions().await {
            Ok(list) => {
                left.extend(list.regions.iter().filter(|region| region.verb != RegionVerb::None).map(a_word_on));
            }
            Err(error) => left.push(format!("perhaps an operator's word: {error}")),
        }
        left.extend(self.processes().await);
        left.extend(self.site.database.residue());
        left
    }
}

impl Local {
    /// Processes that stand still or do not run.
    async fn processes(&self) -> Vec<String> {
        let mut left = Vec::new();
        let mut world = self.site.world.lock().await;
        for region in &self.site.regions {
            let (scheduler, agent) = world.region_ids(region);
            for (what, id) in [("scheduler", scheduler), ("agent", agent)] {
                match id {
                    None => left.push(format!("the {what} of {region} does not run")),
                    Some(id) if stands_still(id) => left.push(format!("the {what} of {region} stands still")),
                    Some(_) => {}
                }
            }
        }
        left
    }
}

impl Gauges for LocalGauges {
    async fn figure(&self, probe: &Probe) -> Option<f64> {
        lock(&self.0).figure(&probe.query, probe.window, now_us())
    }
}

/// Targets of every step, by name, for the dry run.
#[must_use]
pub fn previews(drill: &Drill) -> BTreeMap<String, Vec<Target>> {
    drill.method.iter().map(|step| (step.name.clone(), preview(drill, step))).collect()
}
