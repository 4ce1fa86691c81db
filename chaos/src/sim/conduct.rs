//! The drill's method in virtual time: warm up, look, act step by step, undo in reverse, look again, and let everything
//! end.

use super::Sim;
use super::client::Submitted;
use super::faults::Order;
use super::message::Lease;
use super::refuse::regions_of;
use super::setup::Site;
use super::statement::{Rows, Statement};
use super::time::{MS, SECOND, Us, us};
use super::wire::{Event, Wire};
use crate::checker::Indeterminate;
use crate::drill::{Drill, Fault, RegionSelector, StepKind};
use crate::journal::Victim;

/// Time between two looks at the probes.
pub(super) const LOOK: Us = 100 * MS;

/// Longest time in which everything must have ended after the load.
const SETTLES_IN: Us = 180 * SECOND;

/// What the drill does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    Look,
    /// The steady state is over, the method begins.
    Method,
    Step(usize),
    /// Everything that is not undone is, in reverse order.
    UndoAll,
    LoadEnds,
    /// Has everything ended?
    AllEnded,
    /// A crash loop, by its step.
    Crash(usize, Site),
    Starts(usize, Site),
    DatabaseStarts,
}

/// Where a drill stands.
pub(super) struct Conduct {
    cues: Vec<Cue>,
    pub(super) orders: Vec<Order>,
    /// Steps that were carried out and not undone, in their order.
    active: Vec<usize>,
    /// Regions by leases when the first action began, the most first; with their leases.
    ranking: Vec<(Site, u64)>,
    pub(super) fault_at: Option<Us>,
    pub(super) healed_at: Option<Us>,
    pub(super) victim: Option<(Site, Victim)>,
    /// Whether the steady state held.
    pub(super) steady: Vec<bool>,
    pub(super) after: Vec<bool>,
    load_ends_at: Us,
    /// Keys of submits of which nobody could tell how they ended.
    unknown: Vec<u64>,
    pub(super) deviations: Vec<String>,
}

impl Conduct {
    pub(super) fn new(drill: &Drill, wire: &mut Wire) -> Self {
        let mut conduct = Self {
            cues: Vec::new(),
            orders: Vec::new(),
            active: Vec::new(),
            ranking: Vec::new(),
            fault_at: None,
            healed_at: None,
            victim: None,
            steady: Vec::new(),
            after: Vec::new(),
            load_ends_at: 0,
            unknown: Vec::new(),
            deviations: Vec::new(),
        };
        let whole = |seconds: f64| (seconds * SECOND as f64) as Us;
        let begins = whole(drill.load.warm_s + drill.load.steady_s);
        conduct.plan(wire, whole(drill.load.warm_s), Cue::Look);
        conduct.plan(wire, begins, Cue::Method);
        let mut at = begins;
        for (number, step) in drill.method.iter().enumerate() {
            at += us(step.pause_before);
            conduct.plan(wire, at, Cue::Step(number));
            at += us(step.pause_after);
        }
        conduct.plan(wire, at, Cue::UndoAll);
        conduct.load_ends_at = at + us(drill.after.soak);
        conduct.plan(wire, conduct.load_ends_at, Cue::LoadEnds);
        conduct
    }

    fn plan(&mut self, wire: &mut Wire, at: Us, cue: Cue) {
        self.cues.push(cue);
        wire.push(at, Event::Cue(self.cues.len() - 1));
    }
}

impl Sim<'_> {
    pub(super) fn cue_at(&mut self, at: Us, cue: Cue) {
        self.conduct.plan(&mut self.wire, at, cue);
    }

    /// Does what is due. True = the run is over.
    pub(super) fn cue(&mut self, number: usize) -> bool {
        let now = self.wire.now;
        match self.conduct.cues[number] {
            Cue::Look => self.look(),
            Cue::Method => self.rank_regions(),
            Cue::Step(step) => self.step(step),
            Cue::UndoAll => {
                while let Some(step) = self.conduct.active.last().copied() {
                    self.undo_step(step);
                }
            }
            Cue::LoadEnds => {
                self.conduct.after = self.holds_now();
                self.clients.iter_mut().for_each(super::client::Client::stop);
                self.cue_at(now + SECOND, Cue::AllEnded);
            }
            Cue::AllEnded => {
                let done = self.db.open == 0 && self.clients.iter().all(super::client::Client::is_done);
                if done || now >= self.conduct.load_ends_at + SETTLES_IN {
                    return true;
                }
                self.cue_at(now + SECOND, Cue::AllEnded);
            }
            Cue::Crash(step, site) => {
                if let Some(Fault::CrashLoop { every, .. }) = self.active_fault(step) {
                    self.crash(step, site, us(*every));
                }
            }
            Cue::Starts(step, site) => {
                if self.active_fault(step).is_some() {
                    self.start(super::Node::Scheduler(site));
                }
            }
            Cue::DatabaseStarts => self.start(super::Node::Database),
        }
        false
    }

    fn active_fault(&self, step: usize) -> Option<&Fault> {
        let fault = if let StepKind::Fault(fault) = &self.drill.method[step].kind { Some(fault) } else { None };
        fault.filter(|_| self.conduct.active.contains(&step))
    }

    /// Who holds how many leases when the first action begins.
    fn rank_regions(&mut self) {
        let mut leases = vec![0; self.setup.regions.len()];
        for (session, held) in &self.db.leased {
            leases[self.db.sessions[session].site] += held.len() as u64;
        }
        let all: u64 = leases.iter().sum();
        let mut ranking: Vec<(Site, u64)> = leases.into_iter().enumerate().collect();
        ranking.sort_by_key(|(site, leases)| (std::cmp::Reverse(*leases), *site));
        self.conduct.ranking = ranking;
        let faults = self.drill.method.iter().filter_map(|step| match &step.kind {
            StepKind::Fault(fault) => Some(fault),
            StepKind::Command(_) | StepKind::Undo(_) | StepKind::Probe(_) => None,
        });
        let named: Vec<Site> = faults.flat_map(regions_of).map(|region| self.site_of(region)).collect();
        self.gauge.spoiled = named.clone();
        self.conduct.victim = named.first().map(|site| {
            let held = self.conduct.ranking.iter().find(|(of, _)| of == site).map_or(0, |(_, leases)| *leases);
            (*site, Victim { region: self.setup.regions[*site].to_string(), leases: held, of: all })
        });
        self.conduct.steady = self.holds_now();
    }

    /// The region that is meant.
    pub(super) fn site_of(&self, region: &RegionSelector) -> Site {
        let ranked = |place: usize| self.conduct.ranking.get(place).map_or(0, |(site, _)| *site);
        match region {
            RegionSelector::MostLeases => ranked(0),
            RegionSelector::SecondMostLeases => ranked(1),
            RegionSelector::Named(name) => {
                self.setup.site(name).expect("an unknown region was refused before the start")
            }
        }
    }

    fn step(&mut self, number: usize) {
        let step = &self.drill.method[number];
        self.wire.trace.note(self.wire.now, [number as u64, 0, 2], || format!("step {}", step.name));
        match &step.kind {
            StepKind::Fault(fault) => {
                self.conduct.fault_at = self.conduct.fault_at.or(Some(self.wire.now));
                self.conduct.active.push(number);
                self.inject(number, fault);
            }
            StepKind::Undo(name) => {
                if let Some(step) = self.drill.method.iter().position(|step| step.name == *name) {
                    self.undo_step(step);
                }
            }
            StepKind::Probe(probe) => {
                let figure = self.figure(&probe.query, us(probe.window));
                if !probe.tolerance.holds(figure) {
                    self.conduct.deviations.push(format!("{} was {figure:?}", step.name));
                }
            }
            StepKind::Command(_) => unreachable!("refused before the start"),
        }
    }

    fn undo_step(&mut self, number: usize) {
        if !self.conduct.active.contains(&number) {
            return;
        }
        self.conduct.active.retain(|step| *step != number);
        self.conduct.healed_at = self.conduct.healed_at.or(Some(self.wire.now));
        let step = &self.drill.method[number];
        self.wire.trace.note(self.wire.now, [number as u64, 1, 2], || format!("undo {}", step.name));
        if let StepKind::Fault(fault) = &step.kind {
            self.undo(number, fault);
        }
    }

    /// A client was answered, or gave up.
    pub(super) fn submitted(&mut self, submitted: Submitted) {
        self.gauge.answered(self.wire.now, submitted.mission.is_some());
        let known = |mission| self.db.missions.contains_key(&mission);
        match submitted.mission {
            Some(mission) => self.wire.witness.acknowledged(self.wire.now, submitted.key, mission, known(mission)),
            None => self.conduct.unknown.push(submitted.key),
        }
    }

    /// Looks at what a statement did with the eyes of those that it was done to.
    pub(super) fn watch_moves(&mut self, statement: &Statement, rows: &Rows) {
        let (Statement::Unnamed { leases, .. }, Rows::Moved(moved)) = (statement, rows) else { return };
        let taken = leases.iter().filter(|lease| moved.iter().any(|(mission, _)| *mission == lease.mission));
        let named = |lease: &&Lease| self.agents.iter().any(|agent| agent.names(lease));
        for lease in taken.filter(named) {
            self.wire.witness.taken_from_holder(self.wire.now, lease);
        }
    }

    /// Tells the witness how every mission ended.
    pub(super) fn judge_missions(&mut self) {
        for (mission, row) in &self.db.missions {
            self.wire.witness.ended(self.wire.now, *mission, &row.facts, row.outcome);
        }
        let done = self.conduct.unknown.iter().filter(|key| self.db.knows_key(**key)).count() as u64;
        let all = self.conduct.unknown.len() as u64;
        self.wire.witness.summary.indeterminate = Indeterminate { all, done, not_done: all - done };
    }
}
