//! The tier against drills that it must pass, and against bugs that it must find.

mod drills;

use std::collections::BTreeMap;

use super::*;
use crate::drill::{Endpoint, Fault, LinkSelector, RegionSelector, StepKind, TierName, catalogue};
use crate::journal::Verdict;

/// Both cores of the smallest machine.
const JOBS: usize = 2;

/// Seeds of each drill: with twelve drills 300.
const SEEDS: u64 = 25;

/// Runs a drill under all seeds; one that does not pass is told with the line that replays it.
fn passes(drill: &Drill) {
    let sweep = sweep(drill, 0..SEEDS, JOBS);
    assert!(sweep.holds(), "{sweep}");
    assert_eq!(sweep.passed, SEEDS);
}

macro_rules! passes {
    ($($name:ident: $drill:ident;)+) => {$(
        #[test]
        fn $name() {
            passes(&drills::$drill());
        }
    )+};
}

passes! {
    a_region_that_is_cut_off_loses_nothing: region_cut;
    a_region_that_dies_loses_nothing: region_killed;
    a_region_that_can_only_hear_works_on_nothing_twice: oneway_cut;
    an_agent_that_stood_still_does_no_harm: zombie;
    conflicts_and_ambiguous_commits_are_resolved: storm;
    a_region_that_comes_and_goes_loses_nothing: flapping;
    two_regions_may_go_at_once: two_regions;
    a_scheduler_may_die_again_and_again: crash_loop;
    a_drained_region_finishes_or_hands_back: drain;
    a_gateway_and_the_database_may_go: database;
    a_region_that_can_only_speak_loses_nothing: deaf;
    a_region_that_is_slow_loses_nothing: gray;
}

#[test]
fn the_same_seed_is_the_same_run_and_another_seed_is_another() {
    let drill = drills::flapping();
    let first = run_traced(&drill, 7);
    assert!(first.trace.len() > 1_000, "{} lines", first.trace.len());
    let again = run_traced(&drill, 7);
    let differs = first.trace.iter().zip(&again.trace).find(|(a, b)| a != b);
    assert_eq!(differs, None, "the first lines that differ");
    assert!(first == again, "equal lines, and yet something differs");
    assert_eq!(first.trace_digest, run(&drill, 7).trace_digest, "lines that nobody keeps change nothing");
    assert_ne!(first.trace_digest, run(&drill, 8).trace_digest);
}

#[test]
fn a_sweep_tells_the_same_whatever_the_number_of_jobs() {
    let drill = drills::short_cut().with(PlantedBug::CompleteWithoutEpochCheck);
    let one = sweep(&drill, 3..9, 1);
    assert_eq!(one, sweep(&drill, 3..9, 3));
    assert!(!one.holds());
}

#[test]
#[expect(clippy::print_stdout, reason = "shown with --nocapture: the number of seeds that each took")]
fn every_planted_bug_is_found_for_what_it_breaks() {
    for (bug, drill, kind) in drills::mutations() {
        let found = seeds_to_find(&drill.clone().with(bug), kind, 0..SEEDS, JOBS);
        let found = found.unwrap_or_else(|| panic!("{} is not found by {}", bug.as_str(), drill.name));
        println!("{:<30} {:<12} {kind:?} after {} seeds", bug.as_str(), drill.name, found.seeds);
        assert_eq!(found.outcome.verdict, Verdict::Deviated);
        let blamed = &found.outcome.violations;
        assert!(blamed.iter().any(|violation| violation.kind == kind), "{bug:?}: {blamed:?}");
        let clean = run(&drill, found.outcome.seed);
        assert_eq!(clean.verdict, Verdict::Pass, "without the bug: {clean}");
    }
}

#[test]
fn a_seed_that_fails_tells_how_to_run_it_again() {
    let sweep = sweep(&drills::region_cut().with(PlantedBug::LoseOutcome), 40..50, JOBS);
    let told = sweep.to_string();
    assert!(told.ends_with("replay: chaos drill region-cut --tier sim --seed 40"), "{told}");
    assert!(told.contains("P1 OutcomeLost"), "{told}");
}

#[test]
fn a_region_is_detected_and_recovered_from_in_the_promised_time() {
    let outcome = run(&drills::region_cut(), 0);
    let measures = &outcome.measures;
    // down_after is counted from the last heartbeat, which is up to one older than the fault.
    let detection = measures.detection_s.number().expect("the region was called down");
    assert!((5.0..=7.0).contains(&detection), "{detection}");
    let rto = measures.rto_s.number().expect("every probe held again");
    assert!((4.0..=8.0).contains(&rto), "{rto}");
    assert!(measures.moved_leases >= measures.victim.as_ref().expect("one region was cut").leases / 2);
}

#[test]
fn the_drills_of_the_catalogue_that_found_faults_pass() {
    for name in ["region-gray", "region-deaf"] {
        let drill = catalogue::find(name).expect("it is in the catalogue").read(&BTreeMap::new());
        passes(&drill.expect("a drill of the catalogue reads"));
    }
}

#[test]
fn times_are_judged_only_where_nothing_else_goes_wrong() {
    let mut drill = drills::region_cut();
    (drill.objectives.rto_s, drill.objectives.detection_s) = (Some(0.0), Some(0.0));
    let missed = |seed| run(&drill, seed).judged.iter().filter(|judged| judged.kept == Some(false)).count();
    assert_eq!((missed(0), missed(1)), (2, 0));
    assert!(run(&drill, 1).measures.rto_s.number().is_some(), "they are measured in all");
}

#[test]
fn what_a_drain_takes_at_its_deadline_nobody_works_on_any_more() {
    let drill = drills::drain();
    // Without the grace one seed in forty shows two at work at once.
    for seed in 0..40 {
        let sim = Sim { drain: 2 * time::SECOND, ..Sim::new(&drill, seed, false) };
        let outcome = sim.run();
        assert!(outcome.measures.moved_leases > 0, "seed {seed}: every run ended before the deadline");
        assert_eq!(outcome.verdict, Verdict::Pass, "{outcome}");
    }
}

#[test]
fn an_objective_that_is_missed_is_a_deviation() {
    let mut drill = drills::region_cut();
    drill.objectives.detection_s = Some(1.0);
    let outcome = run(&drill, 0);
    assert_eq!(outcome.verdict, Verdict::Deviated);
    assert!(outcome.reasons[0].starts_with("detection_s was to be at most 1"), "{outcome}");
}

#[test]
fn what_the_model_cannot_do_is_said_before_it_starts() {
    assert_eq!(drills::all().iter().flat_map(refusals).collect::<Vec<_>>(), Vec::<String>::new());
    let edge = LinkSelector {
        from: Endpoint::Region(RegionSelector::MostLeases),
        to: Endpoint::Edge,
        direction: crate::drill::Direction::Both,
    };
    assert!(refuses(&Fault::Partition { links: edge }).is_some());
    assert!(refuses(&Fault::SilenceInjector).is_some());
    let mut drill = drills::region_killed();
    let StepKind::Fault(Fault::Kill { region, .. }) = &mut drill.method[0].kind else { panic!("it kills") };
    *region = RegionSelector::Named("atlantis".parse().expect("a name"));
    assert_eq!(refusals(&drill), ["step-0: the world has no region atlantis"]);
    assert!(drill.tiers.contains(&TierName::Sim));
}
