//! What is known of a mission, kept small: a history may have millions of them.

use scheduler_client::wire::MissionState;
use topology::Epoch;

use super::epochs::Moved;
use super::names::{Allowed, Mark, Reason, Region, Session};
use crate::history::{Effect, EffectKind};

/// One mission.
#[derive(Debug, Default)]
pub(super) struct Mission {
    /// A submit was answered 2xx with it.
    pub(super) acknowledged: bool,
    /// What its submit says of where it may run.
    pub(super) asked_for: Allowed,
    /// What the runners did.
    pub(super) runs: Vec<Run>,
    /// The highest epoch with an effect so far.
    newest: Option<Epoch>,
    /// The first effect of an epoch after one of a higher epoch: the lower and the higher.
    pub(super) overlap: Option<Box<(Epoch, Epoch)>>,
    /// What agents brought.
    pub(super) told: Vec<Told>,
    /// How it ended.
    pub(super) row: Option<Box<Ended>>,
    /// Its transitions off the straight path.
    pub(super) events: Vec<Moved>,
}

/// What one session did in one region under one epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) epoch: Epoch,
    pub(super) session: Session,
    pub(super) region: Region,
    /// How often it began.
    pub(super) starts: u8,
    /// How often it ended by itself, and how often of these well.
    pub(super) ends: u8,
    pub(super) good_ends: u8,
}

/// What an agent brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) epoch: Epoch,
    pub(super) session: Session,
    /// The outcome of a completion; none for a failure.
    pub(super) outcome: Option<Mark>,
    /// It was accepted; else nobody knows.
    pub(super) accepted: bool,
}

/// A mission's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) state: MissionState,
    pub(super) epoch: Epoch,
    pub(super) session: Option<Session>,
    pub(super) outcome: Option<Mark>,
    pub(super) region: Option<Region>,
    pub(super) reason: Option<Reason>,
    /// Whether it is under a residency rule.
    pub(super) bound: bool,
    pub(super) allowed: Allowed,
}

impl Ended {
    pub(super) fn succeeded(&self) -> bool {
        self.state == MissionState::Succeeded
    }
}

impl Mission {
    pub(super) fn acknowledge(&mut self, allowed: Allowed) {
        self.acknowledged = true;
        if allowed != Allowed::ANYWHERE {
            self.asked_for = allowed;
        }
    }

    /// Notes what a runner did; the ledger's order is the order of the effects.
    pub(super) fn effect(&mut self, effect: &Effect, session: Session, region: Region) {
        let epoch = effect.epoch;
        if effect.event != EffectKind::Stop {
            if let Some(newest) = self.newest.filter(|newest| epoch < *newest) {
                self.overlap.get_or_insert_with(|| Box::new((epoch, newest)));
            }
            self.newest = self.newest.max(Some(epoch));
        }
        let run = self.run(epoch, session, region);
        match effect.event {
            EffectKind::Start => run.starts = run.starts.saturating_add(1),
            EffectKind::End => {
                run.ends = run.ends.saturating_add(1);
                // A ledger that does not say how a run ended knows only good ends.
                run.good_ends = run.good_ends.saturating_add(effect.ok.unwrap_or(true).into());
            }
            EffectKind::Stop => {}
        }
    }

    fn run(&mut self, epoch: Epoch, session: Session, region: Region) -> &mut Run {
        let same = |run: &Run| (run.epoch, run.session, run.region) == (epoch, session, region);
        let at = self.runs.iter().position(same).unwrap_or_else(|| {
            let run = Run { epoch, session, region, starts: 0, ends: 0, good_ends: 0 };
            push(&mut self.runs, run);
            self.runs.len() - 1
        });
        &mut self.runs[at]
    }

    /// Notes what an agent brought. The same result brought again, as after a restart, is no second one.
    pub(super) fn told(&mut self, told: Told) {
        if !told.accepted || !self.told.contains(&told) {
            push(&mut self.told, told);
        }
    }

    /// Where it may run: what its submit says, else what its row does.
    pub(super) fn allowed(&self) -> Allowed {
        match &self.row {
            Some(row) if self.asked_for == Allowed::ANYWHERE => row.allowed,
            Some(_) | None => self.asked_for,
        }
    }

    /// Completions that were accepted.
    pub(super) fn accepted(&self) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(|told| told.accepted && told.outcome.is_some())
    }

    /// Runs of an epoch that ended by themselves, and those of them that ended well.
    pub(super) fn ends(&self, epoch: Epoch) -> (u32, u32) {
        let runs = self.runs.iter().filter(|run| run.epoch == epoch);
        runs.fold((0, 0), |(ends, good), run| (ends + u32::from(run.ends), good + u32::from(run.good_ends)))
    }

    /// Whether somebody ran it under an epoch, and not this session.
    pub(super) fn held_by_another(&self, epoch: Epoch, session: Session) -> bool {
        let mut holders = self.runs.iter().filter(|run| run.epoch == epoch).peekable();
        holders.peek().is_some() && holders.all(|run| run.session != session)
    }
}

/// Most missions have one run and one result: no room is kept for more.
fn push<T>(list: &mut Vec<T>, entry: T) {
    if list.is_empty() {
        list.reserve_exact(1);
    }
    list.push(entry);
}
