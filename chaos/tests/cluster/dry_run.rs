use crate::bed::{Bed, text};

#[test]
fn the_dry_run_tells_each_command_its_target_and_its_undo_and_does_nothing() {
    let bed = Bed::new("0");
    let output = bed.chaos(&["drill", "lose.yaml", "--tier", "cluster"]).env_remove("MERIDIAN_TOKEN").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    for wanted in [
        "node pool of us-west (us-west)",
        "stub drain us-west --now",
        "stub uncordon us-west",
        "database node 1",
        "stub stop db 1",
        "stub start db 1",
        "undo what ran: stop, drain",
        "`stub context` must print staging",
    ] {
        assert!(told.contains(wanted), "{wanted:?} is missing in\n{told}");
    }
    assert!(bed.calls().is_empty(), "{:?}", bed.calls());
    assert!(!bed.path("state").exists());
}

#[test]
fn the_dry_run_is_a_document_too() {
    let bed = Bed::new("0");
    let output = bed.chaos(&["drill", "lose.yaml", "--tier", "cluster", "--format", "json"]).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let target = &told["steps"][1]["targets"][0];
    assert_eq!(target["what"], "database node 1");
    assert_eq!(target["how"], "stub stop db 1");
    assert_eq!(target["undo"], "stub start db 1");
}

#[test]
fn what_cannot_be_done_is_told_before_anything_starts() {
    let bed = Bed::new("0");
    bed.replace("undo: [stub, start,", "undo: [no-such-program, start,");
    let dry = bed.chaos(&["drill", "lose.yaml", "--tier", "cluster"]).output().unwrap();
    let run = bed.drill().output().unwrap();
    for output in [dry, run] {
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        let wanted = "stop: tier cluster: there is no program no-such-program";
        assert!(text(&output).contains(wanted), "{}", text(&output));
    }
    assert!(bed.calls().is_empty());
}
