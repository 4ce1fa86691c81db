//! What the loops find and move.

use scheduler_core::lifecycle::{MissionState, Reason};

use super::Database;
use crate::drill::PlantedBug;
use crate::sim::message::Lease;
use crate::sim::setup::{Mission, Site};
use crate::sim::statement::{Due, PAGE, Page, PageRow, Rows, Step, Unsettled};
use crate::sim::wire::Wire;

impl Database {
    pub(super) fn sweep_due(&self, home: Site) -> Due {
        let ended = self.sessions.iter().filter(|(_, row)| row.site == home);
        let unsettled = ended.filter_map(|(id, row)| {
            let ended = row.ended.filter(|ended| !ended.settled)?;
            Some(Unsettled { id: *id, site: row.site, expired: ended.expired })
        });
        let pools = (0..self.setup.kinds.len()).map(|kind| self.setup.pool(home, kind));
        Due {
            unsettled: unsettled.collect(),
            queued: pools.filter(|pool| !self.queued[*pool].is_empty()).collect(),
            pending: !self.pending[home].is_empty(),
        }
    }

    /// A page of missions, in the order in which they are moved.
    pub(super) fn page(&self, home: Site, page: &Page) -> Vec<PageRow> {
        let missions: Vec<Mission> = match page {
            Page::LeasesOfSessions(sessions) => {
                sessions.iter().filter_map(|session| self.leased.get(session)).flatten().copied().collect()
            }
            Page::LeasesOfRegion(site) => {
                self.leases_where(|row| row.map(|pool| self.setup.site_of(pool)) == Some(*site))
            }
            Page::LeasesOrphaned => self.leases_orphaned(home),
            Page::Queued(pool) => self.queued[*pool].iter().map(|(_, _, mission)| *mission).take(PAGE).collect(),
            Page::Pending(after) => self.pending[home].range(after + 1..).take(PAGE).copied().collect(),
        };
        let rows = missions.into_iter().take(PAGE).map(|mission| (mission, &self.missions[&mission]));
        rows.map(|(mission, row)| PageRow {
            mission,
            facts: row.facts.clone(),
            asked: row.asked,
            pool: row.pool,
            nonce: row.nonce,
        })
        .collect()
    }

    fn leases_where(&self, wanted: impl Fn(Option<usize>) -> bool) -> Vec<Mission> {
        let leased = self.leased.values().flatten();
        leased.filter(|mission| wanted(self.missions[mission].pool)).copied().collect()
    }

    /// Leases of sessions that are neither live nor waiting to be settled.
    fn leases_orphaned(&self, home: Site) -> Vec<Mission> {
        let of_nobody = self.leased.iter().filter(|(session, _)| {
            let row = self.sessions.get(session);
            row.is_none_or(|row| row.site == home && row.ended.is_some_and(|ended| ended.settled))
        });
        of_nobody.flat_map(|(_, missions)| missions).copied().collect()
    }

    /// Writes transitions that were decided on a page, where state and epoch are still those.
    pub(super) fn mission_move(&mut self, wire: &mut Wire, steps: &[Step]) -> Rows {
        let keeps_epoch = self.has(PlantedBug::MoveWithoutRaisingEpoch);
        let mut moved = Vec::new();
        for step in steps {
            let Some(row) = self.missions.get(&step.mission) else { continue };
            if (row.facts.state, row.facts.epoch) != step.seen {
                continue;
            }
            let holder = row.facts.session;
            let of_ended = matches!(step.next.reason, Some(Reason::SessionExpired | Reason::RegionLost));
            if let Some(session) = holder.filter(|session| of_ended && self.is_live(*session)) {
                let lease = Lease { mission: step.mission, epoch: row.facts.epoch, session };
                wire.witness.taken_from_holder(wire.now, &lease);
            }
            let mut next = step.next;
            if keeps_epoch {
                next.epoch = row.facts.epoch;
            }
            self.write(wire, step.mission, &next, step.pool, step.home);
            moved.push((step.mission, step.pool.filter(|_| next.to == MissionState::Queued)));
        }
        Rows::Moved(moved)
    }
}
