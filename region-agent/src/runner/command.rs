//! A program on this machine, under a supervisor.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use topology::MissionId;

use super::{Ending, Failure, Job, Tether, reason, verdict};
use crate::book::StopCause;
use crate::clock::Boot;
use crate::lease::Lease;
use crate::supervisor::protocol::{Deadlines, Ended, Order, Report, Start};

/// How often the agent says that it lives while no heartbeat is answered; the supervisor waits four times as long.
const ALIVE: Duration = Duration::from_millis(500);

/// What to run and what it gets to know.
#[derive(Debug, Clone)]
pub struct CommandSettings {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The runner's environment: the allow-list's and the secrets' names with their values.
    pub env: Vec<(String, String)>,
    /// Values that no report may show.
    pub secrets: Vec<String>,
    /// Every run gets a folder of its own in here, removed after it.
    pub work: PathBuf,
    /// Longest run, where it is shorter than the mission's own limit.
    pub time_limit: Option<Duration>,
    /// The binary whose hidden subcommand supervises: this one.
    pub supervisor: PathBuf,
}

/// The runner.
#[derive(Debug)]
pub struct Command {
    settings: CommandSettings,
}

impl Command {
    /// A runner of one command.
    #[must_use]
    pub const fn new(settings: CommandSettings) -> Self {
        Self { settings }
    }

    /// Removes folders of runs, by their names, from a work folder; one that is not there has none.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove_left_overs(work: &Path) -> std::io::Result<()> {
        let entries = match std::fs::read_dir(work) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() && entry.file_name().to_str().is_some_and(is_run) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) async fn run(&self, job: &Job, mut tether: Tether) -> Ending {
        let dir = self.settings.work.join(format!("{}-{}", job.grant.mission, job.grant.epoch));
        let ending = match self.start(job, &dir, &tether).await {
            Ok(supervised) => {
                let (ended, told) = supervised.lead(&mut tether).await;
                verdict::ending(job, ended, told, &self.settings.secrets)
            }
            Err(error) => broken(&error),
        };
        if let Err(error) = tokio::fs::remove_dir_all(&dir).await {
            tracing::warn!(%error, dir = %dir.display(), "a runner's folder stays behind");
        }
        ending
    }

    async fn start(&self, job: &Job, dir: &Path, tether: &Tether) -> std::io::Result<Supervised> {
        tokio::fs::create_dir_all(dir).await?;
        let mut child = tokio::process::Command::new(&self.settings.supervisor)
            .arg0("region-agent")
            .arg("supervise")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Not in the agent's group: a Ctrl-C for the agent, which drains, is none for the runner.
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = child.stdout.take().expect("it is piped");
        let mut supervised =
            Supervised { child, orders: Some(stdin), reports: BufReader::new(stdout).lines(), group: None };
        supervised.order(&Order::Start(Box::new(self.order(job, dir.to_owned(), tether)))).await;
        Ok(supervised)
    }

    fn order(&self, job: &Job, dir: PathBuf, tether: &Tether) -> Start {
        let mut env = self.settings.env.clone();
        let (mission, epoch) = (job.grant.mission.to_string(), job.grant.epoch.to_string());
        for prefix in ["", "MERIDIAN_"] {
            env.push((format!("{prefix}MISSION_ID"), mission.clone()));
            env.push((format!("{prefix}MISSION_EPOCH"), epoch.clone()));
        }
        if let Some(drill) = &job.grant.drill {
            env.push(("MERIDIAN_DRILL".to_owned(), drill.clone()));
        }
        if let Some(traceparent) = &job.grant.traceparent {
            env.push(("TRACEPARENT".to_owned(), traceparent.clone()));
        }
        Start {
            argv: self.settings.argv.clone(),
            env,
            dir,
            input: job.input().to_string(),
            run_until: self.run_until(job, tether),
            deadlines: deadlines(&tether.lease.borrow()),
        }
    }

    fn run_until(&self, job: &Job, tether: &Tether) -> Boot {
        let own = self.settings.time_limit.map(|limit| tether.clock.now().after(limit));
        own.map_or(job.run_until, |own| own.min(job.run_until))
    }
}

/// Whether a folder's name is that of a run: the mission's id, a hyphen, the epoch.
fn is_run(name: &str) -> bool {
    let parts = name.rsplit_once('-');
    parts.is_some_and(|(mission, epoch)| mission.parse::<MissionId>().is_ok() && epoch.parse::<u64>().is_ok())
}

fn deadlines(lease: &Lease) -> Deadlines {
    Deadlines { fence_at: lease.fence_at, expires_at: lease.expires_at }
}

fn broken(error: &std::io::Error) -> Ending {
    let detail = json!({ "error": error.to_string() });
    Ending::Failed(Failure { reason: reason::START, detail, retryable: true })
}

/// A supervisor and the pipes to it.
struct Supervised {
    child: Child,
    orders: Option<ChildStdin>,
    reports: Lines<BufReader<ChildStdout>>,
    group: Option<Pid>,
}

impl Supervised {
    /// Passes the lease on until the runner has ended; tells also why it was told to stop.
    async fn lead(mut self, tether: &mut Tether) -> (Ended, Option<StopCause>) {
        let mut told = None;
        let mut alive = tokio::time::interval(ALIVE);
        alive.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut lease = tether.lease.clone();
        lease.mark_changed();
        loop {
            tokio::select! {
                report = self.reports.next_line() => match report.ok().flatten().map(|line| serde_json::from_str(&line)) {
                    Some(Ok(Report::Started { group })) => self.group = Some(Pid::from_raw(group)),
                    Some(Ok(Report::Progress(progress))) => {
                        let _ = tether.progress.try_send(progress);
                    }
                    Some(Ok(Report::Ended(ended))) => return (self.reap(*ended).await, told),
                    Some(Err(_)) | None => return (self.lost().await, told),
                },
                Ok(()) = lease.changed() => {
                    let deadlines = deadlines(&lease.borrow_and_update());
                    self.order(&Order::Extend(deadlines)).await;
                }
                _ = alive.tick() => {
                    if lease.borrow().is_fenced(tether.clock.now()) {
                        self.order(&Order::Alive).await;
                    }
                }
                cause = tether.stopped(), if told.is_none() => {
                    told = Some(cause);
                    self.order(&Order::Stop).await;
                }
            }
        }
    }

    /// A supervisor that takes no orders is gone; its reports tell.
    async fn order(&mut self, order: &Order) {
        let Some(pipe) = &mut self.orders else { return };
        let mut line = serde_json::to_vec(order).expect("orders are plain data");
        line.push(b'\n');
        if pipe.write_all(&line).await.is_err() {
            self.orders = None;
        }
    }

    async fn reap(mut self, ended: Ended) -> Ended {
        drop(self.orders.take());
        let _ = self.child.wait().await;
        ended
    }

    /// The supervisor died: its runner must not outlive it.
    async fn lost(mut self) -> Ended {
        let _ = self.child.start_kill();
        if let Some(group) = self.group {
            let _ = killpg(group, Signal::SIGKILL);
        }
        let status = self.child.wait().await;
        let error = format!("the supervisor ended before its runner: {status:?}");
        Ended { how: crate::supervisor::protocol::How::NotStarted { error }, stdout: None, stderr: String::new() }
    }
}

/// Dropped before the end (the agent shuts down): the closed pipe tells the supervisor to kill the runner.
impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.orders.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_runs_are_removed() {
        let work = tempfile::tempdir().unwrap();
        let run = format!("{}-3", MissionId::random());
        for name in [run.as_str(), "mine", "a-1", "6f1c1f0e-0000-4000-8000-000000000001"] {
            std::fs::create_dir(work.path().join(name)).unwrap();
        }
        std::fs::write(work.path().join(format!("{}-1", MissionId::random())), "a file").unwrap();
        Command::remove_left_overs(work.path()).unwrap();
        assert!(!work.path().join(run).exists());
        assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 4);
        Command::remove_left_overs(&work.path().join("nothing")).unwrap();
    }
}
