//! A stub `cockroach` on PATH: a world of one's own has its database by it, and nothing of it is left. No CockroachDB
//! ran here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use chaos::wait::wait_until;
use nix::sys::signal::Signal;
use scheduler_client::local::Process;

use crate::bed::{Bed, PATIENCE, is_over, signal, text};

fn stub(bed: &Bed, script: &str) {
    let path = bed.path("bin/cockroach");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn drill(bed: &Bed) -> Command {
    let mut command = bed.chaos(&["drill", "region-cut"]);
    command.env_remove("MERIDIAN_DRILL_ENGINE");
    command
}

#[test]
fn a_cockroach_that_does_not_start_is_told_and_no_other_database_is_taken() {
    let bed = Bed::new("0");
    stub(&bed, "#!/bin/sh\necho 'cannot run on this machine' >&2\nexit 1\n");
    let output = drill(&bed).output().unwrap();
    assert!(!output.status.success());
    let told = text(&output);
    assert!(told.contains("CockroachDB did not start") && told.contains("cannot run on this machine"), "{told}");
    assert!(bed.registry().notes().unwrap().is_empty(), "nothing is left to be undone");
}

#[test]
fn one_that_is_asked_for_and_not_there_is_refused() {
    let bed = Bed::new("0");
    let output = drill(&bed).args(["--engine", "cockroach"]).env("PATH", bed.path("bin")).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("there is no program cockroach on PATH"), "{}", text(&output));
}

#[tokio::test]
async fn its_nodes_end_when_the_drill_is_killed() {
    let bed = Bed::new("0");
    stub(&bed, "#!/bin/sh\nif [ \"$1\" = start ]; then echo $$ >> \"$BED/nodes\"; exec sleep 600; fi\n");
    let mut drill = drill(&bed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pids = || -> Vec<i32> {
        let text = fs::read_to_string(bed.path("nodes")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    assert!(wait_until(PATIENCE, async || pids().len() == 3).await);
    let note = bed.registry().notes().unwrap().remove(0);
    let stores = note.folder.join("database");
    // What is not in the notes yet nobody can end.
    let noted = async || fs::read_to_string(stores.join("nodes.jsonl")).is_ok_and(|text| text.lines().count() == 3);
    assert!(wait_until(PATIENCE, noted).await);
    let nodes: Vec<Process> = pids().into_iter().map(Process::of).collect();
    assert!(nodes.iter().all(Process::runs));
    signal(i32::try_from(drill.id()).unwrap(), Signal::SIGKILL);
    drill.wait().unwrap();
    assert!(wait_until(PATIENCE, async || is_over(&note.log())).await);
    assert!(nodes.iter().all(|node| !node.runs()), "{nodes:?}");
    assert!(!stores.exists());
}
