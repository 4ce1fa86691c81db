//! Somebody outside the system who sees every write, every effect and every answer, and says what must never be.
//!
//! It names the property that is broken (P1 durable, P2 one winner, P4 lawful, P5 prompt) as it happens; what can be known only at
//! the end is looked for at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use scheduler_core::lifecycle::{MissionFacts, MissionState};
use topology::{Epoch, SessionId};

use super::message::{Lease, Outcome};
use super::setup::{Mission, Setup, Site, mission_id};
use super::time::{Us, seconds};
use crate::checker::{AnomalyKind, Summary};

/// Something that must never be.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// When it was seen, in virtual seconds.
    pub at_s: f64,
    /// The property that is broken, as DESIGN names it.
    pub property: &'static str,
    /// What is wrong, in the checker's words.
    pub kind: AnomalyKind,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} at {:.3} s: {}", self.property, self.kind, self.at_s, self.what)
    }
}

/// Violations that are kept; more are only counted.
const KEPT: usize = 10;

/// What is known of a mission that no row keeps.
#[derive(Debug, Default)]
struct Past {
    rule: Option<usize>,
    /// The newest epoch that was given out, and to whom.
    grant: Option<(Epoch, SessionId)>,
    accepted: Option<(Epoch, Outcome)>,
    completions: u32,
    /// The highest epoch that had an effect.
    effect: Option<Epoch>,
    starts: u32,
    ends: BTreeMap<Epoch, u32>,
    acknowledged: bool,
    submitted_at: Us,
    first_site: Option<Site>,
}

/// How long a mission waited for its first run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    pub(super) submitted_at: Us,
    pub(super) started_at: Us,
    /// Where it was placed first.
    pub(super) site: Option<Site>,
}

/// What a run does that others can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Start,
    End,
}

/// The one outside.
#[derive(Debug)]
pub(super) struct Witness {
    setup: Arc<Setup>,
    pasts: BTreeMap<Mission, Past>,
    keys: BTreeMap<u64, Mission>,
    pub(super) violations: Vec<Violation>,
    pub(super) summary: Summary,
    pub(super) starts: Vec<Wait>,
    /// Leases that were moved.
    pub(super) moved: u64,
}

impl Witness {
    pub(super) fn new(setup: Arc<Setup>) -> Self {
        let (pasts, keys) = (BTreeMap::new(), BTreeMap::new());
        let (violations, starts, summary) = (Vec::new(), Vec::new(), Summary::default());
        Self { setup, pasts, keys, violations, summary, starts, moved: 0 }
    }

    fn blame(&mut self, now: Us, kind: AnomalyKind, mission: Mission, what: String) {
        let anomalies = self.summary.anomalies.entry(kind).or_default();
        anomalies.count += 1;
        if anomalies.first.len() < KEPT {
            anomalies.first.push((mission_id(mission), what.clone()));
        }
        if self.violations.len() < KEPT {
            let what = format!("mission {mission}: {what}");
            self.violations.push(Violation { at_s: seconds(now), property: property(kind), kind, what });
        }
    }

    fn past(&mut self, mission: Mission) -> &mut Past {
        self.pasts.entry(mission).or_default()
    }

    /// A mission was stored.
    pub(super) fn stored(&mut self, now: Us, mission: Mission, rule: Option<usize>, site: Option<Site>) {
        let past = self.past(mission);
        (past.rule, past.submitted_at, past.first_site) = (rule, now, site);
        self.lies_at(now, mission, site);
    }

    /// A mission's row changed.
    pub(super) fn changed(
        &mut self,
        now: Us,
        mission: Mission,
        before: &MissionFacts,
        after: &MissionFacts,
        site: Option<Site>,
    ) {
        let raised = after.epoch > before.epoch;
        if after.epoch < before.epoch || (must_raise(before.state, after.state) && !raised) {
            let what = format!("{} {} became {} {}", before.state, before.epoch, after.state, after.epoch);
            self.blame(now, AnomalyKind::EpochNotRaised, mission, what);
        }
        let waits = matches!(after.state, MissionState::Queued | MissionState::Pending);
        self.moved += u64::from(before.state == MissionState::Leased && waits);
        if after.state == MissionState::Leased && before.state != MissionState::Leased {
            self.past(mission).grant = after.session.map(|session| (after.epoch, session));
        }
        self.lies_at(now, mission, site);
    }

    fn lies_at(&mut self, now: Us, mission: Mission, site: Option<Site>) {
        let rule = self.past(mission).rule;
        if let Some(site) = site.filter(|site| !self.setup.lawful(rule, *site)) {
            let (rule, region) = (rule.map(|rule| &self.setup.rules[rule].name), &self.setup.regions[site]);
            let what =
                format!("placed in {region} under rule {}", rule.expect("without a rule all is lawful").as_str());
            self.blame(now, AnomalyKind::ResidencyBreach, mission, what);
        }
    }

    /// A completion was written.
    pub(super) fn completed(&mut self, now: Us, lease: &Lease, held: &MissionFacts, outcome: Outcome) {
        let grant = self.past(lease.mission).grant;
        let holds = held.state == MissionState::Leased
            && grant == Some((lease.epoch, lease.session))
            && (held.epoch, held.session) == (lease.epoch, Some(lease.session));
        if !holds {
            let what = format!("completed at epoch {} while {} at epoch {}", lease.epoch, held.state, held.epoch);
            self.blame(now, AnomalyKind::UnfencedWrite, lease.mission, what);
        }
        let past = self.past(lease.mission);
        past.completions += 1;
        past.accepted = Some((lease.epoch, outcome));
        if past.completions > 1 {
            self.blame(now, AnomalyKind::Duplicated, lease.mission, "completed twice".to_owned());
        }
    }

    /// A lease was taken from a session that lives and works on it, although nothing was amiss with it.
    pub(super) fn taken_from_holder(&mut self, now: Us, lease: &Lease) {
        let what = format!("epoch {} was taken from a live session that works on it", lease.epoch);
        self.blame(now, AnomalyKind::UnfencedWrite, lease.mission, what);
    }

    /// A run did something.
    pub(super) fn effect(&mut self, now: Us, mission: Mission, epoch: Epoch, site: Site, effect: Effect) {
        let past = self.past(mission);
        let overtaken = past.effect.filter(|highest| *highest > epoch);
        past.effect = past.effect.max(Some(epoch));
        let mut again = false;
        match effect {
            Effect::Start => {
                past.starts += 1;
                if past.starts == 1 {
                    let (submitted_at, site) = (past.submitted_at, past.first_site);
                    self.starts.push(Wait { submitted_at, started_at: now, site });
                }
            }
            Effect::End => {
                let ends = past.ends.entry(epoch).or_default();
                *ends += 1;
                again = *ends > 1;
            }
        }
        if let Some(highest) = overtaken {
            let what = format!("{effect:?} of epoch {epoch} after an effect of epoch {highest}");
            self.blame(now, AnomalyKind::Overlap, mission, what);
        }
        if again {
            self.blame(now, AnomalyKind::Duplicated, mission, format!("epoch {epoch} finished twice"));
        }
        self.lies_at(now, mission, Some(site));
    }

    /// A submit was answered 2xx. `row` tells whether the mission is in the database.
    pub(super) fn acknowledged(&mut self, now: Us, key: u64, mission: Mission, row: bool) {
        if self.keys.insert(key, mission).is_some_and(|before| before != mission) {
            self.blame(now, AnomalyKind::KeySplit, mission, format!("key {key} stands for two missions"));
        }
        if !std::mem::replace(&mut self.past(mission).acknowledged, true) {
            self.summary.acknowledged += 1;
        }
        if !row {
            self.blame(now, AnomalyKind::Lost, mission, "acknowledged and stored nowhere".to_owned());
        }
    }

    /// What can be said of a mission at the end, when everything is undone and had time to end.
    pub(super) fn ended(&mut self, now: Us, mission: Mission, facts: &MissionFacts, outcome: Option<Outcome>) {
        let past = self.pasts.get(&mission);
        let known = past.is_some_and(|past| past.acknowledged);
        let accepted = past.and_then(|past| past.accepted);
        let ends = past.and_then(|past| past.ends.get(&facts.epoch)).copied().unwrap_or(0);
        if let Some(past) = past {
            let finished: u32 = past.ends.values().sum();
            self.summary.fenced += u64::from(finished.saturating_sub(past.completions));
            self.summary.lost_attempts += u64::from(past.starts.saturating_sub(finished));
        }
        match facts.state {
            MissionState::Succeeded if ends == 0 => {
                self.blame(now, AnomalyKind::Lost, mission, "succeeded without a finished run".to_owned());
            }
            MissionState::Succeeded if outcome.is_none() || outcome != accepted.map(|(_, outcome)| outcome) => {
                self.blame(now, AnomalyKind::OutcomeLost, mission, "its outcome is not the one accepted".to_owned());
            }
            MissionState::Succeeded => self.summary.proven += u64::from(known),
            MissionState::Failed | MissionState::Cancelled => {
                let reason = facts.reason.map_or("none", scheduler_core::lifecycle::Reason::as_str);
                *self.summary.failed.entry(reason.to_owned()).or_default() += 1;
            }
            MissionState::Pending | MissionState::Queued | MissionState::Leased => {
                let what = format!("still {} at epoch {} when all had time to end", facts.state, facts.epoch);
                self.blame(now, AnomalyKind::Orphaned, mission, what);
            }
        }
    }
}

/// Whether a transition must raise the epoch: every grant, move and cancel.
const fn must_raise(from: MissionState, to: MissionState) -> bool {
    use MissionState::{Cancelled, Failed, Leased, Pending, Queued, Succeeded};
    match (from, to) {
        (Queued | Leased, Leased | Queued | Pending | Cancelled)
        | (Pending, Cancelled)
        | (Failed | Cancelled | Succeeded, Queued | Pending | Leased) => true,
        (Pending, Pending | Queued | Leased | Succeeded | Failed)
        | (Queued | Leased, Succeeded | Failed)
        | (Succeeded | Failed | Cancelled, Succeeded | Failed | Cancelled) => false,
    }
}

/// The property that an anomaly breaks.
const fn property(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Lost | AnomalyKind::OutcomeLost | AnomalyKind::KeySplit => "P1",
        AnomalyKind::Duplicated | AnomalyKind::Overlap | AnomalyKind::UnfencedWrite | AnomalyKind::EpochNotRaised => {
            "P2"
        }
        AnomalyKind::ResidencyBreach => "P4",
        AnomalyKind::Orphaned => "P5",
    }
}
