//! A scheduler's loops: they read, think, and write later what may be stale by then.

use scheduler_core::lifecycle::{Command, MissionState};
use topology::{Epoch, SessionId};

use crate::store::Store;

#[derive(Default)]
pub(crate) struct Scheduler {
    sessions: Vec<SessionId>,
    moves: Vec<Move>,
}

struct Move {
    mission: usize,
    seen: (MissionState, Epoch),
    command: Command<'static>,
    region: usize,
}

impl Scheduler {
    /// Reads everything and plans what ought to happen to it.
    pub(crate) fn plan(&mut self, store: &Store) {
        self.sessions = store.sessions.iter().filter(|session| !session.ended).map(|session| session.id).collect();
        self.moves = (0..store.missions.len()).filter_map(|mission| plan(store, mission)).collect();
    }

    /// Writes what was planned.
    pub(crate) fn carry(&mut self, store: &mut Store) {
        for session in self.sessions.drain(..) {
            store.expire(session);
        }
        for step in self.moves.drain(..) {
            store.compare_and_set(step.mission, step.seen, &step.command, step.region);
        }
    }
}

fn plan(store: &Store, mission: usize) -> Option<Move> {
    let row = &store.missions[mission];
    let (landing, region) = store.landing(row.region);
    let command = match row.facts.state {
        MissionState::Pending => match landing {
            scheduler_core::lifecycle::Landing::Queued => Command::Place,
            scheduler_core::lifecycle::Landing::Pending(why) => Command::Unplaceable(why),
        },
        MissionState::Queued if store.open[row.region] => return None,
        MissionState::Queued => match landing {
            scheduler_core::lifecycle::Landing::Queued => Command::Replace,
            scheduler_core::lifecycle::Landing::Pending(why) => Command::Unplaceable(why),
        },
        MissionState::Leased => {
            let holder = store.session(row.facts.session?);
            if holder.ended {
                Command::SessionExpired { charged: store.open[holder.region], landing }
            } else if row.facts.run_until.is_some_and(|until| until < store.now) {
                Command::RunLimit
            } else {
                return None;
            }
        }
        MissionState::Succeeded | MissionState::Failed | MissionState::Cancelled => return None,
    };
    Some(Move { mission, seen: (row.facts.state, row.facts.epoch), command, region })
}
