//! A deployment of stubs, and the program `chaos` beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use chaos::registry::{Note, Registry};
use chaos::wait::wait_until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How long anything may take here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const TITLE: &str = "Lose the pool of us-west";

/// What the drill does, and what undoes it, as the stub notes it.
pub(crate) const DONE: [&str; 2] = ["drain us-west --now", "stop db 1"];
pub(crate) const UNDONE: [&str; 2] = ["start db 1", "uncordon us-west"];

/// Notes every call but the question for the context; `hang` does not end, and says who it is.
const STUB: &str = r#"#!/bin/sh
if [ "$1" = context ]; then cat "$BED/context"; exit; fi
echo "$@" >> "$BED/calls"
if [ "$1" = hang ]; then echo $$ > "$BED/hangs"; sleep 600; fi
"#;

/// A drill of two commands; `hold` is the wait after them.
fn drill(hold: &str) -> String {
    format!(
        r#"
title: {TITLE}
description: Two commands of a stub, each with its undo.
tiers: [cluster]
context: {{ argv: [stub, context], name: staging }}
blast_radius: {{ regions_max: 1, min_healthy_regions: 1, tiers: [cluster] }}
steady-state-hypothesis:
  title: the service answers
  probes:
    - name: answers
      tolerance: {{ min: 1 }}
      provider: {{ type: process, argv: [cat, figure], read: number }}
abort:
  - {{ when: answers, below: 0.5, for_s: 1 }}
method:
  - type: action
    name: drain
    provider:
      type: command
      target: node pool of us-west
      region: us-west
      argv: [stub, drain, us-west, --now]
      undo: [stub, uncordon, us-west]
  - type: action
    name: stop
    provider: {{ type: command, target: database node 1, argv: [stub, stop, db, "1"], undo: [stub, start, db, "1"] }}
    pauses: {{ after: {hold} }}
"#
    )
}

pub(crate) struct Bed {
    dir: TempDir,
    children: Vec<Child>,
}

impl Bed {
    /// A deployment that is well, and a drill that holds its faults for so long.
    pub(crate) fn new(hold: &str) -> Self {
        let bed = Self { dir: tempfile::tempdir().unwrap(), children: Vec::new() };
        let stub = bed.path("bin/stub");
        fs::create_dir_all(stub.parent().unwrap()).unwrap();
        fs::write(&stub, STUB).unwrap();
        fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
        bed.write("context", "staging\n");
        bed.write("figure", "1\n");
        bed.write("lose.yaml", &drill(hold));
        bed
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        // In one piece: a probe may read it at any time.
        let whole = self.path("whole");
        fs::write(&whole, text).unwrap();
        fs::rename(whole, self.path(name)).unwrap();
    }

    /// Puts other words into the drill.
    pub(crate) fn replace(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("lose.yaml")).unwrap();
        assert!(text.contains(from), "{from:?} is not in the drill");
        self.write("lose.yaml", &text.replace(from, to));
    }

    /// Puts more steps at the end of the drill.
    pub(crate) fn append(&self, steps: &str) {
        let text = fs::read_to_string(self.path("lose.yaml")).unwrap();
        self.write("lose.yaml", &format!("{text}{steps}"));
    }

    /// How the stub was called, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) async fn wait_for_calls(&self, count: usize) {
        let enough = wait_until(PATIENCE, async || self.calls().len() >= count).await;
        assert!(enough, "{:?}\n{}", self.calls(), self.said());
    }

    /// `chaos` with these arguments and an operator's token, in this deployment.
    pub(crate) fn chaos(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos"));
        let path = std::env::var("PATH").unwrap();
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("BED", self.dir.path())
            .env("MERIDIAN_CHAOS_STATE", self.path("state"))
            .env("MERIDIAN_TOKEN", "an-operator")
            .env_remove("MERIDIAN_SERVER")
            .stdin(Stdio::null());
        command
    }

    /// `chaos drill` that passes every gate.
    pub(crate) fn drill(&self) -> Command {
        self.chaos(&["drill", "lose.yaml", "--tier", "cluster", "--execute", "--title", TITLE])
    }

    /// Starts a drill and waits until its faults are in force. Answers its note.
    pub(crate) async fn start(&mut self) -> Note {
        let said = fs::File::create(self.path("said")).unwrap();
        let child = self.drill().stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap();
        self.children.push(child);
        self.wait_for_calls(2).await;
        self.registry().notes().unwrap().remove(0)
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::new(Some(&self.path("state")))
    }

    /// Waits until the drill that was started has ended; answers its exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let child = self.children.last_mut().unwrap();
        let mut status = None;
        let ended = wait_until(PATIENCE, async || {
            status = child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        assert!(ended, "{}", fs::read_to_string(self.path("said")).unwrap());
        status.unwrap().code()
    }

    /// What the drill that was started has said.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        for child in &mut self.children {
            // What it did has to be undone before the folder goes.
            if matches!(child.try_wait(), Ok(None)) {
                signal(i32::try_from(child.id()).unwrap(), Signal::SIGTERM);
            }
            let _ = child.wait();
        }
    }
}

/// Sends a signal to a process of this test.
pub(crate) fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// The guard of a run.
pub(crate) fn guard_of(note: &Note) -> i32 {
    let log = note.log().to_string_lossy().into_owned();
    let told = Command::new("ps").args(["-A", "-o", "pid=,args="]).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let line = told.lines().find(|line| line.contains(" guard ") && line.contains(&log)).expect("the run has a guard");
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Whether no process has this id any more.
pub(crate) fn has_ended(pid: i32) -> bool {
    let told = Command::new("ps").args(["-o", "state=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    // A zombie has ended; who is to reap it is nobody's business here.
    state.is_empty() || state.starts_with('Z')
}

/// Whether the log says that everything is undone.
pub(crate) fn is_over(log: &Path) -> bool {
    chaos::undo::log::lines(log).unwrap().contains(&chaos::undo::UndoLine::Over)
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
