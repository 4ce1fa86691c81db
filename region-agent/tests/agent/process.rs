//! Agent processes, waiting, and a look at `/proc`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::fake::Listener;

/// How long a condition may take to come true. Far more than it does, for slow machines.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An agent process with a folder of its own. Killed when dropped; ends by itself where this process is killed.
pub(crate) struct Agent {
    child: Child,
}

/// Where an agent keeps its things, for more than one life of it.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts an agent with these arguments after the usual ones.
    pub(crate) fn start(&self, schedulers: &[&Listener], arguments: &[&str]) -> Agent {
        self.start_with(schedulers, arguments, &[])
    }

    pub(crate) fn start_with(&self, schedulers: &[&Listener], arguments: &[&str], env: &[(&str, &str)]) -> Agent {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("agent.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_region-agent"));
        command.args(["run", "--stop-on-eof", "--region", "us-west", "--listen", "127.0.0.1:0"]);
        for listener in schedulers {
            command.args(["--scheduler", &listener.url]);
        }
        command.arg("--spool").arg(self.path("spool")).args(arguments).envs(env.iter().copied());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Agent { child }
    }

    /// Starts an agent whose runner is this shell script.
    pub(crate) fn start_script(&self, scheduler: &Listener, script: &str) -> Agent {
        self.start(&[scheduler], &["--runner", "command", "--", "/bin/sh", "-c", script])
    }

    /// The number that a runner wrote into a file of this folder, once it is there.
    pub(crate) fn number(&self, name: &str) -> i32 {
        let mut number = None;
        wait_until(&format!("a number in {name}"), || {
            number = std::fs::read_to_string(self.path(name)).ok().and_then(|text| text.trim().parse().ok());
            number.is_some()
        });
        number.unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("agent.log")).unwrap_or_default()
    }
}

impl Agent {
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Ends its standard input, as our own end would.
    pub(crate) fn end_input(&mut self) {
        self.child.stdin = None;
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the agent ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The state letter of a process in `/proc`; none = it is gone. A zombie is gone.
pub(crate) fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let letter = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
    (letter != 'Z').then_some(letter)
}

pub(crate) fn is_gone(pid: i32) -> bool {
    state(pid).is_none()
}
