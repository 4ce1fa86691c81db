//! Whoever submits missions, one for each region: the next one comes after its interval whatever became of the others.

use std::sync::Arc;

use super::alarm::Alarm;
use super::caller::{Caller, Limits};
use super::message::{Body, Node, Parcel, Request, Response, Submit};
use super::setup::{Mission, Setup, Site};
use super::time::{SECOND, Us};
use super::wire::Wire;
use crate::drill::Load;

/// How long one scheduler is waited for.
const LIMITS: Limits = Limits { attempt: 2 * SECOND, ..Limits::DEFAULT };

/// How a submit ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Submitted {
    pub(super) key: u64,
    /// The mission; none where nobody could tell.
    pub(super) mission: Option<Mission>,
}

pub(super) struct Client {
    setup: Arc<Setup>,
    site: Site,
    node: Node,
    caller: Caller<u64>,
    load: Load,
    /// Time between two submits.
    interval: Us,
    on: bool,
}

impl Client {
    pub(super) fn start(setup: &Arc<Setup>, site: Site, load: &Load, wire: &mut Wire) -> Self {
        let node = Node::Client(site);
        let mut client = Self {
            caller: Caller::new(node, setup.nearest[site].clone()),
            load: load.clone(),
            interval: 0,
            on: true,
            setup: Arc::clone(setup),
            site,
            node,
        };
        client.set_rate(load.per_second);
        let first = wire.rng.between(0, client.interval);
        wire.alarm(node, first, Alarm::Submit);
        client
    }

    /// Missions a second over all clients, as the file has it.
    pub(super) fn set_rate(&mut self, per_second: f64) {
        let own = per_second * self.setup.scale / self.setup.regions.len() as f64;
        self.interval = (SECOND as f64 / own.max(0.001)) as Us;
    }

    pub(super) const fn stop(&mut self) {
        self.on = false;
    }

    /// Whether nothing of it is under way.
    pub(super) fn is_done(&self) -> bool {
        !self.on && self.caller.count(|_| true) == 0
    }

    pub(super) fn on_alarm(&mut self, wire: &mut Wire, alarm: Alarm) {
        match alarm {
            Alarm::Submit if self.on => {
                let jitter = wire.rng.between(-self.interval / 2, self.interval / 2);
                wire.alarm(self.node, self.interval + jitter, Alarm::Submit);
                self.submit(wire);
            }
            Alarm::Submit => {}
            Alarm::Retry(number) => self.caller.again(wire, number),
            Alarm::Tick(_)
            | Alarm::Look(..)
            | Alarm::PollOver(_)
            | Alarm::Hints
            | Alarm::Again(_)
            | Alarm::Beat(_)
            | Alarm::Fence
            | Alarm::Claim
            | Alarm::RunOver(..) => unreachable!("clients set no such timer"),
        }
    }

    pub(super) fn on_parcel(&mut self, wire: &mut Wire, parcel: Parcel) -> Option<Submitted> {
        let Body::Answer(answer) = parcel.body else { unreachable!("nobody asks a client") };
        let (key, response) = self.caller.answered(wire, parcel.call, answer)?;
        let mission = response.and_then(|response| match response {
            Response::Submitted(mission) => Some(mission),
            Response::Registered
            | Response::Beat(_)
            | Response::SessionEnded
            | Response::Granted(..)
            | Response::Accepted
            | Response::LeaseLost
            | Response::Unheard
            | Response::Unavailable => None,
        });
        Some(Submitted { key, mission })
    }

    fn submit(&mut self, wire: &mut Wire) {
        let key = wire.fresh();
        let regions = self.setup.regions.len();
        // Rules are sorted by name: one of a region alone, then as many of pairs.
        let rule = wire.rng.chance(self.load.residency_share).then(|| wire.rng.below(2 * regions as u64) as usize);
        let priorities = &self.load.priorities;
        let priority = match priorities.len() {
            0 => 0,
            many => priorities[wire.rng.below(many as u64) as usize],
        };
        let kind = wire.rng.below(self.setup.kinds.len() as u64) as usize;
        let submit = Submit { key, kind, origin: self.site, rule, priority };
        self.caller.call(wire, Request::Submit(submit), LIMITS, key);
    }
}
