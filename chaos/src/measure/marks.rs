//! The instants on the way from the fault to the return.

use super::{ControlKind, Inputs, Instants};
use crate::facts::Life;
use crate::journal::{Breakdown, Figure, MarkName, Marks};
use crate::local::sample::Sample;

/// Share of new missions that may still go to the lost region when steering is done.
const STEERED: f64 = 0.01;

/// Every instant that happened. `recovery` = microseconds from the fault.
pub(super) fn all(inputs: &Inputs<'_>, recovery: Option<i64>) -> Marks {
    let Instants { fault_us, heal_us, .. } = inputs.instants;
    let mut marks = Marks::default();
    marks.note(MarkName::Fault, fault_us);
    marks.note(MarkName::Healed, heal_us);
    if let Some(us) = recovery {
        marks.note(MarkName::Recovered, fault_us + us);
    }
    if let Some((silent_us, moved_us)) = inputs.home.and_then(|home| silence(inputs.samples, home, inputs.instants)) {
        marks.note(MarkName::DatabaseSilent, silent_us);
        if let Some(moved_us) = moved_us {
            marks.note(MarkName::DatabaseMoved, moved_us);
        }
    }
    let Some(victim) = inputs.victim else { return marks };
    let first = |what: ControlKind, from_us: i64| {
        let of_victim = inputs.control.iter().filter(|entry| entry.region == victim && entry.what == what);
        of_victim.map(|entry| entry.at_us).filter(|at| *at >= from_us).min()
    };
    let seen = [
        (MarkName::Suspected, first(ControlKind::Suspect, fault_us)),
        (MarkName::Detected, first(ControlKind::Down, fault_us)),
        (MarkName::Decided, first(ControlKind::SessionEnded, fault_us)),
        (MarkName::Steered, steered(inputs, victim)),
        (MarkName::FailedBack, first(ControlKind::Up, heal_us)),
    ];
    for (name, at_us) in seen {
        if let Some(at_us) = at_us {
            marks.note(name, at_us);
        }
    }
    marks
}

/// When the rows of a database region fell silent during the fault, and when they answered for good before the heal.
fn silence(samples: &[Sample], home: &str, instants: Instants) -> Option<(i64, Option<i64>)> {
    let Instants { fault_us, heal_us, .. } = instants;
    let during = samples.iter().filter(|sample| (fault_us..heal_us).contains(&sample.at_us));
    let looks: Vec<(i64, bool)> =
        during.filter_map(|sample| Some((sample.at_us, sample.homes.get(home)? == "silent"))).collect();
    let first = looks.iter().position(|(_, silent)| *silent)?;
    let last = looks.iter().rposition(|(_, silent)| *silent)?;
    Some((looks[first].0, looks.get(last + 1).map(|(at_us, _)| *at_us)))
}

/// The first submit from which on, until the heal, 99 % are placed elsewhere; none where that never came.
fn steered(inputs: &Inputs<'_>, victim: &str) -> Option<i64> {
    let Instants { fault_us, heal_us, .. } = inputs.instants;
    let during = |life: &&Life| (fault_us..heal_us).contains(&life.invoked_us) && life.first_region.is_some();
    let (mut all, mut there, mut at) = (0_u64, 0_u64, None);
    for life in inputs.facts.lives().iter().rev().filter(during) {
        all += 1;
        there += u64::from(life.first_region.as_deref() == Some(victim));
        if there as f64 > all as f64 * STEERED {
            break;
        }
        at = Some(life.invoked_us);
    }
    at
}

/// Seconds until a survivor called the region down.
pub(super) fn detection(inputs: &Inputs<'_>, marks: &Marks) -> Figure {
    match (inputs.victim, marks.seconds(MarkName::Fault, MarkName::Detected)) {
        (Some(_), Some(seconds)) => Figure::Measured(seconds),
        (Some(victim), None) => Figure::NotMeasured(format!("nobody called {victim} down")),
        (None, _) => Figure::NotMeasured("not measured: no region was taken away".to_owned()),
    }
}

/// The recovery time cut at the instants that lie within it; the pieces add up to it.
pub(super) fn breakdown(marks: &Marks, recovery: Option<i64>) -> Breakdown {
    let (Some(us), Some(fault_us)) = (recovery.filter(|us| *us > 0), marks.at(MarkName::Fault)) else {
        return Breakdown::default();
    };
    let recovered_us = fault_us + us;
    let mut pieces = Vec::new();
    let mut from_us = fault_us;
    for mark in &marks.0 {
        let Some(piece) = until(mark.name) else { continue };
        if (from_us..recovered_us).contains(&mark.at_us) {
            pieces.push((piece.to_owned(), (mark.at_us - from_us) as f64 / 1e6));
            from_us = mark.at_us;
        }
    }
    pieces.push(("until every probe holds".to_owned(), (recovered_us - from_us) as f64 / 1e6));
    Breakdown(pieces)
}

/// What the time before an instant is called; none for those that no recovery waits for.
const fn until(mark: MarkName) -> Option<&'static str> {
    match mark {
        MarkName::DatabaseSilent => Some("until the database's rows fell silent"),
        MarkName::DatabaseMoved => Some("until the database noticed and moved its leases"),
        MarkName::Suspected => Some("until suspected"),
        MarkName::Decided => Some("until its sessions were ended"),
        MarkName::Detected => Some("until called down"),
        MarkName::Fault | MarkName::Steered | MarkName::Recovered | MarkName::Healed | MarkName::FailedBack => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(all: &[(MarkName, i64)]) -> Marks {
        let mut marks = Marks::default();
        for (name, at_us) in all {
            marks.note(*name, *at_us);
        }
        marks
    }

    #[test]
    fn the_pieces_add_up_to_the_recovery_time() {
        let marks = marks(&[
            (MarkName::Fault, 1_000_000),
            (MarkName::Suspected, 3_100_000),
            (MarkName::Steered, 3_200_000),
            (MarkName::Decided, 6_000_000),
            (MarkName::Detected, 7_000_000),
        ]);
        let Breakdown(pieces) = breakdown(&marks, Some(5_300_000));
        let names: Vec<&str> = pieces.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["until suspected", "until its sessions were ended", "until every probe holds"]);
        assert!((pieces.iter().map(|(_, s)| s).sum::<f64>() - 5.3).abs() < 1e-9);
    }

    #[test]
    fn no_recovery_has_no_pieces() {
        assert_eq!(breakdown(&marks(&[(MarkName::Fault, 0)]), None), Breakdown::default());
        assert_eq!(breakdown(&marks(&[(MarkName::Fault, 0)]), Some(0)), Breakdown::default());
    }

    #[test]
    fn the_databases_own_recovery_is_a_piece_of_its_own() {
        let state = |at_us: i64| match at_us {
            0 | 100 | 900 => "answers",
            _ => "silent",
        };
        let sample = |at_us| Sample {
            at_us,
            homes: [("eu-west-1".to_owned(), state(at_us).to_owned())].into(),
            ..Sample::default()
        };
        let samples: Vec<Sample> = [0, 100, 350, 600, 900, 1_100].map(sample).into();
        let instants = |heal_us| Instants { load_us: 0, steady_us: 0, fault_us: 100, heal_us, end_us: 2_000 };
        assert_eq!(silence(&samples, "eu-west-1", instants(1_000)), Some((350, Some(900))));
        assert_eq!(silence(&samples, "eu-west-1", instants(800)), Some((350, None)), "healed before it recovered");
        assert_eq!(silence(&samples, "eu-west-1", instants(300)), None);
        assert_eq!(silence(&samples, "us-west-2", instants(1_000)), None);

        let marks = marks(&[
            (MarkName::Fault, 100),
            (MarkName::DatabaseSilent, 350),
            (MarkName::DatabaseMoved, 900),
            (MarkName::Decided, 1_000),
        ]);
        let Breakdown(pieces) = breakdown(&marks, Some(1_200));
        let names: Vec<&str> = pieces.iter().map(|(name, _)| name.as_str()).collect();
        let wanted = [
            "until the database's rows fell silent",
            "until the database noticed and moved its leases",
            "until its sessions were ended",
            "until every probe holds",
        ];
        assert_eq!(names, wanted);
    }
}
