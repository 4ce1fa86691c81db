//! Missions of the drill's own, where a scheduler is known: a stub in this process.

use std::process::Command;

use chaos::checker::AnomalyKind;
use chaos::journal::{Journal, Verdict};
use chaos::report;

use crate::bed::{Bed, DONE, UNDONE, text};
use crate::scheduler::Scheduler;

const PROBES: &str = "
    - name: taken
      tolerance: { min: 0.9 }
      provider: { type: sli, query: submit_success_ratio, window_s: 3 }
    - name: waits
      tolerance: { max: 1500 }
      provider: { type: sli, query: submit_to_leased_p99_ms, window_s: 3 }
    - name: overdue
      tolerance: 0
      provider: { type: sli, query: overdue_missions, window_s: 1 }
";

/// A drill that submits missions and reads its probes from them.
fn bed(hold: &str) -> Bed {
    let bed = Bed::new(hold);
    bed.replace("abort:", &format!("{}abort:", PROBES.trim_start_matches('\n')));
    bed.replace("blast_radius:", "objectives: { lost: 0, duplicated: 0, rto_s: 3 }\nblast_radius:");
    bed.replace("blast_radius:", "load: { per_second: 40, warm_s: 1, steady_s: 1 }\nblast_radius:");
    bed
}

fn drill(bed: &Bed, scheduler: &Scheduler) -> Command {
    let mut command = bed.drill();
    command.args(["--server", &scheduler.url, "--out"]).arg(bed.path("out"));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn missions_carry_the_run_and_the_report_says_what_nobody_could_see() {
    let bed = bed("1");
    let scheduler = Scheduler::start(bed.path("stuck")).await;
    let output = drill(&bed, &scheduler).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(bed.calls(), [DONE, UNDONE].concat());

    let journal = report::read(&bed.path("out")).unwrap();
    let submitted = scheduler.submitted();
    assert!(submitted.len() > 60, "two seconds before the method alone have 80: {}", submitted.len());
    assert!(submitted.iter().all(|mission| mission["drill"] == journal.run.as_str()));
    assert_eq!(
        (journal.check.acknowledged, journal.check.unjudged),
        (submitted.len() as u64, AnomalyKind::BY_RUNNERS.into())
    );
    let waits = journal.steady_before.iter().find(|probed| probed.probe == "waits").unwrap();
    assert!(waits.figure.is_some_and(|ms| (19.0..1_500.0).contains(&ms)), "{waits:?}");
    let victim = journal.victim.unwrap();
    assert_eq!((victim.region.as_str(), victim.leases, victim.of), ("us-west", 4, 7));
    let kept = |name: &str| journal.judged.iter().find(|judged| judged.objective == name).unwrap().kept;
    assert_eq!((kept("lost"), kept("duplicated")), (Some(true), None), "{:?}", journal.judged);
    let told = text(&output);
    for wanted in
        ["none was lost. Whether any was done twice", "not judged: the runners of this world write nothing down"]
    {
        assert!(told.contains(wanted), "{wanted:?} is missing in\n{told}");
    }
    assert!(bed.path("out/report.html").is_file() && bed.path("out/history/rows.jsonl").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mission_that_was_acknowledged_and_is_gone_is_lost() {
    let bed = bed("1");
    let scheduler = Scheduler::start(bed.path("stuck")).await;
    scheduler.forget(3);
    let output = drill(&bed, &scheduler).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let Journal { reasons, check, .. } = report::read(&bed.path("out")).unwrap();
    assert_eq!(check.count(AnomalyKind::Lost), 1, "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missions_that_wait_while_the_fault_lasts_are_a_deviation() {
    let bed = bed("5");
    bed.replace(
        "argv: [stub, stop, db, \"1\"], undo: [stub, start, db, \"1\"]",
        "argv: [touch, stuck], undo: [rm, -f, stuck]",
    );
    let scheduler = Scheduler::start(bed.path("stuck")).await;
    let output = drill(&bed, &scheduler).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let Journal { verdict, reasons, check, .. } = report::read(&bed.path("out")).unwrap();
    assert_eq!(verdict, Verdict::Deviated);
    let wanted = "rto_s was wanted at most 3: not recovered before the fault ended";
    assert!(reasons.iter().any(|reason| reason == wanted), "{reasons:?}");
    assert!(check.is_clean(), "they ended after the heal: {check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_from_missions_is_refused_where_none_can_be_submitted() {
    let bed = bed("0");
    let output = bed.drill().output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("name a scheduler with --server"), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_no_load_submits_nothing() {
    let bed = Bed::new("0");
    bed.replace("blast_radius:", "load: { per_second: 0 }\nblast_radius:");
    let scheduler = Scheduler::start(bed.path("stuck")).await;
    let output = drill(&bed, &scheduler).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(scheduler.submitted().is_empty());
    assert!(text(&output).contains("not measured: no mission was acknowledged"), "{}", text(&output));
}
