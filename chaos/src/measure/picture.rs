//! The timeline of a run.

use std::collections::BTreeMap;

use super::Inputs;
use super::breach::{STEP_US, Watched};
use crate::facts::percentile;
use crate::journal::{Series, Span, Strip, Timeline};
use crate::local::sample::Sample;

/// Between two points, in microseconds.
const POINT_US: i64 = 1_000_000;

/// Draws it from the beginning of the steady state to the end of load.
pub(super) fn draw(inputs: &Inputs<'_>, breaches: &[Watched]) -> Timeline {
    let (from_us, end_us) = (inputs.instants.steady_us, inputs.instants.end_us);
    let points = ((end_us - from_us) / POINT_US + 1).max(0) as usize;
    let axis = Axis { from_us, points };
    let mut strips = by_sample(inputs.samples, "region", end_us, |sample| &sample.regions);
    strips.extend(by_sample(inputs.samples, "breaker", end_us, |sample| &sample.breakers));
    strips.extend(breaches.iter().map(|watched| probe(watched, end_us)));
    strips.extend(faults(inputs, end_us));
    Timeline {
        from_us,
        step_us: POINT_US,
        throughput: throughput(inputs, axis),
        errors: errors(inputs, axis),
        p99_ms: p99(inputs, axis),
        leases: leases(inputs, axis),
        strips,
    }
}

#[derive(Clone, Copy)]
struct Axis {
    from_us: i64,
    points: usize,
}

impl Axis {
    /// The point that an instant belongs to.
    fn point(self, at_us: i64) -> Option<usize> {
        let point = usize::try_from((at_us - self.from_us).div_euclid(POINT_US)).ok()?;
        (point < self.points).then_some(point)
    }

    fn zeros(self) -> Series {
        vec![0.0; self.points]
    }
}

fn throughput(inputs: &Inputs<'_>, axis: Axis) -> BTreeMap<String, Series> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    for run in inputs.facts.lives().iter().flat_map(|life| &life.runs) {
        if let Some(point) = run.ended_us.and_then(|at| axis.point(at)) {
            all.entry(run.region.clone()).or_insert_with(|| axis.zeros())[point] += 1.0;
        }
    }
    all
}

fn errors(inputs: &Inputs<'_>, axis: Axis) -> Series {
    let mut all = axis.zeros();
    for life in inputs.facts.lives() {
        let failed_us = life.answered.filter(|(_, promised)| !promised).map(|(at, _)| at);
        if let Some(point) = failed_us.and_then(|at| axis.point(at)) {
            all[point] += 1.0;
        }
    }
    all
}

fn p99(inputs: &Inputs<'_>, axis: Axis) -> Vec<Option<f64>> {
    let mut waits: Vec<Vec<i64>> = vec![Vec::new(); axis.points];
    for life in inputs.facts.lives() {
        if let (Some(point), Some(began)) = (axis.point(life.invoked_us), life.first_began()) {
            waits[point].push(began - life.invoked_us);
        }
    }
    waits.into_iter().map(|waits| percentile(waits, 0.99).map(|us| us as f64 / 1e3)).collect()
}

/// Leases at the end of each point, as the last sample before it has them.
fn leases(inputs: &Inputs<'_>, axis: Axis) -> BTreeMap<String, Series> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    for point in 0..axis.points {
        let until = axis.from_us + (i64::try_from(point).expect("a run is not so long") + 1) * POINT_US;
        let seen = inputs.samples.iter().rev().filter(|sample| sample.at_us <= until);
        let Some(leases) = seen.filter_map(|sample| sample.leases.as_ref()).next() else { continue };
        for (region, count) in leases {
            all.entry(region.clone()).or_insert_with(|| axis.zeros())[point] = *count as f64;
        }
    }
    all
}

/// Strips of what every sample tells by name.
fn by_sample(
    samples: &[Sample],
    group: &str,
    end_us: i64,
    states: fn(&Sample) -> &BTreeMap<String, String>,
) -> Vec<Strip> {
    let mut strips: BTreeMap<&str, Vec<(i64, &str)>> = BTreeMap::new();
    for sample in samples {
        for (name, state) in states(sample) {
            strips.entry(name).or_default().push((sample.at_us, state));
        }
    }
    let strip = |(name, seen): (&str, Vec<(i64, &str)>)| Strip {
        group: group.to_owned(),
        name: name.to_owned(),
        spans: spans(&seen, end_us),
    };
    strips.into_iter().map(strip).collect()
}

fn probe(watched: &Watched, end_us: i64) -> Strip {
    let state = |held: bool| if held { "holds" } else { "breached" };
    let at = |step: usize| watched.from_us + i64::try_from(step).expect("a run is not so long") * STEP_US;
    let seen: Vec<_> = watched.held.iter().enumerate().map(|(step, held)| (at(step), state(*held))).collect();
    Strip { group: "probe".to_owned(), name: watched.probe.clone(), spans: spans(&seen, end_us) }
}

fn faults<'a>(inputs: &'a Inputs<'_>, end_us: i64) -> impl Iterator<Item = Strip> + 'a {
    inputs.activities.iter().filter(|activity| activity.error.is_none()).map(move |activity| {
        let to_us = activity.undone_at_us.unwrap_or(end_us).max(activity.ended_at_us);
        let span = Span { from_us: activity.ended_at_us, to_us, state: "active".to_owned() };
        Strip { group: "fault".to_owned(), name: activity.name.clone(), spans: vec![span] }
    })
}

/// Looks that say the same one after the other are one span; each lasts until the next look.
fn spans(seen: &[(i64, &str)], end_us: i64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (n, (at_us, state)) in seen.iter().enumerate() {
        let to_us = seen.get(n + 1).map_or(end_us.max(*at_us), |(next, _)| *next);
        match spans.last_mut() {
            Some(last) if last.state == *state => last.to_us = to_us,
            _ => spans.push(Span { from_us: *at_us, to_us, state: (*state).to_owned() }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_no_gaps_and_no_overlaps() {
        let seen = [(0, "up"), (10, "up"), (20, "down"), (35, "up")];
        let told: Vec<_> = spans(&seen, 50).iter().map(|span| (span.from_us, span.to_us, span.state.clone())).collect();
        let wanted = [(0, 20, "up"), (20, 35, "down"), (35, 50, "up")].map(|(a, b, s)| (a, b, s.to_owned()));
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_point_takes_what_happens_within_its_second() {
        let axis = Axis { from_us: 500_000, points: 2 };
        let wanted =
            [(499_999, None), (500_000, Some(0)), (1_499_999, Some(0)), (1_500_000, Some(1)), (2_500_000, None)];
        for (at_us, point) in wanted {
            assert_eq!(axis.point(at_us), point, "{at_us}");
        }
    }
}
