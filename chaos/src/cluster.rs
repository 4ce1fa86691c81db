//! The tier of a deployment: steps are commands that the file declares, each with the one that undoes it.
//!
//! It is dry unless [`run()`] is called, which passes three gates first. `{region}` in a command, its undo and its target
//! stands for the step's region, which may be the one that holds the most leases.

mod dry;
mod execute;
mod gates;
mod gauges;
mod load;
mod regions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use scheduler_client::{Client, Config, Limits};
use serde_json::{Value, json};

use crate::command::{self, Ran};
use crate::drill::{CommandSpec, Query, Step, StepKind, TierName};
use crate::tier::{Target, Tier};
use crate::undo::Undo;

pub use dry::{DryRun, dry_run};
pub use execute::{Error, Options, run};
pub use gates::{Missing, missing, typed_title};
pub use gauges::Gauges;
use load::Loaded;
use regions::Regions;

/// Stands for the step's region in a command.
const REGION: &str = "{region}";

/// A deployment.
pub struct Cluster {
    client: Option<Client>,
    regions: Regions,
    /// Whether missions of the drill's own are submitted.
    is_loaded: bool,
    /// Their load, while it goes on.
    load: Option<Loaded>,
    /// The program `chaos`, through which commands run; without it they may outlive this process.
    leash: Option<PathBuf>,
}

impl Cluster {
    /// A deployment with these schedulers; where there are none, what needs one is refused.
    ///
    /// # Errors
    /// Where an address or the token is none.
    pub fn new(schedulers: &[String], token: Option<&str>) -> Result<Self, scheduler_client::Error> {
        let limits = Limits { overall: Duration::from_secs(10), ..Limits::default() };
        let config = Config::new(schedulers.iter().cloned()).token(token.map(str::to_owned)).limits(limits);
        let client = if schedulers.is_empty() { None } else { Some(Client::new(&config)?) };
        Ok(Self { client, regions: Regions::default(), is_loaded: false, load: None, leash: None })
    }

    /// Runs commands by this program, which is `chaos`, so that none goes on when this process is killed.
    #[must_use]
    pub fn leashed(self, chaos: &Path) -> Self {
        Self { leash: Some(chaos.to_owned()), ..self }
    }

    /// A deployment to which missions of the drill's own are submitted: what is read from these can be had then.
    #[must_use]
    pub fn loaded(self, is_loaded: bool) -> Self {
        Self { is_loaded, ..self }
    }

    /// The client of its schedulers.
    #[must_use]
    pub const fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// How many regions the deployment has; none where no scheduler tells.
    async fn count_regions(&self) -> Result<Option<usize>, scheduler_client::Error> {
        let Some(client) = &self.client else { return Ok(None) };
        Ok(Some(client.regions().await?.regions.len()))
    }

    fn refuses_command(&self, command: &CommandSpec) -> Option<String> {
        if command.region.as_ref().is_some_and(regions::is_open) && self.client.is_none() {
            return Some(
                "the region with the most leases is known to a scheduler only: name one with --server".to_owned(),
            );
        }
        [&command.argv, &command.undo].into_iter().find_map(|argv| match argv.first() {
            None => Some("a command is empty".to_owned()),
            Some(program) => (!command::is_there(program)).then(|| format!("there is no program {program}")),
        })
    }

    fn refuses_query(&self, query: &Query) -> Option<String> {
        match query {
            Query::HttpStatus { .. } => None,
            Query::ExitCode { argv } | Query::Number { argv } => match argv.first() {
                None => Some("its command is empty".to_owned()),
                Some(program) => (!command::is_there(program)).then(|| format!("there is no program {program}")),
            },
            Query::ServingRegions if self.client.is_some() => None,
            Query::ServingRegions => Some("only a scheduler can tell: name one with --server".to_owned()),
            Query::SubmitSuccessRatio
            | Query::SubmitToLeasedP99Ms
            | Query::StrandedLeases
            | Query::OverdueMissions
                if self.is_loaded =>
            {
                None
            }
            Query::SubmitSuccessRatio
            | Query::SubmitToLeasedP99Ms
            | Query::StrandedLeases
            | Query::OverdueMissions => Some(
                "it is read from missions of the drill's own: name a scheduler with --server, and have the file's load \
                 submit some"
                    .to_owned(),
            ),
        }
    }

    async fn carry_out(&self, argv: &[String], limit: Duration) -> Result<Ran, command::Error> {
        match &self.leash {
            Some(chaos) => command::run_leashed(chaos, argv, limit).await,
            None => command::run_well(argv, limit).await,
        }
    }

    /// A command with its region, where that is known.
    fn told(&self, command: &CommandSpec) -> Told {
        let region = command.region.as_ref().map(|selector| self.regions.told(selector));
        let fill = |text: &String| region.as_ref().map_or(text.clone(), |region| text.replace(REGION, region));
        Told {
            target: fill(&command.target),
            argv: command.argv.iter().map(fill).collect(),
            undo: command.undo.iter().map(fill).collect(),
            region,
        }
    }
}

/// A command as it is carried out.
struct Told {
    region: Option<String>,
    target: String,
    argv: Vec<String>,
    undo: Vec<String>,
}

impl Tier for Cluster {
    type Gauges = Gauges;

    fn name(&self) -> TierName {
        TierName::Cluster
    }

    fn refuses(&self, step: &Step) -> Option<String> {
        match &step.kind {
            StepKind::Command(command) => self.refuses_command(command),
            StepKind::Probe(probe) => self.refuses_query(&probe.query),
            StepKind::Undo(_) => None,
            StepKind::Fault(_) => Some("it does only what the file declares as a command".to_owned()),
        }
    }

    fn targets(&self, step: &Step) -> Vec<Target> {
        let Some(command) = command_of(step) else { return Vec::new() };
        let Told { region, target, argv, undo } = self.told(command);
        vec![Target { what: target, region, how: command::line(&argv), undo: command::line(&undo) }]
    }

    async fn undo_of(&mut self, step: &Step) -> anyhow::Result<Vec<Undo>> {
        let Some(command) = command_of(step) else { return Ok(Vec::new()) };
        if let Some(selector) = &command.region {
            self.regions.resolve(selector, self.client.as_ref()).await?;
        }
        let Told { target, undo, .. } = self.told(command);
        let timeout_ms = u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX);
        Ok(vec![Undo::Command { target, argv: undo, timeout_ms }])
    }

    async fn act(&mut self, step: &Step) -> anyhow::Result<Value> {
        let Some(command) = command_of(step) else { return Ok(Value::Null) };
        let Told { region, target, argv, .. } = self.told(command);
        // Also where it is carried out in part: the region is hit then.
        if let (Some(load), Some(region)) = (&mut self.load, &region) {
            load.hit(region);
        }
        let ran = self.carry_out(&argv, command.timeout).await?;
        Ok(json!({ "target": target, "region": region, "argv": argv, "out": ran.out, "err": ran.err }))
    }

    async fn undo(&mut self, step: &Step) -> anyhow::Result<()> {
        let Some(command) = command_of(step) else { return Ok(()) };
        let Told { region, undo, .. } = self.told(command);
        // From its begin: what a heal takes is the heal's, not the fault's.
        if let (Some(load), Some(region)) = (&self.load, &region) {
            load.healed(region);
        }
        Ok(self.carry_out(&undo, command.timeout).await.map(drop)?)
    }

    fn gauges(&self) -> Gauges {
        Gauges::new(self.client.clone(), self.load.as_ref().map(Loaded::gauges))
    }

    /// What a deployment's commands left behind only they know: an undo that failed is told by the runner.
    async fn residue(&mut self) -> Vec<String> {
        Vec::new()
    }
}

fn command_of(step: &Step) -> Option<&CommandSpec> {
    match &step.kind {
        StepKind::Command(command) => Some(command),
        StepKind::Fault(_) | StepKind::Undo(_) | StepKind::Probe(_) => None,
    }
}

#[cfg(test)]
mod tests;
