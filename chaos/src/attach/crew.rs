//! The processes of a world on this machine, as it notes them itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scheduler_client::local::{Process, Region, World};
use topology::RegionName;

use crate::drill::ProcessKind;
use crate::undo::Undo;
use crate::world::{program, stands_still};

/// How long the world may take to start again what fell: a little more than its own patience.
const REVIVAL: Duration = Duration::from_secs(80);

/// The processes of a world.
#[derive(Debug, Clone)]
pub(super) struct Crew {
    folder: PathBuf,
}

impl Crew {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What runs and is meant, in one region; at least one process.
    pub(super) fn of(&self, region: &RegionName, kind: ProcessKind) -> anyhow::Result<Vec<Process>> {
        let regions = self.regions()?;
        let found = regions.into_iter().find(|one| one.region == *region);
        let Region { scheduler, agents, .. } = found.with_context(|| format!("the world has no region {region}"))?;
        let all: Vec<Process> = match kind {
            ProcessKind::Scheduler => scheduler.into_iter().collect(),
            ProcessKind::Agent => agents,
            ProcessKind::Region => scheduler.into_iter().chain(agents).collect(),
        };
        let all: Vec<Process> = all.into_iter().filter(Process::runs).collect();
        anyhow::ensure!(!all.is_empty(), "nothing of it runs in {region}");
        Ok(all)
    }

    /// How the world is asked to start again what fell. It starts all of that, whichever step killed it.
    pub(super) fn revive(&self) -> anyhow::Result<Undo> {
        let folder = self.folder.to_str().context("the world's folder has a name that no command can say")?;
        let base = self.regions()?.first().and_then(|region| region.address.rsplit(':').next().map(str::to_owned));
        let base = base.context("the world has no region")?;
        let program = program("scheduler")?.to_string_lossy().into_owned();
        let words = ["dev", "revive", "--port-base", &base, "--state", folder];
        let argv = std::iter::once(program).chain(words.map(str::to_owned)).collect();
        let timeout_ms = REVIVAL.as_millis() as u64;
        Ok(Undo::Command { target: "what fell of the world".to_owned(), argv, timeout_ms })
    }

    /// What stands still or does not run: one phrase each.
    pub(super) fn ailing(&self) -> Vec<String> {
        match self.regions() {
            Ok(regions) => regions.iter().flat_map(ailing).collect(),
            Err(error) => vec![format!("{error:#}")],
        }
    }

    fn regions(&self) -> anyhow::Result<Vec<Region>> {
        let world = World::read(&self.folder).filter(|world| world.keeper.runs());
        Ok(world.context("the world has ended")?.regions)
    }
}

/// Sends a signal to those that still run.
pub(super) fn signal(processes: &[Process], signal: Signal) {
    for process in processes.iter().filter(|process| process.runs()) {
        // One that ends at this moment has what was wanted.
        let _ = kill(Pid::from_raw(process.pid), signal);
    }
}

fn ailing(region: &Region) -> Vec<String> {
    let Region { region, scheduler, agents, .. } = region;
    let schedulers: Vec<&Process> = scheduler.iter().collect();
    let agents: Vec<&Process> = agents.iter().collect();
    [("scheduler", schedulers), ("agent", agents)]
        .into_iter()
        .flat_map(|(what, all)| {
            let state = |process: &&Process| {
                let still = u32::try_from(process.pid).is_ok_and(stands_still);
                if !process.runs() { Some("does not run") } else { still.then_some("stands still") }
            };
            let none = all.is_empty().then_some("does not run");
            let states: Vec<&str> = all.iter().filter_map(state).chain(none).collect();
            states.into_iter().map(move |state| format!("the {what} of {region} {state}"))
        })
        .collect()
}
