//! `chaos stop` and `chaos clear`, from another terminal.

use nix::sys::signal::Signal;

use crate::bed::{Bed, DONE, UNDONE, guard_of, signal, text};

#[tokio::test]
async fn stop_has_a_running_drill_undo_what_it_did_and_blocks_new_ones_until_clear() {
    let mut bed = Bed::new("600");
    let note = bed.start().await;
    let stopped = bed.chaos(&["stop"]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(0), "{}", text(&stopped));
    let wanted = format!("run {} (lose) broke off; undone: stop, drain", note.run);
    assert!(text(&stopped).contains(&wanted), "{}", text(&stopped));
    assert_eq!(bed.ended().await, Some(4));
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());

    let refused = bed.drill().output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(text(&refused).contains("`chaos clear` lets new ones begin"), "{}", text(&refused));
    assert_eq!(bed.calls().len(), 4, "nothing was done");

    assert!(bed.chaos(&["clear"]).status().unwrap().success());
    bed.replace("after: 600", "after: 0");
    assert_eq!(bed.drill().output().unwrap().status.code(), Some(0));
}

#[tokio::test]
async fn stop_undoes_what_a_killed_drill_left_where_its_guard_was_killed_too() {
    let mut bed = Bed::new("600");
    let note = bed.start().await;
    signal(guard_of(&note), Signal::SIGKILL);
    signal(note.pid, Signal::SIGKILL);
    bed.ended().await;
    assert_eq!(bed.calls(), DONE, "nobody undid it");

    let refused = bed.drill().output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    let wanted = format!("`chaos stop --run {}` undoes it", note.run);
    assert!(text(&refused).contains(&wanted), "{}", text(&refused));

    let stopped = bed.chaos(&["stop", "--run", &note.run]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(0), "{}", text(&stopped));
    assert!(text(&stopped).contains("was dead; undone: stop, drain"), "{}", text(&stopped));
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());
    assert_eq!(bed.registry().notes().unwrap(), []);
}

#[tokio::test]
async fn two_drills_for_one_context_exclude_each_other() {
    let mut bed = Bed::new("600");
    let note = bed.start().await;
    let refused = bed.drill().output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    let wanted = format!("drill lose (run {}, process {}) is at work on context staging", note.run, note.pid);
    assert!(text(&refused).contains(&wanted), "{}", text(&refused));
    assert_eq!(bed.calls(), DONE);
}

#[test]
fn stop_without_a_drill_still_blocks_new_ones() {
    let bed = Bed::new("0");
    let stopped = bed.chaos(&["stop"]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(0));
    assert!(text(&stopped).contains("no drill is going on"), "{}", text(&stopped));
    assert_eq!(bed.drill().output().unwrap().status.code(), Some(3));
    let unknown = bed.chaos(&["stop", "--run", "nobody"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
}
