//! When which probe was out of tolerance.

use super::{Inputs, Instants};
use crate::drill::{Probe, Query};

/// Between two looks, in microseconds.
pub(super) const STEP_US: i64 = 100_000;

/// A probe over the whole run: at each step whether it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watched {
    pub(super) probe: String,
    /// When the first step is.
    pub(super) from_us: i64,
    pub(super) held: Vec<bool>,
}

/// Every probe of the hypothesis, from the beginning of the steady state to the end of load.
pub(super) fn all(inputs: &Inputs<'_>) -> Vec<Watched> {
    let Instants { steady_us, end_us, .. } = inputs.instants;
    let steps = ((end_us - steady_us) / STEP_US).max(0);
    let watched = |probe: &Probe| {
        let held = (0..=steps).map(|step| holds(inputs, probe, steady_us + step * STEP_US)).collect();
        Watched { probe: probe.name.clone(), from_us: steady_us, held }
    };
    inputs.drill.hypothesis.probes.iter().map(watched).collect()
}

fn holds(inputs: &Inputs<'_>, probe: &Probe, at_us: i64) -> bool {
    let figure = match &probe.query {
        Query::SubmitSuccessRatio
        | Query::SubmitToLeasedP99Ms
        | Query::StrandedLeases
        | Query::OverdueMissions
        | Query::ServingRegions => inputs.facts.figure(&probe.query, probe.window, at_us),
        Query::HttpStatus { .. } | Query::ExitCode { .. } | Query::Number { .. } => {
            let seen = inputs.looked.iter().rev().find(|look| look.probe == probe.name && look.at_us <= at_us);
            // Before the first look nothing is known to be wrong.
            let Some(seen) = seen else { return true };
            seen.figure
        }
    };
    probe.tolerance.holds(figure)
}

/// Microseconds from the fault to the first instant after which every probe holds until the heal; none where the last look
/// before the heal still finds one out of tolerance.
pub(super) fn recovery(all: &[Watched], instants: Instants) -> Option<i64> {
    let Instants { fault_us, heal_us, .. } = instants;
    let in_fault = |at: &i64| (fault_us..heal_us).contains(at);
    let last_breach = all.iter().filter_map(|watched| watched.breaches().filter(in_fault).max()).max();
    match last_breach {
        None => Some(0),
        Some(at) if at + STEP_US >= heal_us => None,
        Some(at) => Some(at + STEP_US - fault_us),
    }
}

/// Minutes in which any probe was out of tolerance, from the fault to the end of load.
pub(super) fn budget_minutes(all: &[Watched], instants: Instants) -> f64 {
    let steps = all.iter().map(|watched| watched.held.len()).max().unwrap_or(0);
    let breached = (0..steps).filter(|step| {
        all.iter()
            .any(|watched| watched.at(*step) >= instants.fault_us && !watched.held.get(*step).copied().unwrap_or(true))
    });
    (breached.count() as i64 * STEP_US) as f64 / 60e6
}

impl Watched {
    fn at(&self, step: usize) -> i64 {
        self.from_us + i64::try_from(step).expect("a run is not so long") * STEP_US
    }

    /// The instants at which it did not hold.
    pub(super) fn breaches(&self) -> impl Iterator<Item = i64> {
        self.held.iter().enumerate().filter(|(_, held)| !**held).map(|(step, _)| self.at(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANTS: Instants =
        Instants { load_us: 0, steady_us: 0, fault_us: 1_000_000, heal_us: 3_000_000, end_us: 4_000_000 };

    fn watched(breached: &[usize]) -> Watched {
        let held = (0..=40).map(|step| !breached.contains(&step)).collect();
        Watched { probe: "p".to_owned(), from_us: 0, held }
    }

    #[test]
    fn the_recovery_time_ends_after_the_last_breach_before_the_heal() {
        let cases = [
            (vec![watched(&[])], Some(0)),
            (vec![watched(&[10, 11])], Some(200_000)),
            (vec![watched(&[10]), watched(&[15])], Some(600_000)),
            (vec![watched(&[3, 35])], Some(0)),
            (vec![watched(&[29])], None),
            (vec![watched(&[28])], Some(1_900_000)),
        ];
        for (all, wanted) in cases {
            assert_eq!(recovery(&all, INSTANTS), wanted, "{all:?}");
        }
    }

    #[test]
    fn a_moment_counts_once_however_many_probes_are_out_and_not_before_the_fault() {
        let all = [watched(&[5, 10, 11]), watched(&[11, 12])];
        assert!((budget_minutes(&all, INSTANTS) - 0.3 / 60.0).abs() < 1e-9);
    }
}
