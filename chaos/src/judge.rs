//! Decides from three records whether anything was lost or done twice.
//!
//! The records are made outside the system under test and never by it: what the submitter was told (every 2xx answer),
//! what the runners did (an append-only ledger), and, last, the rows that the database ends with. [`judge`] is pure; it
//! reads no clock and asks nobody.

mod record;

use std::collections::{BTreeMap, BTreeSet};

use scheduler_client::wire::MissionState;
use serde::Serialize;
use topology::{Epoch, MissionId};

pub use record::{Acknowledged, Effect, EffectKind, ReadError, Row, read_lines};

/// What the records prove.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Missions that were acknowledged, each counted once.
    pub acknowledged: usize,
    /// Missions that ended well with exactly one finished run of the winning epoch.
    pub proven: usize,
    /// Acknowledged missions that have no row, or succeeded without a finished run of the winning epoch (P1).
    pub lost: BTreeSet<MissionId>,
    /// Missions whose winning epoch was finished more than once, or of which two epochs were accepted (P2).
    pub duplicated: BTreeSet<MissionId>,
    /// Acknowledged missions whose row is still open.
    pub open: BTreeSet<MissionId>,
    /// Acknowledged missions that ended as failed or cancelled.
    pub failed: BTreeSet<MissionId>,
    /// Missions that ran without ever being acknowledged. Not a fault: the answer was lost, the mission was not.
    pub unacknowledged: BTreeSet<MissionId>,
    /// Missions of which an older epoch was started after a newer one.
    pub backwards: BTreeSet<MissionId>,
    /// Runs that finished under an epoch which did not win: at-least-once work that the fence kept out.
    pub fenced: usize,
}

impl Verdict {
    /// Whether every acknowledged mission ended exactly once, and well.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lost.is_empty()
            && self.duplicated.is_empty()
            && self.open.is_empty()
            && self.failed.is_empty()
            && self.backwards.is_empty()
    }
}

/// What the ledger tells of one mission.
#[derive(Debug, Default)]
struct Runs {
    finished: BTreeMap<Epoch, usize>,
    accepted: BTreeSet<Epoch>,
    newest_start: Option<Epoch>,
    went_back: bool,
}

/// Compares what was promised with what was done and what is stored.
///
/// Effects count in the order of the ledger, which its single writer or `O_APPEND` makes the order of the runs.
#[must_use]
pub fn judge(acknowledged: &[Acknowledged], ledger: &[Effect], rows: &[Row]) -> Verdict {
    let runs = collect(ledger);
    let rows: BTreeMap<MissionId, &Row> = rows.iter().map(|row| (row.mission, row)).collect();
    let promised: BTreeSet<MissionId> = acknowledged.iter().map(|answer| answer.mission).collect();

    let mut verdict = Verdict { acknowledged: promised.len(), ..Verdict::default() };
    for mission in &promised {
        match rows.get(mission) {
            None => {
                verdict.lost.insert(*mission);
            }
            Some(row) => judge_row(row, runs.get(mission), &mut verdict),
        }
    }
    for (mission, run) in &runs {
        if !promised.contains(mission) {
            verdict.unacknowledged.insert(*mission);
        }
        if run.went_back {
            verdict.backwards.insert(*mission);
        }
        if run.accepted.len() > 1 {
            verdict.duplicated.insert(*mission);
        }
        let winner = rows.get(mission).map(|row| row.epoch);
        verdict.fenced +=
            run.finished.iter().filter(|(epoch, _)| Some(**epoch) != winner).map(|(_, times)| times).sum::<usize>();
    }
    verdict
}

fn judge_row(row: &Row, run: Option<&Runs>, verdict: &mut Verdict) {
    let finished = run.and_then(|run| run.finished.get(&row.epoch)).copied().unwrap_or(0);
    match row.state {
        MissionState::Pending | MissionState::Queued | MissionState::Leased => {
            verdict.open.insert(row.mission);
        }
        MissionState::Failed | MissionState::Cancelled => {
            verdict.failed.insert(row.mission);
        }
        MissionState::Succeeded => {
            let other = run.is_some_and(|run| run.accepted.iter().any(|epoch| *epoch != row.epoch));
            if finished > 1 || other {
                verdict.duplicated.insert(row.mission);
            } else if finished == 0 {
                verdict.lost.insert(row.mission);
            } else {
                verdict.proven += 1;
            }
        }
    }
}

fn collect(ledger: &[Effect]) -> BTreeMap<MissionId, Runs> {
    let mut all: BTreeMap<MissionId, Runs> = BTreeMap::new();
    for effect in ledger {
        let runs = all.entry(effect.mission).or_default();
        match effect.event {
            EffectKind::Start => {
                runs.went_back |= runs.newest_start.is_some_and(|newest| effect.epoch < newest);
                runs.newest_start = runs.newest_start.max(Some(effect.epoch));
            }
            EffectKind::End => *runs.finished.entry(effect.epoch).or_insert(0) += 1,
            EffectKind::Accepted => {
                runs.accepted.insert(effect.epoch);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
