//! The runs of an agent: they begin only while the lease is certain, stand still while it is not, and end once.

use region_agent::lease::Lease as Held;
use scheduler_client::wire::LeaseName;

use super::Agent;
use crate::sim::alarm::Alarm;
use crate::sim::message::{Lease, Says, Word};
use crate::sim::setup::{mission_id, mission_number};
use crate::sim::time::Us;
use crate::sim::wire::Wire;
use crate::sim::witness::Effect;

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// How long it still takes, from when it last went on.
    left: Us,
    /// Since when it has gone on; none while it stands still.
    since: Option<Us>,
    /// Whether it has done anything yet.
    started: bool,
    /// Number of its newest timer.
    timer: u64,
}

/// A lease without its session, as the book has it.
pub(super) fn name(lease: &Lease) -> LeaseName {
    LeaseName { mission: mission_id(lease.mission), epoch: lease.epoch }
}

impl Agent {
    pub(super) fn begin(&mut self, wire: &mut Wire, name: LeaseName) {
        let left = wire.rng.between(self.setup.run_us.0, self.setup.run_us.1);
        self.runs.insert(name, Run { left, since: None, started: false, timer: 0 });
        if self.may_work(wire.now) {
            self.go_on(wire, name);
        }
    }

    fn go_on(&mut self, wire: &mut Wire, name: LeaseName) {
        let Some(run) = self.runs.get_mut(&name).filter(|run| run.since.is_none()) else { return };
        run.since = Some(wire.now);
        run.timer = wire.fresh();
        wire.alarm(self.node, run.left, Alarm::RunOver(name, run.timer));
        if !std::mem::replace(&mut run.started, true) {
            wire.witness.effect(wire.now, mission_number(name.mission), name.epoch, self.site, Effect::Start);
        }
    }

    /// The lease holds again, counted from before the heartbeat was sent.
    pub(super) fn renew(&mut self, wire: &mut Wire, sent: Us) {
        let held = Held::renewed(&self.terms, Self::boot(sent));
        self.held = Some(held);
        wire.alarm(self.node, (held.fence_at.0 / 1_000).cast_signed() - wire.now, Alarm::Fence);
        if self.may_work(wire.now) {
            let standing: Vec<LeaseName> = self.runs.keys().copied().collect();
            for name in standing {
                self.go_on(wire, name);
            }
        }
    }

    /// Runs stand still from a margin before the lease's end.
    pub(super) fn look_at_lease(&mut self, wire: &mut Wire) {
        let now = Self::boot(wire.now);
        if let Some(held) = self.held.as_mut().filter(|held| !held.fenced && now >= held.fence_at) {
            held.fenced = true;
            for run in self.runs.values_mut() {
                run.stand_still(wire.now);
            }
        }
    }

    pub(super) fn run_over(&mut self, wire: &mut Wire, name: LeaseName, timer: u64) {
        let may_work = self.may_work(wire.now);
        let Some(run) = self.runs.get_mut(&name).filter(|run| run.timer == timer && run.since.is_some()) else {
            return;
        };
        if !may_work {
            // The process itself stood still, and wakes after its time.
            return run.stand_still(wire.now);
        }
        self.runs.remove(&name);
        let Some(session) = self.session.filter(|_| self.book.holds(name)) else { return };
        let mission = mission_number(name.mission);
        wire.witness.effect(wire.now, mission, name.epoch, self.site, Effect::End);
        self.book.finished(name);
        let lease = Lease { mission, epoch: name.epoch, session };
        let outcome = mission << 16 | name.epoch.0.cast_unsigned();
        let result = wire.fresh();
        self.spool.insert(result, Word { lease, says: Says::Complete(outcome) });
        self.deliver(wire, result);
    }
}

impl Run {
    fn stand_still(&mut self, now: Us) {
        if let Some(since) = self.since.take() {
            self.left = (self.left - (now - since)).max(0);
        }
    }
}
