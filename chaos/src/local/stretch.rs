//! A drill that is written for PostgreSQL, on CockroachDB. Pure.
//!
//! There sessions live longer by default, and where a region's node dies with it, its ranges need new leaseholders first.
//! Every longer pause, every bound in time and every rule that breaks off is longer by as much. Where so many nodes are
//! away at a time that CockroachDB stops, no time is asked of it: that nothing is lost or done twice, and that
//! everything holds again after the heal, is what counts.

use std::time::Duration;

use super::hits;
use crate::drill::{AbortWhen, Drill, Objectives, RegionSelector, StepKind};

/// How much longer a session lives and a region is not called down: the defaults on CockroachDB less those on PostgreSQL.
const CLOCKS: Duration = Duration::from_secs(16);
/// How long ranges may be without a leaseholder.
const LEASES: Duration = Duration::from_secs(15);
/// Pauses that are shorter wait for nothing.
const SHORT: Duration = Duration::from_secs(5);

/// The drill as it is carried out on CockroachDB; its description says what is different.
pub(crate) fn for_cockroach(drill: &Drill) -> Drill {
    let more = CLOCKS + LEASES;
    let mut drill = drill.clone();
    let mut held = Duration::ZERO;
    for pause in drill.method.iter_mut().flat_map(|step| [&mut step.pause_before, &mut step.pause_after]) {
        if *pause >= SHORT {
            *pause += more;
            held += more;
        }
    }
    for rule in &mut drill.abort {
        match &mut rule.when {
            AbortWhen::Below { for_time, .. } | AbortWhen::Above { for_time, .. } => *for_time += more,
            AbortWhen::After(time) => *time += held,
        }
    }
    let stops = stops(&drill);
    drill.objectives = objectives(&drill.objectives, faults(&drill), stops);
    let told = if stops {
        "On CockroachDB no time is asked for here: so many of its nodes are away that it stops until one is back."
            .to_owned()
    } else {
        format!("On CockroachDB pauses and bounds in time are {} s longer than in the file.", more.as_secs())
    };
    drill.description = format!("{} {told}", drill.description);
    drill
}

fn objectives(file: &Objectives, faults: usize, stops: bool) -> Objectives {
    let more = (CLOCKS + LEASES).as_secs_f64();
    let kept = |objective: Option<f64>, more: f64| objective.filter(|_| !stops).map(|most| most + more);
    Objectives {
        rto_s: kept(file.rto_s, more),
        detection_s: kept(file.detection_s, more),
        budget_minutes: kept(file.budget_minutes, more * faults as f64 / 60.0),
        survivors_p99_ratio: kept(file.survivors_p99_ratio, 0.0),
        failback_errors: file.failback_errors.filter(|_| !stops),
        ..file.clone()
    }
}

fn faults(drill: &Drill) -> usize {
    drill.method.iter().filter(|step| matches!(step.kind, StepKind::Fault(_))).count()
}

/// Whether at any time half of the nodes or more are away.
fn stops(drill: &Drill) -> bool {
    let mut away: Vec<(&str, &RegionSelector)> = Vec::new();
    let mut most = 0;
    for step in &drill.method {
        match &step.kind {
            StepKind::Fault(fault) => away.extend(hits::node(fault).map(|(_, region)| (step.name.as_str(), region))),
            StepKind::Undo(of) => away.retain(|(name, _)| name != of),
            StepKind::Command(_) | StepKind::Probe(_) => {}
        }
        // Two faults of one region take one node.
        let regions = away.iter().enumerate();
        let regions = regions.filter(|(n, (_, region))| away[..*n].iter().all(|(_, before)| before != region)).count();
        most = most.max(regions);
    }
    most * 2 >= drill.world.regions
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::drill::catalogue;

    fn drill(name: &str) -> Drill {
        catalogue::find(name).unwrap().read(&BTreeMap::new()).unwrap()
    }

    #[test]
    fn times_are_longer_and_counts_are_not() {
        let (file, there) = (drill("region-cut"), for_cockroach(&drill("region-cut")));
        assert_eq!(there.objectives.rto_s, file.objectives.rto_s.map(|s| s + 31.0));
        assert_eq!(there.objectives.lost, file.objectives.lost);
        let pauses = |drill: &Drill| drill.method.iter().map(|step| step.pause_after).max().unwrap();
        assert_eq!(pauses(&there), pauses(&file) + CLOCKS + LEASES);
        assert!(there.description.ends_with("31 s longer than in the file."), "{}", there.description);
        assert!(there.length() > file.length());
    }

    #[test]
    fn no_time_is_asked_for_where_cockroach_stops() {
        let there = for_cockroach(&drill("two-regions"));
        let Objectives { rto_s, detection_s, budget_minutes, failback_errors, lost, duplicated, .. } = there.objectives;
        assert_eq!((rto_s, detection_s, budget_minutes, failback_errors), (None, None, None, None));
        assert_eq!((lost, duplicated), (Some(0), Some(0)));
    }

    #[test]
    fn regions_that_go_one_after_the_other_do_not_stop_it() {
        assert!(!stops(&drill("flapping-region")) && stops(&drill("two-regions")));
    }
}
