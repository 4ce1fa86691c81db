mod bed;

use std::time::Duration;

use bed::{Bed, fault, pause, probe_step, undo_step};

use super::*;
use crate::drill::{Abort, AbortWhen, TierName};
use crate::undo::{UndoLine, pending};

const S: i64 = 1_000_000;

fn names(activities: &[Activity]) -> Vec<(&str, Option<&str>)> {
    activities.iter().map(|activity| (activity.name.as_str(), activity.error.as_deref())).collect()
}

#[tokio::test(start_paused = true)]
async fn what_began_is_undone_last_first_and_the_log_says_so() {
    let mut bed = Bed::new([fault("a"), pause(fault("b"), 3), fault("c")]);
    let carried = bed.run().await.unwrap();
    assert_eq!(carried.ended, Ended::Completed);
    assert_eq!(bed.told(), ["act a", "act b", "act c", "undo c", "undo b", "undo a", "residue"]);
    assert_eq!(names(&carried.activities), [("a", None), ("b", None), ("c", None)]);
    assert_eq!(carried.fault_at_us, Some(carried.activities[0].ended_at_us));
    assert_eq!(carried.healed_at_us, carried.activities[0].undone_at_us);
    assert_eq!(carried.healed_at_us.unwrap() - carried.fault_at_us.unwrap(), 3 * S);
    assert!(carried.undone && carried.residue.is_empty());
    let lines = bed.lines();
    assert_eq!(lines.last(), Some(&UndoLine::Over));
    assert_eq!(undo::undone(&lines), ["c", "b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn the_undo_is_in_the_log_before_the_step_is_carried_out() {
    let mut bed = Bed::new([fault("a"), fault("b")]);
    bed.run().await.unwrap();
    // The fake tier reads the file while it acts.
    assert_eq!(bed.seen_pending(), [vec!["a"], vec!["b", "a"]]);
}

#[tokio::test(start_paused = true)]
async fn what_the_rollbacks_name_is_undone_first_as_far_as_it_began() {
    let mut bed = Bed::new([fault("a"), fault("b"), fault("c"), fault("d")]);
    bed.drill.rollbacks = vec!["d".to_owned(), "a".to_owned()];
    bed.world.lock().fails = vec!["c".to_owned()];
    bed.run().await.unwrap();
    assert_eq!(bed.told(), ["act a", "act b", "act c", "undo a", "undo c", "undo b", "residue"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_ends_the_method_and_is_undone_too() {
    let mut bed = Bed::new([fault("a"), fault("b"), fault("c")]);
    bed.world.lock().fails = vec!["b".to_owned()];
    let carried = bed.run().await.unwrap();
    assert_eq!(bed.told(), ["act a", "act b", "undo b", "undo a", "residue"]);
    assert_eq!(names(&carried.activities), [("a", None), ("b", Some("b does not work"))]);
    assert_eq!(carried.ended, Ended::Completed);
    assert!(carried.undone);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_is_given_up_and_undone() {
    let mut bed = Bed::new([fault("a")]);
    bed.world.lock().hangs = vec!["a".to_owned()];
    let carried = bed.run().await.unwrap();
    assert_eq!(bed.told(), ["act a", "undo a", "residue"]);
    assert_eq!(names(&carried.activities), [("a", Some("it was not acknowledged within 120 s"))]);
    assert_eq!(carried.fault_at_us, None, "it was never acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_signal_breaks_off_at_once_and_everything_is_undone() {
    let mut bed = Bed::new([fault("a"), pause(fault("b"), 600), fault("c")]);
    let carried = bed.run_with(async { bed::after(10, "SIGTERM").await }).await.unwrap();
    assert_eq!(carried.ended, Ended::Aborted("SIGTERM".to_owned()));
    assert_eq!(bed.told(), ["act a", "act b", "undo b", "undo a", "residue"]);
    assert!(carried.ended_at_us - carried.started_at_us <= 12 * S, "it waits for nothing");
    assert_eq!(bed.lines().last(), Some(&UndoLine::Over));
}

#[tokio::test(start_paused = true)]
async fn a_signal_gives_a_step_under_way_a_little_time() {
    let mut bed = Bed::new([fault("a"), fault("b")]);
    bed.world.lock().hangs = vec!["b".to_owned()];
    let carried = bed.run_with(async { bed::after(10, "SIGINT").await }).await.unwrap();
    assert_eq!(bed.told(), ["act a", "act b", "undo b", "undo a", "residue"]);
    assert_eq!(names(&carried.activities)[1].1, Some("the drill was broken off while it was under way"));
    let b = &carried.activities[1];
    assert_eq!(b.ended_at_us - b.started_at_us, 15 * S, "10 s until the signal, 5 s of grace");
}

#[tokio::test(start_paused = true)]
async fn a_signal_before_the_gate_is_passed_begins_nothing() {
    let mut bed = Bed::new([fault("a")]);
    bed.world.lock().figure = Some(0.0);
    let carried = bed.run_with(async { bed::after(10, "SIGINT").await }).await.unwrap();
    assert_eq!(carried.ended, Ended::Aborted("SIGINT".to_owned()));
    assert_eq!(bed.told(), ["residue"]);
}

#[tokio::test(start_paused = true)]
async fn the_stop_file_breaks_off_within_a_second() {
    let mut bed = Bed::new([pause(fault("a"), 600)]);
    bed.stop_at(7 * S);
    let carried = bed.run().await.unwrap();
    assert_eq!(carried.ended, Ended::Aborted("`chaos stop` was called".to_owned()));
    assert_eq!(bed.told(), ["act a", "undo a", "residue"]);
    let undone_us = carried.healed_at_us.unwrap() - carried.started_at_us;
    assert!((7 * S..=8 * S).contains(&undone_us), "{undone_us}");
}

#[tokio::test(start_paused = true)]
async fn an_abort_rule_breaks_off_and_everything_is_undone() {
    let mut bed = Bed::new([fault("a"), pause(fault("break"), 600)]);
    let when = AbortWhen::Below { probe: "ratio".to_owned(), figure: 0.5, for_time: Duration::from_secs(20) };
    bed.drill.abort = vec![Abort { when }];
    let carried = bed.run().await.unwrap();
    assert_eq!(carried.ended, Ended::Aborted("ratio was below 0.5 for 20 s".to_owned()));
    assert_eq!(bed.told(), ["act a", "act break", "undo break", "undo a", "residue"]);
    let under_fault_us = carried.activities[1].undone_at_us.unwrap() - carried.activities[1].ended_at_us;
    assert!((20 * S..=22 * S).contains(&under_fault_us), "{under_fault_us}");
}

#[tokio::test(start_paused = true)]
async fn probes_are_read_every_second_while_the_method_goes_on() {
    let mut bed = Bed::new([pause(fault("break"), 10)]);
    bed.drill.after.soak = Duration::from_secs(5);
    let carried = bed.run().await.unwrap();
    let fault = carried.fault_at_us.unwrap();
    let healed = carried.healed_at_us.unwrap();
    let bad: Vec<_> = carried.observed.iter().filter(|seen| !seen.holds).collect();
    assert!((9..=11).contains(&bad.len()), "{}", bad.len());
    assert!(bad.iter().all(|seen| (fault..=healed).contains(&seen.at_us) && seen.figure == Some(0.0)));
    let after = carried.observed.iter().filter(|seen| seen.at_us > healed).count();
    assert!((5..=7).contains(&after), "{after}: five seconds of soak and the hypothesis again");
    assert!(carried.observed.is_sorted_by_key(|seen| seen.at_us));
    assert!(carried.steady_after.iter().all(|probed| probed.holds));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_answers_delays_nothing() {
    let mut bed = Bed::new([pause(fault("blind"), 20)]);
    let carried = bed.run().await.unwrap();
    let blind: Vec<_> = carried.observed.iter().filter(|seen| seen.figure.is_none()).collect();
    assert!((3..=4).contains(&blind.len()), "a look every five seconds at most: {}", blind.len());
    assert!(blind.iter().all(|seen| !seen.holds));
    assert_eq!(carried.healed_at_us.unwrap() - carried.fault_at_us.unwrap(), 20 * S);
}

#[tokio::test(start_paused = true)]
async fn the_method_is_not_begun_where_the_hypothesis_does_not_hold() {
    let mut bed = Bed::new([fault("a")]);
    bed.world.lock().figure = Some(0.25);
    let carried = bed.run().await.unwrap();
    let reason = "the hypothesis did not hold before the method: ratio was 0.25";
    assert_eq!(carried.ended, Ended::Inconclusive(reason.to_owned()));
    assert_eq!(bed.told(), ["residue"]);
    assert_eq!(carried.observed.len(), 61, "a look a second for a minute");
    assert!(carried.undone && carried.steady_after.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_gate_waits_until_the_hypothesis_holds() {
    let mut bed = Bed::new([fault("a")]);
    bed.good_from(30 * S);
    let carried = bed.run().await.unwrap();
    assert_eq!(carried.ended, Ended::Completed);
    assert!(carried.activities[0].started_at_us - carried.started_at_us >= 30 * S);
    assert!(carried.steady_before[0].holds);
}

#[tokio::test(start_paused = true)]
async fn a_step_may_undo_another_one_early() {
    let mut bed = Bed::new([fault("a"), fault("b"), undo_step("a"), fault("c")]);
    let carried = bed.run().await.unwrap();
    assert_eq!(bed.told(), ["act a", "act b", "undo a", "act c", "undo c", "undo b", "residue"]);
    assert_eq!(names(&carried.activities)[2], ("undo a", None));
    assert!(carried.activities[0].undone_at_us.unwrap() <= carried.activities[3].started_at_us);
}

#[tokio::test(start_paused = true)]
async fn a_look_out_of_tolerance_is_a_deviation_and_the_method_goes_on() {
    let mut bed = Bed::new([fault("break"), probe_step("look"), fault("b")]);
    let carried = bed.run().await.unwrap();
    assert_eq!(names(&carried.activities)[1], ("look", Some("it is 0; 0.9 to any is good")));
    assert_eq!(carried.activities[1].detail["figure"], 0.0);
    assert_eq!(names(&carried.activities)[2], ("b", None));
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_is_tried_again_and_what_stays_is_told() {
    let mut bed = Bed::new([fault("a"), fault("b")]);
    bed.world.lock().undo_failures = [("a".to_owned(), 4), ("b".to_owned(), 5)].into();
    let carried = bed.run().await.unwrap();
    assert_eq!(carried.residue, ["b is not undone: b stays"]);
    assert!(!carried.undone);
    let lines = bed.lines();
    assert!(!lines.contains(&UndoLine::Over), "the run's guard has to try again");
    assert_eq!(pending(&lines).into_iter().map(|(step, _)| step).collect::<Vec<_>>(), ["b"]);
    assert!(carried.activities[0].undone_at_us.is_some() && carried.activities[1].undone_at_us.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_the_tier_finds_left_behind_is_told() {
    let mut bed = Bed::new([fault("a")]);
    bed.world.lock().residue = vec!["us-west is cordoned".to_owned()];
    assert_eq!(bed.run().await.unwrap().residue, ["us-west is cordoned"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_where_the_tier_refuses_and_every_refusal_is_told() {
    let mut bed = Bed::new([fault("a"), fault("no b"), probe_step("no look")]);
    let Err(Error::Refused(refusals)) = bed.run().await else { panic!("it ran") };
    let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["no b: tier local: it cannot", "no look: tier local: it cannot"]);
    assert!(bed.told().is_empty() && bed.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_drill_for_another_tier_is_refused() {
    let mut bed = Bed::new([fault("a")]);
    bed.drill.tiers = [TierName::Sim].into();
    bed.drill.blast_radius.tiers = [TierName::Sim].into();
    let Err(Error::Refused(refusals)) = bed.run().await else { panic!("it ran") };
    assert_eq!(refusals.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_would_hit_too_much_is_not_carried_out() {
    let mut bed = Bed::new([fault("a"), fault("b@us-east"), fault("c")]);
    let carried = bed.run().await.unwrap();
    assert_eq!(bed.told(), ["act a", "undo a", "residue"]);
    let expected = "it would hit us-east, us-west at a time; 1 may be";
    assert_eq!(names(&carried.activities), [("a", None), ("b@us-east", Some(expected))]);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_healed_counts_no_more() {
    let mut bed = Bed::new([fault("a"), undo_step("a"), fault("b@us-east")]);
    let carried = bed.run().await.unwrap();
    assert!(names(&carried.activities).iter().all(|(_, error)| error.is_none()));
}
