//! `kill -9` of the drill's process: its guard undoes what it did.

use chaos::wait::wait_until;
use nix::sys::signal::Signal;

use crate::bed::{Bed, DONE, PATIENCE, UNDONE, guard_of, has_ended, is_over, signal};

#[tokio::test]
async fn the_guard_undoes_what_a_killed_drill_did() {
    let mut bed = Bed::new("600");
    let note = bed.start().await;
    signal(note.pid, Signal::SIGKILL);
    assert_eq!(bed.ended().await, None);
    assert!(wait_until(PATIENCE, async || is_over(&note.log())).await);
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());
}

#[tokio::test]
async fn nothing_but_sigkill_ends_the_guard() {
    let mut bed = Bed::new("600");
    let note = bed.start().await;
    let guard = guard_of(&note);
    for sent in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        signal(guard, sent);
    }
    signal(note.pid, Signal::SIGKILL);
    assert!(wait_until(PATIENCE, async || is_over(&note.log())).await);
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());
}

#[tokio::test]
async fn a_command_under_way_ends_and_is_undone_too() {
    let mut bed = Bed::new("600");
    bed.replace("argv: [stub, stop,", "argv: [stub, hang,");
    let note = bed.start().await;
    let hangs = bed.path("hangs");
    assert!(wait_until(PATIENCE, async || std::fs::read_to_string(&hangs).is_ok_and(|pid| pid.ends_with('\n'))).await);
    let pid: i32 = std::fs::read_to_string(&hangs).unwrap().trim().parse().unwrap();
    signal(note.pid, Signal::SIGKILL);
    assert!(wait_until(PATIENCE, async || is_over(&note.log())).await);
    assert_eq!(bed.calls(), [&[DONE[0], "hang db 1"], &UNDONE[..]].concat());
    assert!(wait_until(PATIENCE, async || has_ended(pid)).await, "process {pid} still runs");
}

#[tokio::test]
async fn the_guard_leaves_alone_what_is_undone_already() {
    let mut bed = Bed::new("0");
    let early = "  - { type: action, name: early, provider: { type: undo, of: stop }, pauses: { after: 600 } }\n";
    bed.append(early);
    let note = bed.start().await;
    bed.wait_for_calls(3).await;
    let noted =
        async || chaos::undo::log::lines(&note.log()).is_ok_and(|lines| chaos::undo::undone(&lines) == ["stop"]);
    assert!(wait_until(PATIENCE, noted).await);
    signal(note.pid, Signal::SIGKILL);
    assert!(wait_until(PATIENCE, async || is_over(&note.log())).await);
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());
}

#[tokio::test]
async fn the_guard_ends_with_its_drill() {
    let mut bed = Bed::new("600");
    let note = bed.start().await;
    let guard = guard_of(&note);
    signal(note.pid, Signal::SIGTERM);
    bed.ended().await;
    assert!(has_ended(guard));
    assert_eq!(bed.calls(), [DONE, UNDONE].concat(), "nothing is undone twice");
}
