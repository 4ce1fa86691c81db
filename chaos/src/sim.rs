//! The tier `sim`: the scheduler's pure core, stepped deterministically against a modelled database and network.
//!
//! A run is a function of a drill and a seed. Everything that can be drawn is drawn from the seed, everything that
//! happens happens in the order of virtual time, so that the same seed gives the same trace, and a failing one can be
//! replayed. The README says what is modelled, what is not, and which properties are watched.

mod agent;
mod alarm;
mod caller;
mod client;
mod conduct;
mod db;
mod faults;
mod gauge;
mod message;
mod net;
mod outcome;
mod refuse;
mod rng;
mod scheduler;
mod setup;
mod statement;
mod sweep;
mod time;
mod trace;
mod wire;
mod witness;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::drill::{Drill, PlantedBug};

pub use outcome::{Measures, Outcome};
pub use refuse::{refusals, refuses};
pub use sweep::{Found, Sweep, seeds_to_find, sweep};
pub use witness::Violation;

use agent::{Agent, Spool};
use client::Client;
use conduct::Conduct;
use db::Database;
use gauge::Gauge;
use message::{Answer, Ask, Body, Fail, Node, Parcel};
use scheduler::Scheduler;
use setup::{AGENTS, Setup};
use time::Us;
use wire::{Event, Wire};

/// Runs a drill once. The trace's lines are not kept.
///
/// # Panics
/// Where [`refusals`] of the drill are not empty.
#[must_use]
pub fn run(drill: &Drill, seed: u64) -> Outcome {
    Sim::new(drill, seed, false).run()
}

/// Runs a drill once and keeps the lines of its trace: what is shown when a seed is replayed.
///
/// # Panics
/// As [`run`].
#[must_use]
pub fn run_traced(drill: &Drill, seed: u64) -> Outcome {
    Sim::new(drill, seed, true).run()
}

/// Everybody together.
struct Sim<'a> {
    drill: &'a Drill,
    seed: u64,
    bug: Option<PlantedBug>,
    /// How long a drain lets runs finish.
    drain: Us,
    setup: Arc<Setup>,
    wire: Wire,
    db: Database,
    schedulers: Vec<Scheduler>,
    agents: Vec<Agent>,
    clients: Vec<Client>,
    conduct: Conduct,
    gauge: Gauge,
}

impl<'a> Sim<'a> {
    fn new(drill: &'a Drill, seed: u64, keep_trace: bool) -> Self {
        let setup = Arc::new(Setup::new(drill));
        let mut wire = Wire::new(&setup, seed, drill.load.seed, keep_trace);
        let bug = drill.world.planted_bug;
        let schedulers = setup.sites().map(|site| Scheduler::start(&setup, bug, site, &mut wire)).collect();
        let agents = 0..setup.regions.len() * AGENTS;
        let agents = agents.map(|number| Agent::start(&setup, number, Spool::new(), &mut wire)).collect();
        let clients = setup.sites().map(|site| Client::start(&setup, site, &drill.load, &mut wire)).collect();
        let conduct = Conduct::new(drill, &mut wire);
        Self {
            drill,
            seed,
            bug,
            drain: faults::DRAIN,
            db: Database::new(&setup, bug),
            gauge: Gauge::new(&drill.hypothesis.probes),
            schedulers,
            agents,
            clients,
            conduct,
            wire,
            setup,
        }
    }

    fn run(mut self) -> Outcome {
        while let Some(event) = self.wire.pop() {
            match event {
                Event::Cue(cue) => {
                    if self.cue(cue) {
                        break;
                    }
                }
                Event::Alarm(node, _, alarm) => match node {
                    Node::Scheduler(site) => self.schedulers[site].on_alarm(&mut self.wire, alarm),
                    Node::Agent(agent) => self.agents[agent].on_alarm(&mut self.wire, alarm),
                    Node::Client(site) => self.clients[site].on_alarm(&mut self.wire, alarm),
                    Node::Database => unreachable!("the database sets no timer"),
                },
                Event::Parcel(parcel) => self.deliver(*parcel),
            }
        }
        self.finish()
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel.to {
            Node::Scheduler(site) => self.schedulers[site].on_parcel(&mut self.wire, parcel),
            Node::Agent(agent) => self.agents[agent].on_parcel(&mut self.wire, parcel),
            Node::Database => self.carry_out(parcel),
            Node::Client(site) => {
                if let Some(submitted) = self.clients[site].on_parcel(&mut self.wire, parcel) {
                    self.submitted(submitted);
                }
            }
        }
    }

    /// A statement arrives at the database.
    fn carry_out(&mut self, parcel: Parcel) {
        let Body::Ask(Ask::Sql(ref statement)) = parcel.body else { unreachable!("a database is sent statements") };
        let fate = self.conduct.fate_of(statement, &mut self.wire);
        let answer = match fate {
            faults::Fate::Conflict => Err(Fail::Conflict),
            faults::Fate::CutBefore => Err(Fail::Broke),
            faults::Fate::CarriedOut | faults::Fate::CutAfter => {
                let rows = self.db.run(&mut self.wire, statement.clone());
                self.watch_moves(statement, &rows);
                let answer = Answer::Sql(self.wire.now, rows);
                if fate == faults::Fate::CutAfter { Err(Fail::Broke) } else { Ok(answer) }
            }
        };
        self.wire.reply(&parcel, answer);
    }
}
