//! The processes of the regions, as the topology wants them: they start and stop with it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use scheduler_client::local::Region;
use topology::{RegionName, Topology};

use super::What;
use super::child::{Child, Recipe};
use super::folder::Folder;
use super::ports::{MAX_REGIONS, Ports};
use crate::cli::{Output, Stop};

/// How long an agent may finish or hand back.
const AGENT_GRACE: Duration = Duration::from_secs(8);

/// How long a scheduler may answer what is open.
const SCHEDULER_GRACE: Duration = Duration::from_secs(8);

/// A process that was started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Started {
    /// Its name.
    pub(super) name: String,
    /// Where it says whether it is ready.
    pub(super) address: SocketAddr,
}

/// All processes of the regions.
#[derive(Debug)]
pub(super) struct Crew {
    folder: Folder,
    ports: Ports,
    what: What,
    database: String,
    /// Regions by name, each in a slot that gives its ports; a slot is never given to another region.
    slots: BTreeMap<RegionName, usize>,
    schedulers: BTreeMap<RegionName, Child>,
    agents: BTreeMap<RegionName, Child>,
}

impl Crew {
    pub(super) fn new(folder: &Folder, ports: Ports, what: &What, database: &str) -> Self {
        Self {
            folder: folder.clone(),
            ports,
            what: what.clone(),
            database: database.to_owned(),
            slots: BTreeMap::new(),
            schedulers: BTreeMap::new(),
            agents: BTreeMap::new(),
        }
    }

    /// The regions that have a scheduler, with their slots, in the order of their ports.
    fn in_order(&self) -> Vec<(RegionName, usize)> {
        let here = self.slots.iter().filter(|(region, _)| self.schedulers.contains_key(*region));
        let mut here: Vec<_> = here.map(|(region, slot)| (region.clone(), *slot)).collect();
        here.sort_unstable_by_key(|(_, slot)| *slot);
        here
    }

    /// The scheduler of every region, in the order of their ports.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.in_order().into_iter().map(|(_, slot)| format!("http://{}", self.ports.scheduler(slot))).collect()
    }

    /// The regions with those of their processes that run.
    pub(super) fn regions(&mut self) -> Vec<Region> {
        let order = self.in_order();
        let region = |(region, slot): (RegionName, usize)| Region {
            address: format!("http://{}", self.ports.scheduler(slot)),
            agent_health: format!("http://{}", self.ports.agent(slot)),
            scheduler: self.schedulers.get_mut(&region).and_then(Child::running),
            agents: self.agents.get_mut(&region).and_then(Child::running).into_iter().collect(),
            region,
        };
        order.into_iter().map(region).collect()
    }

    /// Starts again what ended by itself, schedulers first.
    pub(super) fn revive(&mut self) -> anyhow::Result<Vec<Started>> {
        let mut started = Vec::new();
        for (region, slot) in self.in_order() {
            if self.schedulers.get_mut(&region).is_some_and(|child| child.running().is_none()) {
                self.start_scheduler(&region)?;
                started.push(Started { name: format!("scheduler-{region}"), address: self.ports.scheduler(slot) });
            }
        }
        for (region, slot) in self.in_order() {
            if self.agents.get_mut(&region).is_some_and(|child| child.running().is_none()) {
                self.start_agent(&region)?;
                started.push(Started { name: format!("agent-{region}"), address: self.ports.agent(slot) });
            }
        }
        Ok(started)
    }

    /// Starts what the topology has and does not run, ends what runs and the topology does not have. Says what changed.
    pub(super) async fn follow(&mut self, topology: &Topology) -> anyhow::Result<Vec<String>> {
        let mut changes = Vec::new();
        let gone: Vec<RegionName> =
            self.schedulers.keys().filter(|name| topology.region(name).is_none()).cloned().collect();
        for name in gone {
            self.end(&name).await;
            changes.push(format!("{name} left the topology: its processes have ended"));
        }
        for region in &topology.regions {
            if self.schedulers.contains_key(&region.name) {
                continue;
            }
            self.start_scheduler(&region.name)?;
            changes.push(format!("{}: scheduler on {}", region.name, self.address(&region.name)));
        }
        for region in &topology.regions {
            let has_pools = topology.pools.iter().any(|pool| pool.id.region == region.name);
            if has_pools && !self.agents.contains_key(&region.name) {
                self.start_agent(&region.name)?;
                changes.push(format!("{}: region agent", region.name));
            }
        }
        Ok(changes)
    }

    fn slot(&mut self, region: &RegionName) -> anyhow::Result<usize> {
        let next = self.slots.len();
        if next >= MAX_REGIONS && !self.slots.contains_key(region) {
            return Err(Stop::usage(format!("a local world has ports for {MAX_REGIONS} regions")).into());
        }
        Ok(*self.slots.entry(region.clone()).or_insert(next))
    }

    fn address(&self, region: &RegionName) -> String {
        self.slots.get(region).map(|slot| format!("http://{}", self.ports.scheduler(*slot))).unwrap_or_default()
    }

    fn start_scheduler(&mut self, region: &RegionName) -> anyhow::Result<()> {
        let slot = self.slot(region)?;
        let mut args: Vec<OsString> = vec!["serve".into(), "--dev".into(), "--stop-on-eof".into()];
        let mut add = |flag: &str, value: OsString| args.extend([OsString::from(flag), value]);
        add("--region", region.as_str().into());
        add("--listen", self.ports.scheduler(slot).to_string().into());
        add("--grace-s", "5".into());
        if let Some(embeddings) = &self.what.embeddings {
            add("--embeddings", embeddings.into());
        }
        if self.what.world.exists() {
            add("--world", self.what.world.clone().into());
            if self.what.knowledge.exists() {
                add("--knowledge", self.what.knowledge.clone().into());
            }
        }
        let program = std::env::current_exe().context("cannot find this program")?;
        // Not as an argument: everybody on the machine can read those, and the URL has a password.
        let env = vec![("DATABASE_URL", self.database.clone())];
        let again = self.schedulers.contains_key(region);
        let recipe = Recipe { name: format!("scheduler-{region}"), program, args, env, again };
        self.schedulers.insert(region.clone(), Child::start(&recipe, &self.folder)?);
        Ok(())
    }

    fn start_agent(&mut self, region: &RegionName) -> anyhow::Result<()> {
        let slot = self.slot(region)?;
        let mut args: Vec<OsString> = vec!["run".into(), "--stop-on-eof".into()];
        let mut add = |flag: &str, value: OsString| args.extend([OsString::from(flag), value]);
        add("--region", region.as_str().into());
        add("--listen", self.ports.agent(slot).to_string().into());
        add("--grace", "3s".into());
        add("--runner", "simulated".into());
        add("--simulated-min", self.what.simulated_min.clone().into());
        add("--simulated-max", self.what.simulated_max.clone().into());
        add("--simulated-seed", slot.to_string().into());
        add("--spool", self.folder.root().join(format!("spool-{region}")).into());
        // Its own scheduler first, the others in the order of their ports.
        let own = self.address(region);
        add("--scheduler", own.clone().into());
        for other in self.addresses().into_iter().filter(|address| *address != own) {
            add("--scheduler", other.into());
        }
        let (program, again) = (beside("region-agent")?, self.agents.contains_key(region));
        let recipe = Recipe { name: format!("agent-{region}"), program, args, env: Vec::new(), again };
        self.agents.insert(region.clone(), Child::start(&recipe, &self.folder)?);
        Ok(())
    }

    /// Names of the processes that ended by themselves since the last look. They are started again on demand
    /// only: whoever killed them wants to see what happens.
    pub(super) fn fallen(&mut self) -> Vec<String> {
        let mut fallen = Vec::new();
        for (region, child) in self.schedulers.iter_mut().chain(self.agents.iter_mut()) {
            if let Some(status) = child.ended().filter(|_| child.report_once()) {
                fallen.push(format!("{} of {region} ended by itself ({status}); log: {}", child.name, child.name));
            }
        }
        fallen
    }

    async fn end(&mut self, region: &RegionName) {
        if let Some(agent) = self.agents.remove(region) {
            agent.stop(AGENT_GRACE).await;
        }
        if let Some(scheduler) = self.schedulers.remove(region) {
            scheduler.stop(SCHEDULER_GRACE).await;
        }
    }

    /// Ends the agents together, then the schedulers together.
    pub(super) async fn stop(self, output: &Output) -> anyhow::Result<()> {
        output.note("stopping the agents")?;
        futures_util::future::join_all(self.agents.into_values().map(|child| child.stop(AGENT_GRACE))).await;
        output.note("stopping the schedulers")?;
        futures_util::future::join_all(self.schedulers.into_values().map(|child| child.stop(SCHEDULER_GRACE))).await;
        Ok(())
    }
}

/// A program of this project, in the folder of this one.
fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let path = own.with_file_name(name);
    if path.exists() {
        Ok(path)
    } else {
        Err(Stop::usage(format!("{} is missing: build it with `cargo build -p {name}`", path.display())).into())
    }
}
