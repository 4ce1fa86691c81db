//! A scheduler process around the pure core: its loops, its claimers, and what it answers. It decides on what it has
//! read, which is old by the time its statement arrives.

mod answers;
mod claims;
mod health;
mod sql;
mod sweeps;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

use scheduler_core::health::{Budget, may_end_sessions, watches};
use topology::{RegionName, SchedulerId};
use uuid::Uuid;

use self::claims::Claims;
use self::health::Health;
use self::sql::{Errands, Failed, Purpose};
use self::sweeps::Sweep;
use self::view::View;
use super::alarm::{Alarm, Loop};
use super::message::{Answer, Ask, Body, Node, Parcel, Request, Response};
use super::setup::{Pool, Setup, Site};
use super::statement::{Rows, Statement};
use super::time::{MS, SECOND, Us, span, us};
use super::wire::Wire;
use crate::drill::PlantedBug;

/// Longest time of one statement about one region: a dying region's rows never delay another's (P5).
const REGION_TIMEOUT: Us = 1_500 * MS;

/// Time in which the budget for moves is filled up once.
const BUDGET_PERIOD: Us = 400 * MS;

/// Figures older than this are published by whoever watches the region.
const STALE: Us = 2_500 * MS;

/// Hints to a region are at least so long apart.
const GATHER: Us = 10 * MS;

/// One process. A new one knows nothing of the one before it.
pub(super) struct Scheduler {
    setup: Arc<Setup>,
    bug: Option<PlantedBug>,
    pub(super) site: Site,
    node: Node,
    id: SchedulerId,
    errands: Errands,
    pub(super) view: View,
    health: Health,
    /// Own writes without a gap, by home: the first and the last of them.
    steady: Vec<Option<(Us, Us)>>,
    /// The longest silence of a live session of each region, as last read.
    quietest: Vec<Option<Option<Us>>>,
    sweeps: Vec<Sweep>,
    budget: (Budget, Option<Us>),
    claims: Claims,
    /// Pools whose hints are gathered.
    hints: BTreeSet<Pool>,
}

impl Scheduler {
    /// Starts a process: its loops tick at once, but not all at the same moment.
    pub(super) fn start(setup: &Arc<Setup>, bug: Option<PlantedBug>, site: Site, wire: &mut Wire) -> Self {
        let node = Node::Scheduler(site);
        let every = [Loop::Beat, Loop::Watch, Loop::Load, Loop::Health, Loop::Reap, Loop::Sweeps, Loop::Orphans];
        for each in every {
            let after = wire.rng.between(0, 100 * MS);
            wire.alarm(node, after, Alarm::Tick(each));
        }
        let homes = setup.regions.len();
        Self {
            bug,
            site,
            node,
            id: SchedulerId(Uuid::from_u128(wire.fresh().into())),
            errands: Errands::new(node, setup.nearest[site].clone()),
            view: View::new(setup),
            health: Health::new(wire.now),
            steady: vec![None; homes],
            quietest: vec![None; homes],
            sweeps: vec![Sweep::default(); homes],
            budget: (Budget::new(), None),
            claims: Claims::default(),
            hints: BTreeSet::new(),
            setup: Arc::clone(setup),
        }
    }

    pub(super) fn on_alarm(&mut self, wire: &mut Wire, alarm: Alarm) {
        match alarm {
            Alarm::Tick(which) => self.tick(wire, which),
            Alarm::Look(pool, look) => self.look_again(wire, pool, look),
            Alarm::PollOver(call) => self.poll_over(wire, call),
            Alarm::Hints => self.send_hints(wire),
            Alarm::Again(errand) => self.errands.again(wire, errand),
            Alarm::Beat(_) | Alarm::Fence | Alarm::Claim | Alarm::RunOver(..) | Alarm::Retry(_) | Alarm::Submit => {
                unreachable!("schedulers set no such timer")
            }
        }
    }

    pub(super) fn on_parcel(&mut self, wire: &mut Wire, parcel: Parcel) {
        match parcel.body {
            Body::Ask(Ask::Http(ref request)) => {
                let request = request.clone();
                self.asked(wire, parcel, request);
            }
            Body::Ask(Ask::Sql(_)) => unreachable!("nobody sends statements to a scheduler"),
            Body::Answer(answer) => {
                if let Some((purpose, result)) = self.errands.answered(wire, parcel.call, answer) {
                    self.returned(wire, purpose, result);
                }
            }
        }
    }

    fn tick(&mut self, wire: &mut Wire, which: Loop) {
        let every = match which {
            Loop::Beat | Loop::Watch | Loop::Load => SECOND,
            Loop::Health | Loop::Reap | Loop::Sweeps => SECOND / 2,
            Loop::Orphans => 15 * SECOND,
        };
        let jitter = wire.rng.between(0, 20 * MS);
        wire.alarm(self.node, every + jitter, Alarm::Tick(which));
        match which {
            Loop::Beat => self.beat(wire),
            Loop::Watch => self.errands.run(wire, Statement::LoadRead, REGION_TIMEOUT, Purpose::View),
            Loop::Load => self.publish(wire),
            Loop::Health => self.health_tick(wire),
            Loop::Reap => self.reap_tick(wire),
            Loop::Sweeps => self.sweeps_tick(wire),
            Loop::Orphans => self.orphans_tick(wire),
        }
    }

    /// What a statement brought goes to who wanted it.
    fn returned(&mut self, wire: &mut Wire, purpose: Purpose, result: Result<(Us, Rows), Failed>) {
        if let Ok((executed, _)) = &result {
            self.view.lag = wire.now - executed;
        }
        let rows = result.map(|(_, rows)| rows);
        match purpose {
            Purpose::Beat(home) => self.beaten(wire.now, home, rows.is_ok()),
            Purpose::View => self.looked(wire, rows),
            Purpose::Nothing => {}
            Purpose::Life(site) => self.life_read(wire, site, rows),
            Purpose::Health => {
                if rows.is_ok() {
                    self.errands.run(wire, Statement::LoadRead, REGION_TIMEOUT, Purpose::View);
                }
            }
            Purpose::Reap(site) => self.reaped(wire, site, rows),
            Purpose::Sweep(home, errand) => self.swept(wire, home, errand, rows),
            Purpose::Claim(pool, wishes) => self.claimed(wire, pool, &wishes, rows),
            Purpose::Answer(asked, answer) => self.answer(wire, asked, answer, rows),
        }
    }

    fn watched(&self) -> Vec<Site> {
        let mut live: Vec<(SchedulerId, RegionName)> = self.view.peers.clone();
        if !live.iter().any(|(id, _)| *id == self.id) {
            live.push((self.id, self.setup.regions[self.site].clone()));
        }
        self.setup.sites().filter(|site| watches(self.id, &self.setup.regions[*site], &live)).collect()
    }

    /// The own heartbeat, at home and where this scheduler watches.
    fn beat(&mut self, wire: &mut Wire) {
        let homes: BTreeSet<Site> = self.watched().into_iter().chain([self.site]).collect();
        for home in homes {
            let statement = Statement::SchedulerBeat { id: self.id, site: self.site, home };
            self.errands.run(wire, statement, REGION_TIMEOUT, Purpose::Beat(home));
        }
    }

    fn beaten(&mut self, now: Us, home: Site, written: bool) {
        let gap = 3 * us(self.setup.clocks.heartbeat);
        self.steady[home] = match self.steady[home].filter(|_| written) {
            Some((first, last)) if now - last <= gap => Some((first, now)),
            Some(_) => Some((now, now)),
            None => written.then_some((now, now)),
        };
    }

    /// How long own writes in a home have succeeded without a gap.
    fn writes_ok_for(&self, now: Us, home: Site) -> Us {
        let gap = 3 * us(self.setup.clocks.heartbeat);
        self.steady[home].filter(|(_, last)| now - last <= gap).map_or(0, |(first, _)| now - first)
    }

    fn publish(&mut self, wire: &mut Wire) {
        let clock = self.view.clock(wire.now);
        for site in self.watched() {
            if site == self.site || clock - self.view.published_at(&self.setup, site) > STALE {
                self.errands.run(wire, Statement::LoadPublish { site }, REGION_TIMEOUT, Purpose::Nothing);
            }
        }
    }

    fn looked(&mut self, wire: &mut Wire, rows: Result<Rows, Failed>) {
        if let Ok(Rows::Look(look)) = rows {
            self.view.take(&self.setup, *look, wire.now);
        }
    }

    fn reap_tick(&mut self, wire: &mut Wire) {
        self.refill_budget(wire.now);
        let deadline = self.view.clock(wire.now) - us(self.setup.clocks.session_ttl);
        for site in self.watched() {
            let silent = self.quietest[site].is_none_or(|heard| heard.is_some_and(|heard| heard < deadline));
            let steady = span(self.writes_ok_for(wire.now, site));
            if silent && may_end_sessions(steady, self.view.held, &self.setup.clocks) {
                let statement = Statement::SessionReap { site, deadline };
                self.errands.run(wire, statement, REGION_TIMEOUT, Purpose::Reap(site));
            }
        }
    }

    fn reaped(&mut self, wire: &mut Wire, site: Site, rows: Result<Rows, Failed>) {
        if let Ok(Rows::Ended(ended)) = rows
            && !ended.is_empty()
        {
            self.sweep(wire, site);
        }
    }

    /// Fills the budget for moves up: free slots, and what the time since gives.
    fn refill_budget(&mut self, now: Us) {
        let since = self.budget.1.map_or(BUDGET_PERIOD, |before| now - before);
        if since < BUDGET_PERIOD {
            return;
        }
        let free = self.setup.sites().map(|site| (self.setup.regions[site].clone(), self.view.free(&self.setup, site)));
        self.budget.0.refill(span(since), self.view.peers.len(), free);
        self.budget.1 = Some(now);
    }

    /// Work was queued: who waits for it here looks at once, and its region is told.
    fn queued(&mut self, wire: &mut Wire, pool: Pool) {
        self.wake(wire, pool);
        if self.setup.site_of(pool) != self.site {
            if self.hints.is_empty() {
                wire.alarm(self.node, GATHER, Alarm::Hints);
            }
            self.hints.insert(pool);
        }
    }

    /// One message a pool to its region's scheduler; nobody waits for an answer.
    fn send_hints(&mut self, wire: &mut Wire) {
        for pool in std::mem::take(&mut self.hints) {
            let to = Node::Scheduler(self.setup.site_of(pool));
            wire.ask(self.node, to, None, Ask::Http(Request::Hint(pool)), SECOND / 2);
        }
    }

    fn respond(wire: &mut Wire, asked: &Parcel, response: Response) {
        wire.reply(asked, Ok(Answer::Http(response)));
    }
}
