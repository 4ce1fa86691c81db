//! One child process with its log. It is killed when it is dropped, and ends by itself where its owner is killed.
//!
//! The owner holds the other end of the child's standard input, which closes however the owner dies; a server that was
//! started with [`STOP_ON_EOF`] then stops, within its grace. A stopped child (SIGSTOP) cannot see that. It is in a
//! process group of its own, so that the system hangs it up and continues it when its owner dies; where the owner's
//! death leaves it to a process of the same session, as a subreaper may be, it stays until somebody continues it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::wait_until;

/// The servers' flag to stop when their standard input ends.
pub(super) const STOP_ON_EOF: &str = "--stop-on-eof";

/// A child of this process. Its `child` keeps the pipe to its standard input.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// The path of one of the workspace's programs, beside the program or test that runs now.
///
/// # Errors
/// Where it has not been built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let mut folder = std::env::current_exe()?;
    folder.pop();
    // Tests run in `deps/`, a folder below the programs.
    if folder.ends_with("deps") {
        folder.pop();
    }
    let path = folder.join(name);
    if !path.is_file() {
        bail!("{} is not there: build the programs first with `cargo build --workspace`", path.display());
    }
    Ok(path)
}

impl Process {
    /// Starts a program of the workspace; its output goes to the end of `log`.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start<S: AsRef<OsStr>>(name: &str, arguments: &[S], log: &Path) -> anyhow::Result<Self> {
        Self::start_with(name, arguments, &[], log)
    }

    /// Starts a program with more variables than this process has.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_with<S: AsRef<OsStr>>(
        name: &str,
        arguments: &[S],
        variables: &[(&str, &str)],
        log: &Path,
    ) -> anyhow::Result<Self> {
        Self::start_at(&program(name)?, arguments, variables, log)
    }

    /// Starts any program, by its path.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_at<S: AsRef<OsStr>>(
        program: &Path,
        arguments: &[S],
        variables: &[(&str, &str)],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let open = || -> std::io::Result<File> { OpenOptions::new().create(true).append(true).open(log) };
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .process_group(0)
            .stdout(open()?)
            .stderr(open()?)
            .env_remove("DATABASE_URL")
            .envs(variables.iter().copied())
            .spawn()
            .with_context(|| format!("could not start {}", program.display()))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, unless the process has ended. A killed one is reaped.
    pub fn signal(&mut self, signal: Signal) {
        if !self.runs() {
            return;
        }
        let id = i32::try_from(self.child.id()).expect("process ids fit into i32");
        // The child is not reaped yet, so its id is still its own.
        let _ = kill(Pid::from_raw(id), signal);
        if signal == Signal::SIGKILL {
            let _ = self.child.wait();
        }
    }

    /// Whether it has not ended.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until `GET /ready` on a port of loopback answers 200.
    ///
    /// # Errors
    /// With the end of the log where the process ends or is not ready in time.
    pub async fn wait_ready(&mut self, port: u16, patience: Duration) -> anyhow::Result<()> {
        let url = format!("http://127.0.0.1:{port}/ready");
        let mut ended = false;
        let ready = wait_until(patience, async || {
            ended = !self.runs();
            ended || get_status(&url).await == Some(200)
        })
        .await;
        if ended || !ready {
            let what = if ended { "ended" } else { "was not ready in time" };
            bail!("{url} {what}, its log ends with:{}", self.log_tail());
        }
        Ok(())
    }

    /// Waits until it has ended well.
    ///
    /// # Errors
    /// With the end of the log where it fails or does not end in time.
    pub async fn wait_done(&mut self, patience: Duration) -> anyhow::Result<()> {
        wait_until(patience, async || !self.runs()).await;
        match self.child.try_wait()? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("it ended with {status}, its log ends with:{}", self.log_tail()),
            None => bail!("it did not end in time, its log ends with:{}", self.log_tail()),
        }
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        tail.into_iter().rev().map(|line| format!("\n  {line}")).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process does not act on SIGKILL's forerunners, but on SIGKILL it does.
        self.signal(Signal::SIGKILL);
    }
}

/// Whether a process was stopped and not continued; false where the system does not tell.
#[must_use]
pub fn stands_still(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything.
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

async fn get_status(url: &str) -> Option<u16> {
    crate::http::get(url).await.ok().map(|(status, _)| status)
}
