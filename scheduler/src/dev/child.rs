//! Child processes of a local world: started with a log of their own, ended by their id.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scheduler_client::local::Process;
use tokio::process::{Child as Running, ChildStdin, Command};

use super::folder::Folder;

/// Variables that would send loopback requests to a proxy.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/// What to start.
#[derive(Clone)]
pub(crate) struct Recipe {
    /// Name in messages, and of the log.
    pub(crate) name: String,
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// Variables beside those of this process.
    pub(crate) env: Vec<(&'static str, String)>,
    /// Whether it ran before in this world: its log goes on.
    pub(crate) again: bool,
}

/// A child that runs, or has ended.
#[derive(Debug)]
pub(crate) struct Child {
    /// Its name.
    pub(crate) name: String,
    process: Running,
    /// The same as others name it.
    named: Process,
    /// Held open: when this process dies the child sees the end of its input, and ends too.
    _leash: Option<ChildStdin>,
    /// Whether its end was told.
    told: bool,
}

impl Child {
    /// Starts it.
    pub(crate) fn start(recipe: &Recipe, folder: &Folder) -> anyhow::Result<Self> {
        let log = folder
            .log(&recipe.name, recipe.again)
            .with_context(|| format!("cannot write the log of {}", recipe.name))?;
        let also = log.try_clone()?;
        let mut command = Command::new(&recipe.program);
        command.args(&recipe.args).stdin(Stdio::piped()).stdout(log).stderr(also).kill_on_drop(true);
        // A group of its own: Ctrl-C at the terminal reaches this process alone, which ends the others in order.
        command.process_group(0);
        command.envs(recipe.env.iter().map(|(name, value)| (name, value)));
        for name in PROXIES {
            command.env_remove(name);
        }
        let mut process = command
            .spawn()
            .with_context(|| format!("cannot start {} for {}", recipe.program.display(), recipe.name))?;
        let leash = process.stdin.take();
        let pid =
            process.id().and_then(|id| i32::try_from(id).ok()).expect("it was not waited for, and process ids fit");
        Ok(Self { name: recipe.name.clone(), process, named: Process::of(pid), _leash: leash, told: false })
    }

    /// How it ended, where it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// The process, unless it has ended.
    pub(crate) fn running(&mut self) -> Option<Process> {
        self.ended().is_none().then(|| self.named.clone())
    }

    /// True the first time: an end is told once.
    pub(crate) fn report_once(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    /// Asks it to end, and kills it when it has not after `grace`.
    pub(crate) async fn stop(mut self, grace: Duration) {
        if self.ended().is_some() {
            return;
        }
        // It may have ended by itself in between.
        let _ = kill(Pid::from_raw(self.named.pid), Signal::SIGTERM);
        if tokio::time::timeout(grace, self.process.wait()).await.is_err() {
            tracing::warn!(name = self.name, "did not end in time and is killed");
            let _ = self.process.kill().await;
        }
    }
}
