//! The verdict and why, in sentences for somebody who does not know the system.

use crate::checker::{AnomalyKind, Indeterminate, Summary, UNJUDGED};
use crate::journal::{Journal, MarkName, Verdict, Victim};

use super::figures::{self, Figures};
use super::words;

/// The verdict as one word.
pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Deviated => "DEVIATED",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Aborted => "ABORTED",
        Verdict::Broken => "BROKEN",
    }
}

/// What the verdict means.
pub(super) const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Everything that was promised held.",
        Verdict::Deviated => "Something that was promised did not hold.",
        Verdict::Inconclusive => "This run proves nothing, so it counts as one that deviated.",
        Verdict::Aborted => "The drill was broken off before its end.",
        Verdict::Broken => "The tool itself broke: this run says nothing about the system.",
    }
}

/// The engine, and what could not fail: the first line of every report.
pub(super) fn engine(journal: &Journal) -> String {
    let world = &journal.world;
    let could_not = match world.could_not_fail.as_slice() {
        [] => "Everything could fail in this run".to_owned(),
        phrases => format!("Could not fail in this run: {}", phrases.join(", ")),
    };
    format!("{}. {could_not}.", world.engine)
}

/// Why: what the journal gives as reasons, then what happened.
pub(super) fn why(journal: &Journal) -> Vec<String> {
    let mut sentences = vec![meaning(journal.verdict).to_owned()];
    sentences.extend(journal.reasons.iter().cloned());
    sentences.push(victim(journal));
    sentences.push(recovery(journal));
    sentences.push(missions(journal));
    if !journal.residue.is_empty() {
        sentences.push(format!("Left behind: {}.", journal.residue.join(", ")));
    }
    sentences
}

fn victim(journal: &Journal) -> String {
    match &journal.victim {
        Some(Victim { region, of: 0, .. }) => format!("{region} was hit; nothing was leased anywhere then."),
        Some(victim) => format!(
            "{} was hit while it held {} of {} ({}).",
            victim.region,
            words::count(victim.leases),
            words::pieces(victim.of, "lease"),
            words::percent(victim.share()),
        ),
        None if journal.activities.is_empty() => "Nothing was done to any region.".to_owned(),
        None => {
            let done: Vec<&str> = journal.activities.iter().map(|activity| activity.what.as_str()).collect();
            format!("No region was singled out; what was done: {}.", done.join(", "))
        }
    }
}

fn recovery(journal: &Journal) -> String {
    if journal.marks.at(MarkName::Fault).is_none() {
        return "No fault was injected.".to_owned();
    }
    let figures = Figures::of(journal);
    let (rto, label) = (figures.get("rto_s"), figures::rto_label(journal));
    let allowed = rto.at_most().map_or_else(String::new, |most| format!("; {most} were allowed"));
    if rto.is_measured() {
        format!("Service was back to normal {} after the fault{label}{allowed}.", rto.had())
    } else {
        format!("Recovery time{label}: {}{allowed}.", rto.had())
    }
}

fn missions(journal: &Journal) -> String {
    let check = &journal.check;
    let found: Vec<String> = check
        .anomalies
        .iter()
        .filter(|(_, found)| found.count > 0)
        .map(|(kind, found)| format!("{} {}", words::count(found.count), anomaly(*kind)))
        .collect();
    let missions = words::pieces(check.acknowledged, "acknowledged mission");
    match (check.acknowledged, found.as_slice()) {
        (0, []) => "No mission was acknowledged, so nothing is proven about missions.".to_owned(),
        (_, []) if check.unjudged.contains(&AnomalyKind::Duplicated) => {
            format!("Of {missions} none was lost. Whether any was done twice is {UNJUDGED}.")
        }
        (_, []) => format!("Of {missions} none was lost and none was done twice."),
        (_, found) => format!("Of {missions} the history shows: {}.", found.join(", ")),
    }
}

/// How many failed of which reason, where any did.
pub(super) fn failed(check: &Summary) -> Option<String> {
    let told = check.failed.iter().map(|(reason, count)| format!("{} {}", words::count(*count), words::spaced(reason)));
    let told: Vec<String> = told.collect();
    if told.is_empty() { None } else { Some(told.join(", ")) }
}

/// What the final state tells of operations of which nobody knew.
pub(super) fn indeterminate(check: &Summary) -> String {
    let Indeterminate { all, done, not_done } = check.indeterminate;
    let open = all.saturating_sub(done.saturating_add(not_done));
    let [done, not_done, open] = [done, not_done, open].map(words::count);
    format!("{done} were done, {not_done} were not, {open} unresolved")
}

/// An anomaly in words.
pub(super) const fn anomaly(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Lost => "lost",
        AnomalyKind::Duplicated => "duplicated",
        AnomalyKind::Orphaned => "orphaned",
        AnomalyKind::Overlap => "overlap",
        AnomalyKind::UnfencedWrite => "unfenced write",
        AnomalyKind::ResidencyBreach => "residency breach",
        AnomalyKind::EpochNotRaised => "epoch not raised",
        AnomalyKind::OutcomeLost => "outcome lost",
        AnomalyKind::KeySplit => "key split",
    }
}

/// The property that an anomaly breaks.
pub(super) const fn property(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Lost | AnomalyKind::OutcomeLost => "P1 durable",
        AnomalyKind::Duplicated
        | AnomalyKind::Overlap
        | AnomalyKind::UnfencedWrite
        | AnomalyKind::EpochNotRaised
        | AnomalyKind::KeySplit => "P2 one winner",
        AnomalyKind::ResidencyBreach => "P4 lawful",
        AnomalyKind::Orphaned => "P5 prompt",
    }
}

/// A mark as one word or two.
pub(super) const fn mark(name: MarkName) -> &'static str {
    match name {
        MarkName::Fault => "fault",
        MarkName::DatabaseSilent => "rows silent",
        MarkName::DatabaseMoved => "rows answer",
        MarkName::Suspected => "suspected",
        MarkName::Detected => "detected",
        MarkName::Decided => "decided",
        MarkName::Steered => "steered",
        MarkName::Recovered => "recovered",
        MarkName::Healed => "healed",
        MarkName::FailedBack => "failed back",
    }
}

/// What a mark means.
pub(super) const fn mark_meaning(name: MarkName) -> &'static str {
    match name {
        MarkName::Fault => "the first fault was acknowledged; the clock starts",
        MarkName::DatabaseSilent => "the region's rows no longer answer",
        MarkName::DatabaseMoved => "they answer again: the database has moved their leases",
        MarkName::Suspected => "a survivor suspects the region: nothing new is placed there",
        MarkName::Detected => "a survivor calls the region down",
        MarkName::Decided => "the region's sessions are ended: their leases move",
        MarkName::Steered => "from here on 99 % of new missions are placed in survivors",
        MarkName::Recovered => "from here on every probe stays in tolerance",
        MarkName::Healed => "the first fault was undone",
        MarkName::FailedBack => "the region serves again",
    }
}
