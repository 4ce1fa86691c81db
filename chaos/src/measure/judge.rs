//! Objective by objective, and the verdict.

use crate::checker::{AnomalyKind, Summary, UNJUDGED};
use crate::drill::Objectives;
use crate::journal::{Activity, Figure, Judged, Measures, Probed, Verdict, Victim};

/// A region that holds less of the leases than this says nothing about losing a region.
const LEAST_SHARE: f64 = 0.2;

/// What the verdict is made of.
#[derive(Debug)]
pub struct Judgement<'a> {
    /// What had to be kept.
    pub objectives: &'a Objectives,
    /// What was measured.
    pub measures: &'a Measures,
    /// What the checker proved.
    pub check: &'a Summary,
    /// The region that was taken away.
    pub victim: Option<&'a Victim>,
    /// What was done.
    pub activities: &'a [Activity],
    /// The hypothesis after everything was undone.
    pub steady_after: &'a [Probed],
    /// What was left behind, where that counts.
    pub residue: &'a [String],
}

/// Judges a run that was carried out to its end: objectives, verdict, and why it is not `pass`.
#[must_use]
pub fn judge(run: &Judgement<'_>) -> (Vec<Judged>, Verdict, Vec<String>) {
    let judged = objectives(run);
    let mut reasons = Vec::new();
    if let Some(victim) = run.victim.filter(|victim| victim.share() < LEAST_SHARE) {
        let share = victim.share() * 100.0;
        let text =
            format!("{} held {share:.0} % of the leases: too few to prove anything by taking it away", victim.region);
        return (judged, Verdict::Inconclusive, vec![text]);
    }
    for one in judged.iter().filter(|one| one.kept == Some(false)) {
        reasons.push(match &one.had {
            Figure::Measured(had) => format!("{} was {had:.1}, at most {} was wanted", one.objective, one.at_most),
            Figure::NotMeasured(why) => format!("{} was wanted at most {}: {why}", one.objective, one.at_most),
        });
    }
    for (kind, found) in run.check.anomalies.iter().filter(|(_, found)| found.count > 0) {
        let first = found.first.first().map(|(mission, what)| format!("; first {mission}: {what}")).unwrap_or_default();
        reasons.push(format!("{}: {} missions{first}", word(*kind), found.count));
    }
    for activity in run.activities {
        if let Some(error) = &activity.error {
            reasons.push(format!("step {} failed: {error}", activity.name));
        }
    }
    for probed in run.steady_after.iter().filter(|probed| !probed.holds) {
        let figure = probed.figure.map_or_else(|| "could not be had".to_owned(), |figure| format!("was {figure}"));
        reasons.push(format!("{} {figure} after everything was undone", probed.probe));
    }
    reasons.extend(run.residue.iter().map(|left| format!("left behind: {left}")));
    let verdict = if reasons.is_empty() { Verdict::Pass } else { Verdict::Deviated };
    (judged, verdict, reasons)
}

/// What an anomaly is called in a sentence.
#[must_use]
pub const fn word(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Lost => "lost",
        AnomalyKind::Duplicated => "accepted twice",
        AnomalyKind::Orphaned => "still open at the end",
        AnomalyKind::Overlap => "older run after a newer one",
        AnomalyKind::UnfencedWrite => "accepted without the lease",
        AnomalyKind::ResidencyBreach => "where residency does not allow it",
        AnomalyKind::EpochNotRaised => "moved without a new epoch",
        AnomalyKind::OutcomeLost => "outcome lost",
        AnomalyKind::KeySplit => "one key, two missions",
    }
}

fn objectives(run: &Judgement<'_>) -> Vec<Judged> {
    let Objectives {
        rto_s,
        detection_s,
        rpo_s,
        lost,
        duplicated,
        overlap,
        budget_minutes,
        survivors_p99_ratio,
        failback_errors,
        priority_inversions,
    } = *run.objectives;
    let measures = run.measures;
    let counted = |kind: AnomalyKind| match run.check.unjudged.contains(&kind) {
        true => Figure::NotMeasured(UNJUDGED.to_owned()),
        false => Figure::Measured(run.check.count(kind) as f64),
    };
    let number = |wanted: Option<u64>| wanted.map(|most| most as f64);
    let all = [
        ("rto_s", rto_s, measures.rto_s.clone()),
        ("detection_s", detection_s, measures.detection_s.clone()),
        ("rpo_s", rpo_s, measures.rpo_s.clone()),
        ("lost", number(lost), counted(AnomalyKind::Lost)),
        ("duplicated", number(duplicated), counted(AnomalyKind::Duplicated)),
        ("overlap", number(overlap), counted(AnomalyKind::Overlap)),
        ("budget_minutes", budget_minutes, Figure::Measured(measures.budget_minutes)),
        ("survivors_p99_ratio", survivors_p99_ratio, measures.survivors_ratio()),
        ("failback_errors", number(failback_errors), Figure::Measured(measures.submit_errors[2] as f64)),
        ("priority_inversions", number(priority_inversions), Figure::Measured(measures.priority_inversions as f64)),
    ];
    let wanted = all.into_iter().filter_map(|(name, at_most, had)| Some((name, at_most?, had)));
    // RPO is judged only where it can be measured: elsewhere nothing can be lost.
    wanted
        .filter(|(name, _, had)| *name != "rpo_s" || had.number().is_some())
        .map(|(name, at_most, had)| {
            let is_open = run.check.unjudged.iter().any(|kind| kind.as_str() == name);
            let kept = (!is_open).then(|| had.number().is_some_and(|had| had <= at_most));
            Judged { objective: name.to_owned(), at_most, had, kept }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::checker::Anomalies;
    use crate::journal::Breakdown;

    fn measures() -> Measures {
        Measures {
            rto_s: Figure::Measured(5.5),
            rto_label: "database alive".to_owned(),
            detection_s: Figure::NotMeasured("nobody called it down".to_owned()),
            rpo_s: Figure::NotMeasured("not measured: one database, never lost".to_owned()),
            budget_minutes: 0.1,
            survivors_p99_ms: [Some(100.0), Some(150.0), None],
            priority_inversions: 0,
            submit_errors: [0, 0, 2],
            moved_leases: 3,
            breakdown: Breakdown::default(),
        }
    }

    fn verdict(objectives: &Objectives, check: &Summary, victim: Option<&Victim>) -> (Verdict, Vec<String>) {
        let measures = measures();
        let run = Judgement {
            objectives,
            measures: &measures,
            check,
            victim,
            activities: &[],
            steady_after: &[],
            residue: &[],
        };
        let (_, verdict, reasons) = judge(&run);
        (verdict, reasons)
    }

    #[test]
    fn each_objective_that_is_not_kept_is_a_deviation_of_its_own() {
        let kept =
            Objectives { rto_s: Some(5.5), rpo_s: Some(0.0), survivors_p99_ratio: Some(2.0), ..Objectives::default() };
        assert_eq!(verdict(&kept, &Summary::default(), None), (Verdict::Pass, vec![]));
        let cases = [
            Objectives { rto_s: Some(5.0), ..kept.clone() },
            Objectives { detection_s: Some(7.0), ..kept.clone() },
            Objectives { survivors_p99_ratio: Some(1.4), ..kept.clone() },
            Objectives { failback_errors: Some(1), ..kept.clone() },
            Objectives { budget_minutes: Some(0.05), ..kept },
        ];
        for objectives in cases {
            let (verdict, reasons) = verdict(&objectives, &Summary::default(), None);
            assert_eq!((verdict, reasons.len()), (Verdict::Deviated, 1), "{objectives:?}");
        }
    }

    #[test]
    fn what_a_world_cannot_show_is_neither_kept_nor_missed() {
        let check = Summary { unjudged: AnomalyKind::BY_RUNNERS.into(), ..Summary::default() };
        let objectives = Objectives { lost: Some(0), duplicated: Some(0), ..Objectives::default() };
        let run = Judgement {
            objectives: &objectives,
            measures: &measures(),
            check: &check,
            victim: None,
            activities: &[],
            steady_after: &[],
            residue: &[],
        };
        let (judged, verdict, _) = judge(&run);
        let told: Vec<_> = judged.iter().map(|one| (one.objective.as_str(), one.kept, one.had.number())).collect();
        assert_eq!(told, [("lost", Some(true), Some(0.0)), ("duplicated", None, None)]);
        assert_eq!(verdict, Verdict::Pass);
    }

    #[test]
    fn an_anomaly_is_a_deviation_even_where_no_objective_names_it() {
        let anomalies = BTreeMap::from([(AnomalyKind::OutcomeLost, Anomalies { count: 2, first: vec![] })]);
        let check = Summary { anomalies, ..Summary::default() };
        let (verdict, reasons) = verdict(&Objectives::default(), &check, None);
        assert_eq!((verdict, reasons), (Verdict::Deviated, vec!["outcome lost: 2 missions".to_owned()]));
    }

    #[test]
    fn a_victim_that_held_little_proves_nothing() {
        let victim = |leases| Victim { region: "us-west".to_owned(), leases, of: 100 };
        let judged = |leases| verdict(&Objectives::default(), &Summary::default(), Some(&victim(leases))).0;
        assert_eq!((judged(19), judged(20)), (Verdict::Inconclusive, Verdict::Pass));
    }
}
