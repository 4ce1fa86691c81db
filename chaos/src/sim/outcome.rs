//! What a run came to.

use std::fmt;

use serde::Serialize;

use super::Sim;
use super::conduct::LOOK;
use super::net::Weather;
use super::refuse::regions_of;
use super::time::{Us, seconds};
use super::witness::Violation;
use crate::checker::{AnomalyKind, Summary};
use crate::drill::{Fault, OperatorVerb, StepKind};
use crate::journal::{Figure, Judged, Verdict, Victim};

/// Least share of the leases that a region must have held for its loss to prove anything.
const SHARE_MIN: f64 = 0.2;

/// One run of a drill under one seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The drill.
    pub drill: String,
    /// The seed.
    pub seed: u64,
    /// Digest of everything that happened, in its order: equal for equal runs.
    pub trace_digest: u64,
    /// What happened, line by line, where it was asked for.
    pub trace: Vec<String>,
    /// What was measured, in virtual time.
    pub measures: Measures,
    /// What the witness counted.
    pub check: Summary,
    /// What must never be, the first ten.
    pub violations: Vec<Violation>,
    /// Objective by objective. One that the model cannot measure is not among them, nor are times in a seed with weather:
    /// they are promised for one fault at a time.
    pub judged: Vec<Judged>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not `pass`, each a sentence.
    pub reasons: Vec<String>,
}

/// What was measured, in virtual time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    /// The region that the first fault names, with the leases that it held.
    pub victim: Option<Victim>,
    /// Seconds from the first fault until somebody wrote the region down as down.
    pub detection_s: Figure,
    /// Seconds from the first fault until every probe holds and goes on to until the first undo, by samples of a
    /// tenth of a second.
    pub rto_s: Figure,
    /// Submits that nobody could decide: before the fault, during it, after the heal.
    pub submit_errors: [u64; 3],
    /// p99 from submitted to started in regions without a fault: steady, during the fault; milliseconds over the
    /// distances of the globe.
    pub survivors_p99_ms: [Option<f64>; 2],
    /// Leases that were moved.
    pub moved_leases: u64,
    /// How long the run took in virtual seconds.
    pub virtual_s: f64,
}

impl Outcome {
    /// The line that replays the run.
    #[must_use]
    pub fn replay(&self) -> String {
        format!("chaos drill {} --tier sim --seed {}", self.drill, self.seed)
    }
}

impl fmt::Display for Outcome {
    /// The verdict, why, and the line that replays it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} seed {}: {:?}", self.drill, self.seed, self.verdict)?;
        for reason in &self.reasons {
            writeln!(f, "  {reason}")?;
        }
        write!(f, "replay: {}", self.replay())
    }
}

impl Sim<'_> {
    /// Looks at how everything ended, and judges.
    pub(super) fn finish(mut self) -> Outcome {
        self.judge_missions();
        let measures = self.measures();
        let judged = self.judge(&measures);
        let (verdict, reasons) = self.verdict(&measures, &judged);
        let (trace_digest, trace) = self.wire.trace.finish();
        Outcome {
            drill: self.drill.name.clone(),
            seed: self.seed,
            trace_digest,
            trace,
            measures,
            check: self.wire.witness.summary,
            violations: self.wire.witness.violations,
            judged,
            verdict,
            reasons,
        }
    }

    fn measures(&self) -> Measures {
        let (fault, end) = (self.conduct.fault_at.unwrap_or(self.wire.now), self.wire.now);
        let healed = self.conduct.healed_at.unwrap_or(end);
        let errors = |from, to| self.gauge.errors(from, to);
        Measures {
            victim: self.conduct.victim.as_ref().map(|(_, victim)| victim.clone()),
            detection_s: self.detection(fault, healed),
            rto_s: self.rto(fault, healed),
            submit_errors: [errors(0, fault), errors(fault, healed), errors(healed, Us::MAX)],
            survivors_p99_ms: [self.p99_ms(0, fault), self.p99_ms(fault, healed)],
            moved_leases: self.wire.witness.moved,
            virtual_s: seconds(end),
        }
    }

    fn detection(&self, fault: Us, healed: Us) -> Figure {
        let Some((site, _)) = &self.conduct.victim else {
            return Figure::NotMeasured("no fault names a region".to_owned());
        };
        let down = self.db.regions.downs.iter().find(|(at, of)| of == site && (fault..healed).contains(at));
        down.map_or_else(
            || Figure::NotMeasured("the region was not called down".to_owned()),
            |(at, _)| Figure::Measured(seconds(at - fault)),
        )
    }

    /// The last moment at which a probe did not hold, and the sample after it.
    fn rto(&self, fault: Us, healed: Us) -> Figure {
        let during: Vec<_> = self.gauge.seen.iter().filter(|seen| (fault..healed).contains(&seen.at)).collect();
        match during.iter().rposition(|seen| !seen.holds.iter().all(|holds| *holds)) {
            None => Figure::Measured(0.0),
            Some(last) if last + 1 == during.len() => {
                Figure::NotMeasured("not every probe held again before the heal".to_owned())
            }
            Some(last) => Figure::Measured(seconds(during[last].at + LOOK - fault)),
        }
    }

    fn judge(&self, measures: &Measures) -> Vec<Judged> {
        let objectives = &self.drill.objectives;
        let counted = |kinds: &[AnomalyKind]| {
            let summary = &self.wire.witness.summary;
            Figure::Measured(kinds.iter().map(|kind| summary.count(*kind)).sum::<u64>() as f64)
        };
        let number = |limit: Option<u64>| limit.map(|limit| limit as f64);
        let time = |limit: Option<f64>| limit.filter(|_| Weather::is_calm(self.seed));
        let all = [
            ("rto_s", time(objectives.rto_s), measures.rto_s.clone()),
            ("detection_s", time(objectives.detection_s), measures.detection_s.clone()),
            ("lost", number(objectives.lost), counted(&[AnomalyKind::Lost, AnomalyKind::Orphaned])),
            ("duplicated", number(objectives.duplicated), counted(&[AnomalyKind::Duplicated])),
            ("overlap", number(objectives.overlap), counted(&[AnomalyKind::Overlap])),
            ("failback_errors", number(objectives.failback_errors), Figure::Measured(measures.submit_errors[2] as f64)),
        ];
        let wanted = all.into_iter().filter_map(|(name, limit, had)| Some((name, limit?, had)));
        wanted
            .map(|(objective, at_most, had)| {
                let kept = Some(had.number().is_some_and(|had| had <= at_most));
                Judged { objective: objective.to_owned(), at_most, had, kept }
            })
            .collect()
    }

    fn verdict(&self, measures: &Measures, judged: &[Judged]) -> (Verdict, Vec<String>) {
        let mut reasons: Vec<String> = self.wire.witness.violations.iter().map(ToString::to_string).collect();
        let missed = judged.iter().filter(|judged| judged.kept == Some(false));
        reasons.extend(missed.map(|judged| {
            let had = match &judged.had {
                Figure::Measured(figure) => figure.to_string(),
                Figure::NotMeasured(why) => why.clone(),
            };
            format!("{} was to be at most {}: {had}", judged.objective, judged.at_most)
        }));
        reasons.extend(self.conduct.deviations.iter().cloned());
        if self.drill.after.residue_must_be_empty {
            reasons.extend(self.residue());
        }
        // How soon everything is worked off is a time, too.
        let recheck = self.drill.after.recheck_hypothesis && Weather::is_calm(self.seed);
        if recheck && self.conduct.after.contains(&false) {
            reasons.push("the hypothesis did not hold again after everything was undone".to_owned());
        }
        if !reasons.is_empty() {
            return (Verdict::Deviated, reasons);
        }
        if self.conduct.steady.contains(&false) {
            return (Verdict::Inconclusive, vec!["the hypothesis did not hold before the method".to_owned()]);
        }
        match &measures.victim {
            Some(victim) if self.takes_a_region_away() && victim.share() < SHARE_MIN => {
                let share = (victim.share() * 100.0).round();
                (Verdict::Inconclusive, vec![format!("{} held only {share} % of the leases", victim.region)])
            }
            Some(_) | None => (Verdict::Pass, Vec::new()),
        }
    }

    /// Whether some fault names a region and may take it away. A cordon does not.
    fn takes_a_region_away(&self) -> bool {
        self.drill.method.iter().any(|step| match &step.kind {
            StepKind::Fault(Fault::Verb { verb: OperatorVerb::Cordon, .. }) => false,
            StepKind::Fault(fault) => !regions_of(fault).is_empty(),
            StepKind::Command(_) | StepKind::Undo(_) | StepKind::Probe(_) => false,
        })
    }
}
