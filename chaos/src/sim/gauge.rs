//! The figures of a run: what the probes of the hypothesis see, sampled as virtual time passes.

use super::Sim;
use super::conduct::{Cue, LOOK};
use super::message::Node;
use super::setup::{AGENTS, Site};
use super::time::{Us, us};
use crate::drill::{Probe, Query, Tolerance};

/// What was seen at one moment.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) at: Us,
    /// Whether each probe held that counts here.
    pub(super) holds: Vec<bool>,
}

/// What was sampled and counted.
pub(super) struct Gauge {
    /// The probes that count: all of those whose figure does not depend on distances.
    probes: Vec<Probe>,
    pub(super) seen: Vec<Seen>,
    /// When each submit ended, and whether well.
    pub(super) answers: Vec<(Us, bool)>,
    /// Regions that a fault names.
    pub(super) spoiled: Vec<Site>,
}

impl Gauge {
    pub(super) fn new(probes: &[Probe]) -> Self {
        // Distances are those of the globe here: a figure in milliseconds that suits loopback says nothing.
        let counts = |probe: &&Probe| probe.query != Query::SubmitToLeasedP99Ms;
        let probes = probes.iter().filter(counts).cloned().collect();
        Self { probes, seen: Vec::new(), answers: Vec::new(), spoiled: Vec::new() }
    }

    pub(super) fn answered(&mut self, now: Us, well: bool) {
        self.answers.push((now, well));
    }

    /// Errors of submits between two moments.
    pub(super) fn errors(&self, from: Us, to: Us) -> u64 {
        self.answers.iter().filter(|(at, well)| !well && (from..to).contains(at)).count() as u64
    }
}

impl Sim<'_> {
    /// Samples every probe, and again after a while, until the load ends.
    pub(super) fn look(&mut self) {
        let holds = self.holds_now();
        self.note_changes(&holds);
        self.gauge.seen.push(Seen { at: self.wire.now, holds });
        self.cue_at(self.wire.now + LOOK, Cue::Look);
    }

    /// A line for every probe that holds now and did not, or the other way round: where to read on in a replay.
    fn note_changes(&mut self, holds: &[bool]) {
        let before = self.gauge.seen.last().map_or(&[][..], |seen| &seen.holds);
        for (number, probe) in self.gauge.probes.iter().enumerate() {
            let (was, is) = (before.get(number).copied().unwrap_or(true), holds[number]);
            if was != is {
                let words = [number as u64, u64::from(is), 3];
                self.wire.trace.note(self.wire.now, words, || {
                    format!("probe {} {}", probe.name, if is { "holds" } else { "does not hold" })
                });
            }
        }
    }

    /// Whether each probe holds now; without any, whether nothing is stranded.
    pub(super) fn holds_now(&self) -> Vec<bool> {
        if self.gauge.probes.is_empty() {
            let none = Tolerance { min: None, max: Some(0.0) };
            return vec![none.holds(self.figure(&Query::StrandedLeases, 0))];
        }
        let holds = |probe: &Probe| probe.tolerance.holds(self.figure(&probe.query, us(probe.window)));
        self.gauge.probes.iter().map(holds).collect()
    }

    /// A probe's figure.
    pub(super) fn figure(&self, query: &Query, window: Us) -> Option<f64> {
        let since = self.wire.now - window;
        match query {
            Query::SubmitSuccessRatio => {
                let recent = self.gauge.answers.iter().rev().take_while(|(at, _)| *at >= since);
                let (mut all, mut well) = (0.0, 0.0);
                recent.for_each(|(_, answered)| {
                    all += 1.0;
                    well += f64::from(u8::from(*answered));
                });
                (all > 0.0).then(|| well / all)
            }
            Query::StrandedLeases => Some(self.stranded() as f64),
            Query::OverdueMissions => Some(self.overdue(since) as f64),
            Query::ServingRegions => self.serving().map(|regions| regions as f64),
            Query::SubmitToLeasedP99Ms => self.p99_ms(since, self.wire.now),
            Query::HttpStatus { .. } | Query::ExitCode { .. } | Query::Number { .. } => None,
        }
    }

    /// Leases of sessions of regions in which no agent may work.
    pub(super) fn stranded(&self) -> usize {
        let works = |site: Site| {
            (site * AGENTS..(site + 1) * AGENTS).any(|agent| {
                let node = Node::Agent(agent);
                !self.wire.is_dead(node) && !self.wire.is_paused(node) && self.agents[agent].may_work(self.wire.now)
            })
        };
        let works: Vec<bool> = self.setup.sites().map(works).collect();
        let stranded = self.db.leased.iter().filter(|(session, _)| !works[self.db.sessions[session].site]);
        stranded.map(|(_, held)| held.len()).sum()
    }

    fn overdue(&self, since: Us) -> usize {
        let waiting = self.db.queued.iter().flatten();
        waiting.filter(|(_, _, mission)| self.db.missions[mission].placed_at < since).count()
    }

    fn serving(&self) -> Option<usize> {
        let mut up = self.schedulers.iter().filter(|scheduler| {
            let node = Node::Scheduler(scheduler.site);
            !self.wire.is_dead(node) && !self.wire.is_paused(node)
        });
        up.next().map(|scheduler| scheduler.view.serving(&self.setup))
    }

    /// p99 of the time from submitted to started, in milliseconds, of what was submitted between two moments and first
    /// placed where no fault is.
    pub(super) fn p99_ms(&self, from: Us, to: Us) -> Option<f64> {
        let starts = self.wire.witness.starts.iter();
        let mine = starts.filter(|start| (from..to).contains(&start.submitted_at));
        let healthy = mine.filter(|start| start.site.is_some_and(|site| !self.gauge.spoiled.contains(&site)));
        let mut waits: Vec<Us> = healthy.map(|start| start.started_at - start.submitted_at).collect();
        waits.sort_unstable();
        let place = (waits.len() * 99).div_ceil(100).checked_sub(1)?;
        waits.get(place).map(|wait| *wait as f64 / 1_000.0)
    }
}
