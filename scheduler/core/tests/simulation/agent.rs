//! A region-agent: holds leases, names them, and may fall silent at any moment.

use std::collections::BTreeSet;

use topology::{Epoch, SessionId};

use crate::store::{Grant, Heartbeat, Store};

pub(crate) struct Agent {
    pub(crate) region: usize,
    pub(crate) session: SessionId,
    seq: i64,
    pub(crate) dead: bool,
    pub(crate) paused: bool,
    /// Started and not finished.
    pub(crate) running: BTreeSet<(usize, Epoch)>,
    /// Finished and not yet accepted or refused.
    pub(crate) results: BTreeSet<(usize, Epoch)>,
    /// Answers and requests on their way.
    pub(crate) inbox: Vec<Grant>,
    pub(crate) outbox: Vec<Heartbeat>,
}

impl Agent {
    pub(crate) fn new(store: &mut Store, region: usize) -> Self {
        Self {
            region,
            session: store.register(region),
            seq: 0,
            dead: false,
            paused: false,
            running: BTreeSet::new(),
            results: BTreeSet::new(),
            inbox: Vec::new(),
            outbox: Vec::new(),
        }
    }

    pub(crate) const fn awake(&self) -> bool {
        !self.dead && !self.paused
    }

    /// A new process: it knows nothing of the old one, whose heartbeats may still arrive.
    pub(crate) fn restart(&mut self, store: &mut Store) {
        let late = std::mem::take(&mut self.outbox);
        *self = Self { outbox: late, ..Self::new(store, self.region) };
    }

    pub(crate) fn send_heartbeat(&mut self) {
        self.seq += 1;
        let holds = self.running.union(&self.results).copied().collect();
        self.outbox.push(Heartbeat { session: self.session, seq: self.seq, holds });
    }

    /// Starts what arrived, unless two heartbeats went out since the grant without naming it. Returns what it started.
    pub(crate) fn receive(&mut self) -> Vec<usize> {
        let mut started = Vec::new();
        for grant in std::mem::take(&mut self.inbox) {
            if self.seq - grant.seq < 2 {
                self.running.insert((grant.mission, grant.epoch));
                started.push(grant.mission);
            }
        }
        started
    }

    pub(crate) fn finish(&mut self) {
        if let Some(done) = self.running.pop_first() {
            self.results.insert(done);
        }
    }

    /// The store's word about the session. An honest agent that is up to date lost nothing that it runs.
    pub(crate) fn heard(&mut self, answer: Option<Vec<(usize, Epoch)>>, of: SessionId) {
        if of != self.session {
            return;
        }
        match answer {
            Some(taken) => {
                for lease in taken {
                    let works = self.running.contains(&lease) || self.results.contains(&lease);
                    assert!(!works, "P2: a lease was given away that its holder works on and names: {lease:?}");
                }
            }
            None => {
                self.running.clear();
                self.results.clear();
                self.inbox.clear();
            }
        }
    }
}
