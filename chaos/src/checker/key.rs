//! What is known of a client key.

use scheduler_client::wire::MissionState;
use topology::MissionId;

use super::{AnomalyKind, Summary};

/// One client key. Kept small: there is one for each submit.
#[derive(Debug, Default)]
pub(super) struct Key {
    /// The mission that it stands for.
    mission: Option<MissionId>,
    /// Another one, which must not be.
    other: Option<Box<MissionId>>,
    /// The state of a row that has it in its title.
    row: Option<MissionState>,
    /// Whether its row is under a residency rule.
    bound: bool,
    /// Whether it was ever asked for here.
    asked: bool,
    /// Whether a submit was answered.
    acknowledged: bool,
    /// Submits of which nobody knows.
    unknown: u32,
}

impl Key {
    pub(super) const fn ask(&mut self) {
        self.asked = true;
    }

    pub(super) fn acknowledge(&mut self, mission: MissionId) {
        self.acknowledged = true;
        self.stand_for(mission);
    }

    pub(super) const fn lose_answer(&mut self) {
        self.unknown += 1;
    }

    pub(super) fn row(&mut self, mission: MissionId, state: MissionState, bound: bool) {
        (self.row, self.bound) = (Some(state), bound);
        self.stand_for(mission);
    }

    fn stand_for(&mut self, mission: MissionId) {
        match self.mission {
            None => self.mission = Some(mission),
            Some(first) if first != mission => self.other = Some(Box::new(mission)),
            Some(_) => {}
        }
    }

    /// Judges a key that was asked for. An acknowledged mission is judged by its own records; one whose answer was lost
    /// is known by its key alone.
    pub(super) fn judge(&self, summary: &mut Summary) {
        summary.indeterminate.add(self.unknown.into(), self.row.is_some());
        let Some(mission) = self.mission.filter(|_| self.asked) else { return };
        if let Some(other) = &self.other {
            summary.found(AnomalyKind::KeySplit, mission, format!("its key also stands for {other}"));
        }
        if let Some(state) = self.row.filter(|_| !self.acknowledged)
            && is_orphaned(state, self.bound)
        {
            summary.found(AnomalyKind::Orphaned, mission, super::epochs::word(state).to_owned());
        }
    }
}

/// Whether a mission should not be where it is when everything had time to end. `bound`: under a residency rule, whose
/// regions may all be away.
pub(super) const fn is_orphaned(state: MissionState, bound: bool) -> bool {
    match state {
        MissionState::Queued | MissionState::Leased => true,
        MissionState::Pending => !bound,
        MissionState::Succeeded | MissionState::Failed | MissionState::Cancelled => false,
    }
}
