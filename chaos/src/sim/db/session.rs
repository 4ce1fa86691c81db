//! Sessions and their heartbeats.

use topology::SessionId;

use super::Database;
use crate::sim::setup::Site;
use crate::sim::statement::{Pulse, Rows};
use crate::sim::time::Us;
use crate::sim::wire::Wire;

/// A session with its heartbeat.
#[derive(Debug)]
pub(in crate::sim) struct SessionRow {
    pub(in crate::sim) site: Site,
    /// The last number that was heard; -1 = ended, for good.
    pub(in crate::sim) seq: i64,
    pub(in crate::sim) heard_at: Us,
    pub(super) ended: Option<Ended>,
}

/// How a session ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    /// By silence.
    pub(super) expired: bool,
    /// Nothing is leased to it any more.
    pub(super) settled: bool,
}

impl Database {
    pub(super) fn session_register(&mut self, now: Us, id: SessionId, site: Site) -> Rows {
        self.sessions.entry(id).or_insert(SessionRow { site, seq: 0, heard_at: now, ended: None });
        self.regions.heard(site, now);
        Rows::None
    }

    pub(super) fn is_live(&self, session: SessionId) -> bool {
        self.sessions.get(&session).is_some_and(|row| row.seq >= 0)
    }

    /// Renews a session whose number does not fall; one that has ended does not come back.
    pub(super) fn heartbeat_renew(&mut self, now: Us, session: SessionId, seq: i64) -> Rows {
        let Some(row) = self.sessions.get_mut(&session) else { return Rows::Renewed(Pulse::Ended) };
        if row.seq < 0 || row.seq > seq {
            return Rows::Renewed(if row.seq < 0 { Pulse::Ended } else { Pulse::Stale });
        }
        (row.seq, row.heard_at) = (seq, now);
        let site = row.site;
        self.regions.heard(site, now);
        Rows::Renewed(Pulse::Live)
    }

    /// Ends the sessions of a region that are silent for too long.
    pub(super) fn session_reap(&mut self, wire: &mut Wire, site: Site, deadline: Us) -> Rows {
        let late = |row: &SessionRow| row.site == site && row.seq >= 0 && row.heard_at < deadline;
        let mut ended = Vec::new();
        for (id, row) in self.sessions.iter_mut().filter(|(_, row)| late(row)) {
            (row.seq, row.ended) = (-1, Some(Ended { expired: true, settled: false }));
            ended.push(*id);
        }
        for id in &ended {
            let words = [id.0.as_u128() as u64, site as u64, 0];
            let region = &self.setup.regions[site];
            wire.trace.note(wire.now, words, || format!("session {} of {region} expired", id.0.as_u128()));
        }
        Rows::Ended(ended)
    }

    /// Writes down that ended sessions hold nothing any more, where it is so.
    pub(super) fn sessions_settle(&mut self, sessions: &[SessionId]) -> Rows {
        for id in sessions.iter().filter(|id| !self.leased.contains_key(id)) {
            if let Some(ended) = self.sessions.get_mut(id).and_then(|row| row.ended.as_mut()) {
                ended.settled = true;
            }
        }
        Rows::None
    }
}
