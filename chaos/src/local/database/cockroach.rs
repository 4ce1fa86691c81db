//! CockroachDB: one process a database region, on loopback, with stores below the run's folder.
//!
//! The nodes speak to each other directly: a node has one address for all the others, so that no proxy could tell their
//! links apart. A region that is cut off both ways has its node stopped instead, which is to the others the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio_postgres::NoTls;
use topology::{DatabaseRegion, RegionName};

use super::{NodeFault, NodePlace, wait_for_answer};
use crate::command;
use crate::undo::nodes;
use crate::wait::wait_until;
use crate::world::{Process, stands_still};

/// How long the cluster may take to answer, and a node to come back.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long its ranges may take to have a replica in every region.
const SPREAD: Duration = Duration::from_secs(180);
/// One try of `cockroach init`.
const INIT: Duration = Duration::from_secs(10);
/// The database of the schedulers.
const DATABASE: &str = "meridian";
/// A node tells its maker nothing: all traffic stays on loopback.
const QUIET: [(&str, &str); 1] = [("COCKROACH_SKIP_ENABLING_DIAGNOSTIC_REPORTING", "true")];

/// Ranges that are not in every one of so many regions yet.
const NARROW: &str = "SELECT count(*)::INT8 FROM [SHOW RANGES FROM DATABASE meridian] \
    WHERE array_length(voting_replicas, 1) < $1::INT8";

/// A running cluster.
#[derive(Debug)]
pub(crate) struct Cockroach {
    program: PathBuf,
    folder: PathBuf,
    nodes: Vec<NodePlace>,
    homes: BTreeMap<RegionName, DatabaseRegion>,
    running: Mutex<BTreeMap<DatabaseRegion, Process>>,
}

impl Cockroach {
    /// Starts every node, then makes one cluster of them.
    pub(super) async fn launch(
        program: &Path,
        folder: &Path,
        nodes: &[NodePlace],
        homes: &BTreeMap<RegionName, DatabaseRegion>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let cluster = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            nodes: nodes.to_vec(),
            homes: homes.clone(),
            running: Mutex::new(BTreeMap::new()),
        };
        cluster.start_missing()?;
        cluster.init().await?;
        Ok(cluster)
    }

    /// Waits until it answers, and makes the database that `scheduler migrate` expects.
    pub(super) async fn open(&self) -> anyhow::Result<()> {
        self.answers().await?;
        let (client, connection) = tokio_postgres::connect(&self.url_of("defaultdb"), NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE IF NOT EXISTS {DATABASE}")).await?;
        Ok(())
    }

    /// Once; a node that is not up yet refuses.
    async fn init(&self) -> anyhow::Result<()> {
        let host = format!("--host=127.0.0.1:{}", self.nodes[0].port);
        let argv = [self.program.to_string_lossy().into_owned(), "init".to_owned(), "--insecure".to_owned(), host];
        let mut failed = None;
        let done = wait_until(PATIENCE, async || {
            match command::run_well(&argv, INIT).await {
                Ok(_) => true,
                // A try before this one was done, and its answer lost.
                Err(command::Error::Failed { said, .. }) if said.contains("already been initialized") => true,
                Err(error) => {
                    failed = Some(error);
                    self.dead().is_some()
                }
            }
        })
        .await;
        if let Some(dead) = self.dead() {
            anyhow::bail!("CockroachDB did not start: {dead}");
        }
        match failed {
            Some(error) if !done => Err(error).context("CockroachDB could not be made one cluster"),
            Some(_) | None => Ok(()),
        }
    }

    /// What is said of a node that ended by itself.
    fn dead(&self) -> Option<String> {
        let mut running = self.running();
        let (region, node) = running.iter_mut().find_map(|(region, node)| (!node.runs()).then_some((region, node)))?;
        Some(format!("the node of {region} ended, its log ends with:{}", node.log_tail()))
    }

    async fn answers(&self) -> anyhow::Result<()> {
        for node in &self.nodes {
            let url = format!("postgresql://root@127.0.0.1:{}/defaultdb?sslmode=disable", node.port);
            anyhow::ensure!(
                wait_for_answer(&url, PATIENCE).await,
                "the CockroachDB node of {} does not answer{}",
                node.region,
                self.dead().map(|dead| format!(": {dead}")).unwrap_or_default()
            );
        }
        Ok(())
    }

    /// Waits until every range has a voter in three regions, or in all where there are fewer: then any one may go.
    pub(super) async fn spread(&self) -> anyhow::Result<()> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        tokio::spawn(connection);
        let voters = i64::try_from(self.nodes.len().min(3)).expect("a world has few regions");
        let mut last = None;
        let spread = wait_until(SPREAD, async || {
            let narrow = client.query_one(NARROW, &[&voters]).await.map(|row| row.get::<_, i64>(0));
            let done = matches!(narrow, Ok(0) | Err(_));
            last = Some(narrow);
            done
        })
        .await;
        if let Some(Err(error)) = last {
            return Err(error).context("CockroachDB does not tell where its ranges are");
        }
        anyhow::ensure!(spread, "CockroachDB's ranges did not spread over its regions in {SPREAD:?}");
        Ok(())
    }

    /// Starts every node that does not run.
    fn start_missing(&self) -> anyhow::Result<()> {
        for node in &self.nodes {
            self.start(node)?;
        }
        Ok(())
    }

    fn start(&self, node: &NodePlace) -> anyhow::Result<()> {
        let mut running = self.running();
        if running.get_mut(&node.region).is_some_and(Process::runs) {
            return Ok(());
        }
        let log = self.folder.with_file_name(format!("node-{}.log", node.region));
        let process = Process::start_at(&self.program, &arguments(node, &self.nodes, &self.folder), &QUIET, &log)?;
        // From here on whoever undoes this run ends it too.
        nodes::note(&self.folder, process.id())?;
        running.insert(node.region.clone(), process);
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<DatabaseRegion, Process>> {
        self.running.lock().expect("no holder of this lock panics")
    }

    fn node(&self, region: &RegionName) -> anyhow::Result<&NodePlace> {
        let home = self.homes.get(region).with_context(|| format!("{region} has no database region"))?;
        self.nodes.iter().find(|node| node.region == *home).with_context(|| format!("{home} has no node"))
    }

    /// The port of the node that is nearest to a region: its own.
    pub(super) fn gateway(&self, region: &RegionName) -> anyhow::Result<u16> {
        Ok(self.node(region)?.port)
    }

    /// All nodes, in an order that is drawn at every connection: one of them may stand still.
    pub(super) fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    fn url_of(&self, database: &str) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let hosts = hosts.join(",");
        format!("postgresql://root@{hosts}/{database}?sslmode=disable&connect_timeout=1&load_balance_hosts=random")
    }

    pub(super) fn homes(&self) -> BTreeMap<String, String> {
        self.homes.iter().map(|(region, home)| (region.to_string(), home.to_string())).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn regions(&self) -> Vec<DatabaseRegion> {
        self.nodes.iter().map(|node| node.region.clone()).collect()
    }

    pub(super) fn hit(&self, region: &RegionName, fault: NodeFault) -> anyhow::Result<()> {
        let signal = match fault {
            NodeFault::Kill => Signal::SIGKILL,
            NodeFault::Pause => Signal::SIGSTOP,
        };
        let node = self.node(region)?;
        if let Some(process) = self.running().get_mut(&node.region) {
            process.signal(signal);
        }
        Ok(())
    }

    pub(super) async fn heal(&self, region: &RegionName, fault: NodeFault) -> anyhow::Result<()> {
        let node = self.node(region)?;
        match fault {
            NodeFault::Kill => self.wake(node)?,
            NodeFault::Pause if self.go_on(node) => {}
            NodeFault::Pause => return Ok(()),
        }
        let url = url(&format!("127.0.0.1:{}", node.port));
        anyhow::ensure!(wait_for_answer(&url, PATIENCE).await, "the node of {} does not answer again", node.region);
        Ok(())
    }

    /// Has a node run: continues it where it stands still, starts it where it does not run.
    fn wake(&self, node: &NodePlace) -> anyhow::Result<()> {
        if self.go_on(node) { Ok(()) } else { self.start(node) }
    }

    /// Continues a node where it stands still; whether it runs.
    fn go_on(&self, node: &NodePlace) -> bool {
        self.running().get_mut(&node.region).is_some_and(|process| {
            process.signal(Signal::SIGCONT);
            process.runs()
        })
    }

    pub(super) fn crash(&self) {
        self.running().values_mut().for_each(|process| process.signal(Signal::SIGKILL));
    }

    pub(super) async fn revive(&self) -> anyhow::Result<()> {
        self.nodes.iter().try_for_each(|node| self.wake(node))?;
        self.answers().await
    }

    pub(super) fn residue(&self) -> Vec<String> {
        let state = |(region, process): (&DatabaseRegion, &mut Process)| match process.runs() {
            false => Some(format!("the database node of {region} does not run")),
            true => stands_still(process.id()).then(|| format!("the database node of {region} stands still")),
        };
        self.running().iter_mut().filter_map(state).collect()
    }
}

/// How a node is started. Every node is told of all of them.
fn arguments(node: &NodePlace, all: &[NodePlace], folder: &Path) -> Vec<String> {
    let join: Vec<String> = all.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    vec![
        "start".to_owned(),
        "--insecure".to_owned(),
        format!("--store={}", folder.join(node.region.as_str()).display()),
        format!("--locality=region={}", node.region),
        format!("--listen-addr=127.0.0.1:{}", node.port),
        format!("--http-addr=127.0.0.1:{}", node.http),
        format!("--join={}", join.join(",")),
        "--cache=64MiB".to_owned(),
        "--max-sql-memory=128MiB".to_owned(),
        // What CockroachDB advises for several regions: writes of GLOBAL tables wait for it.
        "--max-offset=250ms".to_owned(),
    ]
}

/// The schedulers' database at an address.
pub(super) fn url(at: &str) -> String {
    format!("postgresql://root@{at}/{DATABASE}?sslmode=disable")
}

/// `CockroachDB v25.4.17` of what it says at length.
pub(super) fn version(said: &str) -> String {
    let words: Vec<&str> = said.split_whitespace().filter(|word| *word != "CCL").take(2).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
