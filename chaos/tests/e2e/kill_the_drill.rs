//! The process of a drill is killed with -9 while an agent of its world stands still: nothing of the world is left.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use chaos::undo::{Undo, UndoLine, log};
use chaos::wait::wait_until;
use chaos::world::{program, stands_still};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scheduler_client::local::Process;

use crate::fixture::turn;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_drill_that_is_killed_leaves_no_process_no_toxic_and_no_database() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let mut drill = Command::new(program("chaos").unwrap())
        .args(["drill", "agent-zombie", "--untimed", "--out"])
        .arg(dir.path())
        .arg("--state")
        .arg(dir.path().join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(dir.path().join("said")).unwrap())
        .spawn()
        .unwrap();
    let undo = dir.path().join("agent-zombie").join(log::FILE);

    let asleep = async || children(drill.id()).iter().any(|process| stands_still(process.pid.unsigned_abs()));
    assert!(wait_until(PATIENCE, asleep).await, "no agent was stopped: {}", said(dir.path()));
    let world = children(drill.id());
    let port = database(&log::lines(&undo).unwrap());
    assert!(world.len() >= 8, "the proxy, the guard, three schedulers and three agents: {world:?}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());

    kill(Pid::from_raw(i32::try_from(drill.id()).unwrap()), Signal::SIGKILL).unwrap();
    drill.wait().unwrap();
    let gone = async || world.iter().all(|process| !process.runs()) && TcpStream::connect(("127.0.0.1", port)).is_err();
    assert!(
        wait_until(PATIENCE, gone).await,
        "still there: {:?}",
        world.iter().filter(|one| one.runs()).collect::<Vec<_>>()
    );
    assert_eq!(log::lines(&undo).unwrap().last(), Some(&UndoLine::Over));
}

/// The processes that a process has started, and those that they have.
fn children(parent: u32) -> Vec<Process> {
    let told = Command::new("ps").args(["-e", "-o", "pid=,ppid="]).output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    let pairs: Vec<(i32, i32)> = text.lines().filter_map(pair).collect();
    let mut found = vec![i32::try_from(parent).unwrap()];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    // The first is the parent itself; one that has just ended has no beginning.
    found.into_iter().skip(1).map(Process::of).filter(|process| process.began.is_some()).collect()
}

fn pair(line: &str) -> Option<(i32, i32)> {
    let (pid, parent) = line.trim().split_once(' ')?;
    Some((pid.parse().ok()?, parent.trim().parse().ok()?))
}

fn database(lines: &[UndoLine]) -> u16 {
    let undos = lines.iter().flat_map(|line| match line {
        UndoLine::Planned { undo, .. } => undo.as_slice(),
        UndoLine::Undone { .. } | UndoLine::Over => &[],
    });
    let mut ports = undos.filter_map(|undo| match undo {
        Undo::Database { port } => Some(*port),
        Undo::Continue { .. }
        | Undo::Uncordon { .. }
        | Undo::Toxics { .. }
        | Undo::Nodes { .. }
        | Undo::Command { .. } => None,
    });
    ports.next_back().expect("the database's end is planned before it begins")
}

fn said(folder: &Path) -> String {
    fs::read_to_string(folder.join("said")).unwrap_or_default()
}
