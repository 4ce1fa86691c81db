//! The supervisor's loop.

use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::group::{adopt_orphans, kill_all, signal_all};
use super::protocol::{Deadlines, Ended, How, OUTPUT_MAX, Order, Report, STDERR_KEPT, Start};
use crate::clock::{Boot, machine_now};

/// Longest time between two looks at the clock: timers stand still while the machine sleeps.
const LOOK: Duration = Duration::from_millis(100);

/// How long an agent that gets no heartbeat answered may be silent once the lease is over.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the output of a runner may still arrive after its end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A line of standard error that starts so carries progress, as JSON.
const PROGRESS: &str = "::progress ";

/// Supervises one runner, ordered on standard input; returns when it has ended and that is reported.
///
/// # Errors
/// When the pipes to the agent do not work.
pub async fn run() -> anyhow::Result<()> {
    adopt_orphans();
    let (mut orders, reports) = connect()?;
    let Some(Order::Start(start)) = next_order(&mut orders).await else {
        anyhow::bail!("the first line is no order to start");
    };
    let (sender, writer) = reporter(reports);
    let ended = match spawn(&start) {
        Ok(child) => supervise(child, &start, &mut orders, &sender).await,
        Err(error) => not_started(&error),
    };
    // The agent may be gone: then nobody wants to know.
    let _ = sender.send(Report::Ended(Box::new(ended))).await;
    drop(sender);
    let _ = writer.await;
    Ok(())
}

type Orders = Lines<BufReader<pipe::Receiver>>;

/// The two pipes to the agent. Not tokio's stdin: a read of that cannot be given up.
fn connect() -> anyhow::Result<(Orders, pipe::Sender)> {
    let input = std::io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
    let output = std::io::stdout().as_fd().try_clone_to_owned().context("standard output")?;
    let receiver = pipe::Receiver::from_owned_fd(input).context("standard input must be a pipe")?;
    let sender = pipe::Sender::from_owned_fd(output).context("standard output must be a pipe")?;
    Ok((BufReader::new(receiver).lines(), sender))
}

/// The next order; none = the pipe closed, or what came is no order, which is the same: nobody is there who leads.
async fn next_order(orders: &mut Orders) -> Option<Order> {
    let line = orders.next_line().await.ok()??;
    serde_json::from_str(&line).ok()
}

/// Writes reports in a task of its own, so that an agent that does not read holds nothing up.
fn reporter(mut pipe: pipe::Sender) -> (mpsc::Sender<Report>, JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::channel::<Report>(16);
    let writer = tokio::spawn(async move {
        while let Some(report) = receiver.recv().await {
            let mut line = serde_json::to_vec(&report).expect("reports are plain data");
            line.push(b'\n');
            if pipe.write_all(&line).await.is_err() {
                return;
            }
        }
    });
    (sender, writer)
}

fn not_started(error: &std::io::Error) -> Ended {
    Ended { how: How::NotStarted { error: error.to_string() }, stdout: Some(String::new()), stderr: String::new() }
}

/// Starts the runner in a group of its own, by way of this binary's last step (`stage`).
fn spawn(start: &Start) -> std::io::Result<Child> {
    Command::new(super::own_binary()?)
        .arg0("region-agent")
        .arg("exec-runner")
        .arg(std::process::id().to_string())
        .arg("--")
        .args(&start.argv)
        .env_clear()
        .envs(start.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&start.dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// What the loop knows.
struct Watch {
    group: Pid,
    deadlines: Deadlines,
    run_until: Boot,
    heard: Boot,
    stopped: bool,
}

impl Watch {
    /// Stops the runner or lets it go on, or says why it must die.
    fn look(&mut self, now: Boot) -> Option<How> {
        if now >= self.run_until {
            return Some(How::RunLimit);
        }
        if now >= self.deadlines.expires_at && now >= self.heard.after(PATIENCE) {
            return Some(How::Expired);
        }
        let fenced = now >= self.deadlines.fence_at;
        if fenced != self.stopped {
            signal_all(self.group, if fenced { Signal::SIGSTOP } else { Signal::SIGCONT });
            self.stopped = fenced;
        }
        None
    }

    /// How long nothing can change by time alone.
    fn rest(&self, now: Boot) -> Duration {
        let next = if self.stopped { self.deadlines.expires_at } else { self.deadlines.fence_at };
        now.until(next.min(self.run_until)).clamp(Duration::from_millis(1), LOOK)
    }

    fn hear(&mut self, order: Option<Order>, now: Boot) -> Option<How> {
        self.heard = now;
        match order {
            Some(Order::Extend(deadlines)) => self.deadlines = deadlines,
            Some(Order::Alive | Order::Start(_)) => {}
            Some(Order::Stop) => return Some(How::Told),
            None => return Some(How::Orphaned),
        }
        None
    }
}

async fn supervise(mut child: Child, start: &Start, orders: &mut Orders, sender: &mpsc::Sender<Report>) -> Ended {
    let group = Pid::from_raw(child.id().expect("it was not waited for yet") as i32);
    let _ = sender.send(Report::Started { group: group.as_raw() }).await;
    feed(&mut child, &start.input);
    let (full, mut overflow) = mpsc::channel(1);
    let stdout = tokio::spawn(read_output(child.stdout.take().expect("it is piped"), full));
    let stderr = tokio::spawn(read_errors(child.stderr.take().expect("it is piped"), sender.clone()));
    let now = machine_now();
    let mut watch = Watch { group, deadlines: start.deadlines, run_until: start.run_until, heard: now, stopped: false };
    let how = loop {
        if let Some(how) = watch.look(machine_now()) {
            break how;
        }
        let rest = watch.rest(machine_now());
        let verdict = tokio::select! {
            status = child.wait() => Some(ended_by_itself(status)),
            order = next_order(orders) => watch.hear(order, machine_now()),
            Some(()) = overflow.recv() => Some(How::OutputTooLarge),
            () = tokio::time::sleep(rest) => None,
        };
        if let Some(how) = verdict {
            break how;
        }
    };
    kill_all(group);
    let _ = child.wait().await;
    let stdout = last_words(stdout).await.unwrap_or_default();
    let stderr = last_words(stderr).await.unwrap_or_default();
    // It may have ended by itself before anybody noticed how much it had written.
    let how = if overflow.try_recv().is_ok() { How::OutputTooLarge } else { how };
    Ended { how, stdout: String::from_utf8(stdout).ok(), stderr }
}

fn ended_by_itself(status: std::io::Result<std::process::ExitStatus>) -> How {
    use std::os::unix::process::ExitStatusExt;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => How::Exited { code },
            (None, signal) => How::Signalled { signal: signal.unwrap_or_default() },
        },
        Err(error) => How::NotStarted { error: error.to_string() },
    }
}

/// Writes the mission to the runner. One that does not read it is free to.
fn feed(child: &mut Child, input: &str) {
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_owned();
    tokio::spawn(async move {
        let _ = stdin.write_all(input.as_bytes()).await;
    });
}

/// Reads up to [`OUTPUT_MAX`] bytes, then says that there is more.
async fn read_output(mut pipe: ChildStdout, full: mpsc::Sender<()>) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut limited = (&mut pipe).take(OUTPUT_MAX as u64 + 1);
    let _ = limited.read_to_end(&mut kept).await;
    if kept.len() > OUTPUT_MAX {
        kept.clear();
        let _ = full.send(()).await;
    }
    kept
}

/// Keeps the end of standard error and passes progress on; progress that nobody takes at once is dropped.
async fn read_errors(pipe: ChildStderr, sender: mpsc::Sender<Report>) -> String {
    let mut reader = BufReader::new(pipe);
    let mut tail = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(STDERR_KEPT as u64 * 8).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        if let Some(Ok(progress)) = text.strip_prefix(PROGRESS).map(serde_json::from_str) {
            let _ = sender.try_send(Report::Progress(progress));
            continue;
        }
        tail.extend_from_slice(&line);
        if tail.len() > STDERR_KEPT {
            tail.drain(..tail.len() - STDERR_KEPT);
        }
    }
    String::from_utf8_lossy(&tail).into_owned()
}

/// What a reader has when the runner is dead. A pipe that a process out of reach holds open is given up.
async fn last_words<T>(reader: JoinHandle<T>) -> Option<T> {
    tokio::time::timeout(LAST_WORDS, reader).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn watch() -> Watch {
        let deadlines = Deadlines { fence_at: Boot(4 * SECOND), expires_at: Boot(5 * SECOND) };
        // No such group exists: the signals of the tests reach nobody.
        Watch {
            group: Pid::from_raw(i32::MAX),
            deadlines,
            run_until: Boot(60 * SECOND),
            heard: Boot(0),
            stopped: false,
        }
    }

    #[test]
    fn the_runner_stands_still_between_fence_and_expiry_and_dies_after_it() {
        let cases = [
            (3 * SECOND, None, false),
            (4 * SECOND, None, true),
            (5 * SECOND - 1, None, true),
            (5 * SECOND, Some(How::Expired), true),
        ];
        let mut watch = watch();
        for (at, wanted, stopped) in cases {
            assert_eq!((watch.look(Boot(at)), watch.stopped), (wanted, stopped), "at {at}");
        }
    }

    #[test]
    fn an_agent_that_speaks_keeps_it_waiting_past_the_expiry_and_silence_ends_it() {
        let mut watch = watch();
        assert_eq!(watch.hear(Some(Order::Alive), Boot(5 * SECOND)), None);
        assert_eq!(watch.look(Boot(7 * SECOND - 1)), None);
        assert!(watch.stopped);
        assert_eq!(watch.look(Boot(7 * SECOND)), Some(How::Expired));
    }

    #[test]
    fn a_renewed_lease_lets_it_go_on() {
        let mut watch = watch();
        assert_eq!(watch.look(Boot(4 * SECOND)), None);
        let renewed = Deadlines { fence_at: Boot(9 * SECOND), expires_at: Boot(10 * SECOND) };
        assert_eq!(watch.hear(Some(Order::Extend(renewed)), Boot(4 * SECOND)), None);
        assert_eq!(watch.look(Boot(5 * SECOND)), None);
        assert!(!watch.stopped);
    }

    #[test]
    fn the_run_limit_holds_whatever_the_lease_says() {
        let mut watch = Watch { run_until: Boot(SECOND), ..watch() };
        assert_eq!(watch.look(Boot(SECOND - 1)), None);
        assert_eq!(watch.look(Boot(SECOND)), Some(How::RunLimit));
    }

    #[test]
    fn a_closed_pipe_or_an_order_kills_it() {
        assert_eq!(watch().hear(None, Boot(1)), Some(How::Orphaned));
        assert_eq!(watch().hear(Some(Order::Stop), Boot(1)), Some(How::Told));
    }
}
