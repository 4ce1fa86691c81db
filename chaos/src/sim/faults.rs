//! Faults, carried out on the model, each with its undo.

use scheduler_core::health::Verb;

use super::agent::Agent;
use super::conduct::Cue;
use super::message::Node;
use super::net::{Place, Wrong};
use super::scheduler::Scheduler;
use super::setup::{AGENTS, Site};
use super::statement::Statement;
use super::time::{MS, SECOND, Us, us};
use super::wire::Wire;
use super::{Sim, conduct::Conduct};
use crate::drill::{
    Direction, Endpoint, Fault, LinkSelector, OperatorVerb, ProcessKind, RegionSelector, StatementAnswer,
};

/// When a drain hands back what is left, where nobody says otherwise.
pub(super) const DRAIN: Us = 5 * 60 * SECOND;

/// How long a process takes to start again in a crash loop.
const STARTS_IN: Us = 300 * MS;

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    CarriedOut,
    /// 40001.
    Conflict,
    /// Its connection breaks before it is carried out.
    CutBefore,
    /// Its connection breaks after it was carried out: nobody knows.
    CutAfter,
}

/// A share of statements that are answered badly.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) step: usize,
    name: String,
    answer: StatementAnswer,
    share: f64,
}

impl Conduct {
    /// What becomes of a statement: what the file orders comes before what goes wrong by itself.
    pub(super) fn fate_of(&self, statement: &Statement, wire: &mut Wire) -> Fate {
        for order in &self.orders {
            let meant = if order.name == "*" { statement.writes() } else { order.name == statement.name() };
            if meant && wire.rng.chance(order.share) {
                return match order.answer {
                    StatementAnswer::SerializationFailure => Fate::Conflict,
                    StatementAnswer::AdminShutdown => Fate::CutBefore,
                    StatementAnswer::Ambiguous => Fate::CutAfter,
                };
            }
        }
        let weather = wire.net.weather;
        let draw = wire.rng.unit();
        let [before, after] = weather.cut;
        match draw {
            draw if draw < before => Fate::CutBefore,
            draw if draw < before + after => Fate::CutAfter,
            draw if draw < before + after + weather.conflicts && statement.writes() => Fate::Conflict,
            _ => Fate::CarriedOut,
        }
    }
}

impl Sim<'_> {
    /// Carries a fault out.
    pub(super) fn inject(&mut self, step: usize, fault: &Fault) {
        match fault {
            Fault::Partition { links } => self.spoil(step, links, &Wrong::Partition),
            Fault::Toxic { links, toxic } => self.spoil(step, links, &Wrong::Toxic(toxic.clone())),
            Fault::GatewayDown { region } => {
                let site = self.site_of(region);
                self.wire.net.take_gateway(step, site);
            }
            Fault::Kill { process, region } => {
                for node in self.nodes(*process, region) {
                    self.wire.kill(node);
                }
            }
            Fault::CrashLoop { region, .. } => {
                let site = self.site_of(region);
                self.cue_at(self.wire.now, Cue::Crash(step, site));
            }
            Fault::Pause { process, region } => {
                for node in self.nodes(*process, region) {
                    self.wire.pause(node);
                }
            }
            Fault::RestartDatabase { down } => {
                self.wire.kill(Node::Database);
                self.cue_at(self.wire.now + us(*down), Cue::DatabaseStarts);
            }
            Fault::Statements { name, answer, share } => {
                self.conduct.orders.push(Order { step, name: name.clone(), answer: *answer, share: *share });
            }
            Fault::Verb { region, verb } => self.tell_region(region, *verb),
            Fault::Load { per_second } => self.clients.iter_mut().for_each(|client| client.set_rate(*per_second)),
            Fault::Edge { .. } | Fault::SilenceInjector => unreachable!("refused before the start"),
        }
    }

    /// Undoes a fault.
    pub(super) fn undo(&mut self, step: usize, fault: &Fault) {
        match fault {
            Fault::Partition { .. } | Fault::Toxic { .. } | Fault::GatewayDown { .. } => {
                self.wire.net.mend(step);
                self.wire.links_changed();
            }
            Fault::Kill { process, region } => {
                for node in self.nodes(*process, region) {
                    self.start(node);
                }
            }
            Fault::CrashLoop { region, .. } => {
                let site = self.site_of(region);
                self.start(Node::Scheduler(site));
            }
            Fault::Pause { process, region } => {
                for node in self.nodes(*process, region) {
                    self.wire.resume(node);
                }
            }
            Fault::RestartDatabase { .. } => self.start(Node::Database),
            Fault::Statements { .. } => self.conduct.orders.retain(|order| order.step != step),
            Fault::Verb { region, .. } => {
                let site = self.site_of(region);
                self.db.region_verb(site, Verb::None, None);
            }
            Fault::Load { .. } => {
                let rate = self.drill.load.per_second;
                self.clients.iter_mut().for_each(|client| client.set_rate(rate));
            }
            Fault::Edge { .. } | Fault::SilenceInjector => unreachable!("refused before the start"),
        }
    }

    /// What is left behind of faults; empty is good.
    pub(super) fn residue(&self) -> Vec<String> {
        let mut residue = Vec::new();
        if !self.wire.net.is_good() || !self.conduct.orders.is_empty() {
            residue.push("links or statements are still bad".to_owned());
        }
        let agents = (0..self.agents.len()).map(Node::Agent);
        let all = self.setup.sites().map(Node::Scheduler).chain(agents).chain([Node::Database]);
        for node in all.filter(|node| self.wire.is_dead(*node) || self.wire.is_paused(*node)) {
            residue.push(format!("{node:?} does not run"));
        }
        for (region, row) in self.setup.regions.iter().zip(&self.db.regions.rows) {
            if row.verb != Verb::None {
                residue.push(format!("{region} is {}", row.verb));
            }
        }
        residue
    }

    /// The next death of a crash loop, and the start after it.
    pub(super) fn crash(&mut self, step: usize, site: Site, every: Us) {
        self.wire.kill(Node::Scheduler(site));
        self.cue_at(self.wire.now + STARTS_IN, Cue::Starts(step, site));
        self.cue_at(self.wire.now + every, Cue::Crash(step, site));
    }

    /// Starts what is dead: a new process, which knows nothing of the old one but what that left on disk.
    pub(super) fn start(&mut self, node: Node) {
        if !self.wire.is_dead(node) {
            return;
        }
        self.wire.start(node);
        match node {
            Node::Scheduler(site) => {
                self.schedulers[site] = Scheduler::start(&self.setup, self.bug, site, &mut self.wire);
            }
            Node::Agent(agent) => {
                let spool = std::mem::take(&mut self.agents[agent].spool);
                self.agents[agent] = Agent::start(&self.setup, agent, spool, &mut self.wire);
            }
            Node::Client(_) | Node::Database => {}
        }
    }

    fn tell_region(&mut self, region: &RegionSelector, verb: OperatorVerb) {
        let site = self.site_of(region);
        match verb {
            OperatorVerb::Cordon => self.db.region_verb(site, Verb::Cordoned, None),
            OperatorVerb::Drain => self.db.region_verb(site, Verb::Draining, Some(self.wire.now + self.drain)),
        }
    }

    fn nodes(&self, process: ProcessKind, region: &RegionSelector) -> Vec<Node> {
        let site = self.site_of(region);
        let agents = (site * AGENTS..(site + 1) * AGENTS).map(Node::Agent);
        match process {
            ProcessKind::Scheduler => vec![Node::Scheduler(site)],
            ProcessKind::Agent => agents.collect(),
            ProcessKind::Region => agents.chain([Node::Scheduler(site)]).collect(),
        }
    }

    fn spoil(&mut self, step: usize, links: &LinkSelector, wrong: &Wrong) {
        let (from, to) = (self.places(&links.from), self.places(&links.to));
        for a in from {
            for b in to.iter().copied().filter(|b| *b != a) {
                if links.direction != Direction::In {
                    self.wire.net.spoil(step, a, b, wrong);
                }
                if links.direction != Direction::Out {
                    self.wire.net.spoil(step, b, a, wrong);
                }
            }
        }
    }

    fn places(&self, end: &Endpoint) -> Vec<Place> {
        match end {
            Endpoint::Region(region) => vec![self.site_of(region)],
            Endpoint::Everyone => self.wire.net.places().collect(),
            Endpoint::Clients => vec![self.wire.net.clients()],
            Endpoint::Database => vec![self.wire.net.database()],
            Endpoint::Edge => unreachable!("refused before the start"),
        }
    }
}
