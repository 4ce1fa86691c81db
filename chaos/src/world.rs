//! A world of real processes on loopback: one scheduler and one agent a region, started, broken and ended by its owner.
//!
//! A world ends only processes that it started, by their ids, and ends all of them when it is dropped. Where its owner is
//! killed they end by themselves, as `process` says.

mod ports;
mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use scheduler_client::{Client, Config};
use tempfile::TempDir;
use topology::RegionName;

use self::process::STOP_ON_EOF;
use crate::drill::PlantedBug;
use crate::history::{LEDGER, agent_file};
use crate::wait::wait_until;

pub use ports::{free_ports, of as ports_of};
pub use process::{Process, program, stands_still};

/// What tells a program with bugs which one it has.
const PLANTED_BUG: &str = "MERIDIAN_PLANTED_BUG";

/// How long a world may take to become ready, and a process to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of a world's history, in its own.
pub const HISTORY: &str = "history";

/// What a world is made of.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// Text of the topology file.
    pub topology: String,
    /// Regions that get a scheduler and an agent.
    pub regions: Vec<RegionName>,
    /// Database URLs of a region's scheduler, nearest first.
    pub databases: BTreeMap<RegionName, Vec<String>>,
    /// Database URLs of regions not named in `databases`.
    pub database: String,
    /// Arguments of `region-agent run` that choose and set up the runner.
    pub runner: Vec<String>,
    /// More arguments of `scheduler serve`.
    pub scheduler: Vec<String>,
    /// A bug that the schedulers have: they are `scheduler-with-bugs` then.
    pub planted_bug: Option<PlantedBug>,
    /// How the processes reach each other; none = directly, on any ports.
    pub wiring: Option<Wiring>,
    /// Where logs, spools and the ledger go; none = a temporary folder.
    pub folder: Option<PathBuf>,
}

/// How the processes of a world reach each other, where something stands in between.
#[derive(Debug, Clone, Default)]
pub struct Wiring {
    /// Where scheduler and agent of each region listen.
    pub ports: BTreeMap<RegionName, (u16, u16)>,
    /// Schedulers as an agent of each region sees them, nearest first.
    pub schedulers: BTreeMap<RegionName, Vec<String>>,
    /// Each region's scheduler as other schedulers see it.
    pub advertised: BTreeMap<RegionName, String>,
}

/// A running world.
#[derive(Debug)]
pub struct World {
    spec: Spec,
    folder: Folder,
    ports: BTreeMap<RegionName, (u16, u16)>,
    schedulers: BTreeMap<RegionName, Process>,
    agents: BTreeMap<RegionName, Process>,
}

/// Where a world keeps its files.
#[derive(Debug)]
enum Folder {
    /// Deleted with the world.
    Own(TempDir),
    /// Its owner's.
    Given(PathBuf),
}

impl World {
    /// Starts a scheduler in every region, waits until each is ready, then starts the agents.
    ///
    /// # Errors
    /// Where a program is not built, a process ends at once, or nothing is ready within a minute.
    pub async fn start(spec: Spec) -> anyhow::Result<Self> {
        let mut world = Self::start_schedulers(spec).await?;
        for region in world.spec.regions.clone() {
            world.start_agent(&region)?;
        }
        Ok(world)
    }

    /// Starts a scheduler in every region and waits until each is ready; the owner brings its own agents.
    ///
    /// # Errors
    /// As [`World::start`].
    pub async fn start_schedulers(spec: Spec) -> anyhow::Result<Self> {
        let folder = match &spec.folder {
            Some(folder) => Folder::Given(folder.clone()),
            None => Folder::Own(tempfile::Builder::new().prefix("meridian-world-").tempdir()?),
        };
        let ports = match &spec.wiring {
            Some(wiring) => wiring.ports.clone(),
            None => ports::of(&spec.regions)?,
        };
        let mut world = Self { spec, folder, ports, schedulers: BTreeMap::new(), agents: BTreeMap::new() };
        std::fs::write(world.folder().join("topology.yaml"), &world.spec.topology)?;
        std::fs::create_dir_all(world.history())?;
        world.migrate().await?;
        for region in world.spec.regions.clone() {
            world.start_scheduler(&region)?;
        }
        for region in world.spec.regions.clone() {
            world.wait_ready(&region).await?;
        }
        Ok(world)
    }

    /// Where the world keeps logs, spools and the history.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Own(folder) => folder.path(),
            Folder::Given(folder) => folder,
        }
    }

    /// The folder of its history: what was asked and done, outside the system under test.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.folder().join(HISTORY)
    }

    /// The regions of the world.
    #[must_use]
    pub fn regions(&self) -> &[RegionName] {
        &self.spec.regions
    }

    /// Where the scheduler of a region listens.
    #[must_use]
    pub fn scheduler_url(&self, region: &RegionName) -> String {
        format!("http://127.0.0.1:{}", self.ports[region].0)
    }

    /// Where the agent of a region answers about its health.
    #[must_use]
    pub fn agent_url(&self, region: &RegionName) -> String {
        format!("http://127.0.0.1:{}", self.ports[region].1)
    }

    /// A client that asks the region's own scheduler first, and the others after it.
    ///
    /// # Errors
    /// Where the client cannot be built.
    pub fn client(&self, region: &RegionName) -> anyhow::Result<Client> {
        Ok(Client::new(&Config::new(self.scheduler_urls(region)))?)
    }

    /// The region's own scheduler, then the others in the order of the topology.
    fn scheduler_urls(&self, region: &RegionName) -> Vec<String> {
        let others = self.spec.regions.iter().filter(|other| *other != region);
        std::iter::once(region).chain(others).map(|region| self.scheduler_url(region)).collect()
    }

    /// Brings the database to the schema and stores the topology.
    async fn migrate(&mut self) -> anyhow::Result<()> {
        let arguments =
            ["migrate".to_owned(), "--topology".to_owned(), self.path("topology.yaml"), "--database-url".to_owned()];
        let arguments = [&arguments[..], std::slice::from_ref(&self.spec.database)].concat();
        Process::start("scheduler", &arguments, &self.folder().join("migrate.log"))?.wait_done(PATIENCE).await
    }

    /// Starts the scheduler of a region on its port.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start_scheduler(&mut self, region: &RegionName) -> anyhow::Result<()> {
        let databases = self.spec.databases.get(region).cloned().unwrap_or_else(|| vec![self.spec.database.clone()]);
        let mut arguments: Vec<String> =
            ["serve", "--dev", STOP_ON_EOF, "--region", region.as_str()].map(str::to_owned).into();
        arguments.extend(["--listen".to_owned(), format!("127.0.0.1:{}", self.ports[region].0)]);
        for url in databases {
            arguments.extend(["--database-url".to_owned(), url]);
        }
        if let Some(address) = self.spec.wiring.as_ref().and_then(|wiring| wiring.advertised.get(region)) {
            arguments.extend(["--advertise".to_owned(), address.clone()]);
        }
        arguments.extend(self.spec.scheduler.iter().cloned());
        let log = self.folder().join(format!("scheduler-{region}.log"));
        let process = match self.spec.planted_bug {
            None => Process::start("scheduler", &arguments, &log)?,
            Some(bug) => Process::start_with("scheduler-with-bugs", &arguments, &[(PLANTED_BUG, bug.as_str())], &log)?,
        };
        self.schedulers.insert(region.clone(), process);
        Ok(())
    }

    /// Starts the agent of a region.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start_agent(&mut self, region: &RegionName) -> anyhow::Result<()> {
        let mut arguments: Vec<String> = ["run", STOP_ON_EOF, "--region", region.as_str()].map(str::to_owned).into();
        arguments.extend(["--listen".to_owned(), format!("127.0.0.1:{}", self.ports[region].1)]);
        let wired = self.spec.wiring.as_ref().and_then(|wiring| wiring.schedulers.get(region).cloned());
        for url in wired.unwrap_or_else(|| self.scheduler_urls(region)) {
            arguments.extend(["--scheduler".to_owned(), url]);
        }
        arguments.extend(["--spool".to_owned(), self.path(&format!("spool-{region}"))]);
        let record = |name: &str| self.history().join(name).to_string_lossy().into_owned();
        arguments.extend(["--ledger".to_owned(), record(LEDGER)]);
        arguments.extend(["--history".to_owned(), record(&agent_file(region.as_str()))]);
        arguments.extend(self.spec.runner.iter().cloned());
        let log = self.folder().join(format!("agent-{region}.log"));
        self.agents.insert(region.clone(), Process::start("region-agent", &arguments, &log)?);
        Ok(())
    }

    /// Waits until the region's scheduler answers `/ready`.
    ///
    /// # Errors
    /// With the end of its log where it does not.
    pub async fn wait_ready(&mut self, region: &RegionName) -> anyhow::Result<()> {
        let port = self.ports[region].0;
        let process = self.schedulers.get_mut(region).context("the region has no scheduler")?;
        process.wait_ready(port, PATIENCE).await
    }

    /// The process id of a region's scheduler, while it runs.
    pub fn scheduler_id(&mut self, region: &RegionName) -> Option<u32> {
        self.schedulers.get_mut(region).and_then(|process| process.runs().then(|| process.id()))
    }

    /// The process ids of a region's scheduler and agent, as far as they run.
    pub fn region_ids(&mut self, region: &RegionName) -> (Option<u32>, Option<u32>) {
        let id = |process: Option<&mut Process>| process.and_then(|process| process.runs().then(|| process.id()));
        (id(self.schedulers.get_mut(region)), id(self.agents.get_mut(region)))
    }

    /// The process ids of all schedulers and agents that run.
    pub fn process_ids(&mut self) -> Vec<u32> {
        let all = self.schedulers.values_mut().chain(self.agents.values_mut());
        all.filter_map(|process| process.runs().then(|| process.id())).collect()
    }

    /// Waits until every scheduler knows of live slots in at least so many pools.
    ///
    /// # Errors
    /// Where one does not within half a minute.
    pub async fn wait_for_slots(&self, pools: usize) -> anyhow::Result<()> {
        let clients: Vec<Client> =
            self.spec.regions.iter().map(|region| self.client(region)).collect::<Result<_, _>>()?;
        let known = wait_until(Duration::from_secs(30), async || {
            for client in &clients {
                let live = client.pools().await.map(|list| list.pools.iter().filter(|pool| pool.slots > 0).count());
                if !live.is_ok_and(|live| live >= pools) {
                    return false;
                }
            }
            true
        })
        .await;
        anyhow::ensure!(known, "fewer than {pools} pools ever showed live slots");
        Ok(())
    }

    /// Sends a signal to the region's scheduler.
    pub fn signal_scheduler(&mut self, region: &RegionName, signal: Signal) {
        if let Some(process) = self.schedulers.get_mut(region) {
            process.signal(signal);
        }
    }

    /// Sends a signal to the region's agent.
    pub fn signal_agent(&mut self, region: &RegionName, signal: Signal) {
        if let Some(process) = self.agents.get_mut(region) {
            process.signal(signal);
        }
    }

    /// Sends a signal to every process of a region: `SIGKILL` = the region is lost, `SIGSTOP` = it is paused.
    pub fn signal_region(&mut self, region: &RegionName, signal: Signal) {
        self.signal_agent(region, signal);
        self.signal_scheduler(region, signal);
    }

    /// Whether the agent of a region runs.
    pub fn agent_runs(&mut self, region: &RegionName) -> bool {
        self.agents.get_mut(region).is_some_and(Process::runs)
    }

    fn path(&self, name: &str) -> String {
        self.folder().join(name).to_string_lossy().into_owned()
    }
}

impl Drop for World {
    /// Agents first, so that none of them takes the end of its scheduler for a failure.
    fn drop(&mut self) {
        self.agents.clear();
        self.schedulers.clear();
        // A failed test's world is worth a look.
        if let Folder::Own(folder) = &mut self.folder
            && std::thread::panicking()
        {
            folder.disable_cleanup(true);
        }
    }
}
