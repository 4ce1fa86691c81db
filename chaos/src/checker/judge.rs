//! What the records of one mission prove. The letters are those of the README beside this file.

use scheduler_client::wire::MissionState;
use topology::{Epoch, MissionId};

use super::epochs::{not_raised, word};
use super::key::is_orphaned;
use super::mission::{Ended, Mission, Told};
use super::names::{Allowed, Names, Session};
use super::{AnomalyKind, Summary};

/// A mission before its judge.
pub(super) struct Case<'a> {
    id: MissionId,
    mission: Mission,
    watched: bool,
    names: &'a Names,
    summary: &'a mut Summary,
}

impl<'a> Case<'a> {
    /// `watched`: its runners wrote down what they did.
    pub(super) const fn new(
        id: MissionId,
        mission: Mission,
        watched: bool,
        names: &'a Names,
        summary: &'a mut Summary,
    ) -> Self {
        Self { id, mission, watched, names, summary }
    }

    pub(super) fn judge(mut self) {
        self.summary.acknowledged += u64::from(self.mission.acknowledged);
        let doubled = self.duplicated();
        let row = self.mission.row.as_deref().copied();
        match row {
            None => self.missing(),
            Some(row) => {
                // What is told already is not told again by what follows from it.
                let crooked = doubled || self.unfenced(row);
                if !crooked {
                    self.outcome(row);
                }
                self.ended(row, crooked);
            }
        }
        self.overlap();
        self.lawful();
        self.epochs();
        self.count_runs(row);
        self.unknown(row);
    }

    fn found(&mut self, kind: AnomalyKind, seen: String) {
        self.summary.found(kind, self.id, seen);
    }

    /// D: two accepted completions, or two runs of one epoch that finished.
    fn duplicated(&mut self) -> bool {
        let mut accepted = self.mission.accepted().map(|told| told.epoch.to_string()).collect::<Vec<_>>();
        if accepted.len() > 1 {
            accepted.sort();
            self.found(AnomalyKind::Duplicated, format!("completions accepted under epochs {}", accepted.join(", ")));
            return true;
        }
        let twice = self.mission.runs.iter().map(|run| run.epoch).find(|epoch| self.mission.ends(*epoch).0 > 1);
        if let Some(epoch) = twice {
            self.found(AnomalyKind::Duplicated, format!("more than one run of epoch {epoch} finished"));
        }
        twice.is_some()
    }

    /// L: a promise without a row.
    fn missing(&mut self) {
        let promise = match self.mission.accepted().next() {
            Some(told) => format!("completed under epoch {}", told.epoch),
            None if self.mission.acknowledged => "acknowledged".to_owned(),
            None => return,
        };
        self.found(AnomalyKind::Lost, format!("{promise}, and has no row"));
    }

    /// U: accepted from somebody who did not hold the lease.
    fn unfenced(&mut self, row: Ended) -> bool {
        let mission = &self.mission;
        let won = |epoch, session| !row.succeeded() || (row.epoch == epoch && row.session == Some(session));
        let is_wrong = |told: &&Told| {
            mission.held_by_another(told.epoch, told.session)
                || (told.outcome.is_some() && !won(told.epoch, told.session))
        };
        let wrong = mission.told.iter().filter(|told| told.accepted).find(is_wrong);
        let wrong = wrong.map(|told| ("accepted from", told.epoch, told.session));
        let winner = row.session.filter(|session| row.succeeded() && mission.held_by_another(row.epoch, *session));
        let Some((how, epoch, session)) = wrong.or_else(|| Some(("stored for", row.epoch, winner?))) else {
            return false;
        };
        let (session, row) = (self.names.session_id(session), self.at(row.epoch, row.session));
        self.found(AnomalyKind::UnfencedWrite, format!("{how} epoch {epoch} of session {session}, the row has {row}"));
        true
    }

    fn at(&self, epoch: Epoch, session: Option<Session>) -> String {
        match session {
            Some(session) => format!("epoch {epoch} of session {}", self.names.session_id(session)),
            None => format!("epoch {epoch} of nobody"),
        }
    }

    /// O: what was accepted is what is stored.
    fn outcome(&mut self, row: Ended) {
        let Some(told) = self.mission.accepted().next() else { return };
        if row.succeeded() && row.outcome == told.outcome {
            return;
        }
        let stored = if row.outcome.is_some() { "another outcome" } else { "no outcome" };
        let state = word(row.state);
        let seen = format!("completed under epoch {}, the row is {state} with {stored}", told.epoch);
        self.found(AnomalyKind::OutcomeLost, seen);
    }

    /// P, L, S: how it ended.
    fn ended(&mut self, row: Ended, crooked: bool) {
        let promised = self.mission.acknowledged || self.mission.accepted().next().is_some();
        let acknowledged = self.mission.acknowledged;
        match row.state {
            MissionState::Succeeded if !self.watched => self.summary.unwatched += u64::from(acknowledged),
            MissionState::Succeeded => {
                let (_, good) = self.mission.ends(row.epoch);
                if promised && good == 0 && !crooked {
                    self.found(AnomalyKind::Lost, format!("succeeded, and no run of epoch {} finished", row.epoch));
                }
                self.summary.proven += u64::from(acknowledged && good == 1 && !crooked);
            }
            MissionState::Failed | MissionState::Cancelled => {
                let reason = row.reason.map_or_else(|| word(row.state), |reason| self.names.reason_code(reason));
                if acknowledged {
                    *self.summary.failed.entry(reason.to_owned()).or_default() += 1;
                }
            }
            MissionState::Pending | MissionState::Queued | MissionState::Leased => {
                let bound = row.bound || self.mission.asked_for != Allowed::ANYWHERE;
                if acknowledged && is_orphaned(row.state, bound) {
                    self.found(AnomalyKind::Orphaned, format!("{} at epoch {}", word(row.state), row.epoch));
                } else if acknowledged {
                    self.summary.held_back += 1;
                }
            }
        }
    }

    /// V: an effect of an epoch after the first one of a higher epoch.
    fn overlap(&mut self) {
        if let Some(overlap) = &self.mission.overlap {
            let (low, high) = **overlap;
            self.found(AnomalyKind::Overlap, format!("an effect of epoch {low} after one of epoch {high}"));
        }
    }

    /// R: where it ran and where it lay.
    fn lawful(&mut self) {
        let allowed = self.mission.allowed();
        let ran = self.mission.runs.iter().map(|run| (run.region, "ran in"));
        let lay = self.mission.events.iter().filter_map(|event| Some((event.region?, "was placed in")));
        let row = self.mission.row.iter().filter_map(|row| Some((row.region?, "ended in")));
        let breach = ran.chain(lay).chain(row).find(|(region, _)| !self.names.lawful(allowed, *region));
        if let Some((region, how)) = breach {
            let region = self.names.region_name(region);
            self.found(AnomalyKind::ResidencyBreach, format!("{how} {region}"));
        }
    }

    /// E: every grant and every move raised the epoch.
    fn epochs(&mut self) {
        let runs = &self.mission.runs;
        let shared = runs.iter().find(|run| runs.iter().any(|o| o.epoch == run.epoch && o.session != run.session));
        let seen = match shared {
            Some(run) => Some(format!("epoch {} was granted to two sessions", run.epoch)),
            None => not_raised(&mut self.mission.events, |epoch| runs.iter().any(|run| run.epoch == epoch)),
        };
        if let Some(seen) = seen {
            self.found(AnomalyKind::EpochNotRaised, seen);
        }
    }

    /// Runs that finished in vain, and runs that did not finish.
    fn count_runs(&mut self, row: Option<Ended>) {
        for run in &self.mission.runs {
            let taken = |told: &Told| told.epoch == run.epoch && told.session == run.session;
            let accepted = self.mission.told.iter().any(|told| taken(told) && self.done(told, row));
            let won = row.is_some_and(|row| row.succeeded() && row.epoch == run.epoch);
            self.summary.fenced += u64::from(run.ends > 0 && !accepted && !won);
            self.summary.lost_attempts += u64::from(run.starts > 0 && run.ends == 0);
        }
    }

    /// I: results of which nobody knew.
    fn unknown(&mut self, row: Option<Ended>) {
        for told in self.mission.told.iter().filter(|told| !told.accepted) {
            self.summary.indeterminate.add(1, self.done(told, row));
        }
    }

    /// Whether a result was taken: it was accepted, or the final state shows it.
    fn done(&self, told: &Told, row: Option<Ended>) -> bool {
        told.accepted
            || match told.outcome {
                Some(_) => row.is_some_and(|row| {
                    row.succeeded()
                        && (row.epoch, row.session, row.outcome) == (told.epoch, Some(told.session), told.outcome)
                }),
                None => self.mission.events.iter().any(|event| event.is_failure_of(told.epoch, told.session)),
            }
    }
}
