//! Whatever was done is undone, last first, however the drill ends.

use nix::sys::signal::Signal;

use crate::bed::{Bed, DONE, UNDONE, is_over, signal, text};

#[test]
fn after_success() {
    let bed = Bed::new("1");
    let output = bed.drill().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());
    assert_eq!(bed.registry().notes().unwrap(), []);
}

#[test]
fn in_the_order_of_the_rollbacks_where_the_file_gives_one() {
    let bed = Bed::new("0");
    bed.replace("method:", "rollbacks: [{ ref: drain }]\nmethod:");
    let output = bed.drill().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(bed.calls(), [DONE, [UNDONE[1], UNDONE[0]]].concat());
}

#[test]
fn after_a_step_that_fails() {
    let bed = Bed::new("0");
    bed.replace("argv: [stub, stop,", "argv: [\"false\", stop,");
    let output = bed.drill().output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("step stop failed: false ended with exit code 1"), "{}", text(&output));
    assert_eq!(bed.calls(), [&DONE[..1], &UNDONE].concat());
}

#[tokio::test]
async fn after_an_abort_rule() {
    let mut bed = Bed::new("600");
    bed.start().await;
    bed.write("figure", "0\n");
    assert_eq!(bed.ended().await, Some(4), "{}", bed.said());
    assert!(bed.said().contains("broken off: answers was below 0.5 for 1 s"), "{}", bed.said());
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());
}

#[tokio::test]
async fn after_sigterm_and_sigint_and_sighup() {
    for sent in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let mut bed = Bed::new("600");
        let note = bed.start().await;
        signal(note.pid, sent);
        assert_eq!(bed.ended().await, Some(4), "{}", bed.said());
        assert!(bed.said().contains(&format!("broken off: {sent} came")), "{}", bed.said());
        assert_eq!(bed.calls(), [DONE, UNDONE].concat());
        assert!(is_over(&note.log()));
        assert_eq!(bed.registry().notes().unwrap(), []);
    }
}
