//! The health of the watched regions, judged by the pure core from their heartbeats.

use std::collections::BTreeMap;

use scheduler_core::health::{Look, Observer, RegionHealth, hold, judge, look};

use super::sql::{Failed, Purpose};
use super::{REGION_TIMEOUT, Scheduler};
use crate::sim::setup::Site;
use crate::sim::statement::{Life, Rows, Statement};
use crate::sim::time::{Us, date, span, us};
use crate::sim::wire::Wire;

/// What the loop remembers.
pub(super) struct Health {
    /// When it last began, and when it last read heartbeats.
    began: Us,
    read: Us,
    observer: Observer,
    clock: Us,
    /// Readings that are under way, and those that came.
    waits: usize,
    lives: BTreeMap<Site, Life>,
    watched: Vec<Site>,
}

impl Health {
    pub(super) fn new(now: Us) -> Self {
        let observer = Observer { loop_gap: span(0), read_gap: span(0) };
        Self { began: now, read: now, observer, clock: now, waits: 0, lives: BTreeMap::new(), watched: Vec::new() }
    }
}

impl Scheduler {
    /// Asks for every watched region at once. A tick that is not over is not begun again.
    pub(super) fn health_tick(&mut self, wire: &mut Wire) {
        if self.health.waits > 0 {
            return;
        }
        let now = wire.now;
        let (loop_gap, read_gap) = (span(now - self.health.began), span(now - self.health.read));
        self.health.observer = Observer { loop_gap, read_gap };
        (self.health.began, self.health.clock) = (now, self.view.clock(now));
        self.health.lives.clear();
        self.health.watched = self.watched();
        self.health.waits = self.health.watched.len();
        for site in self.health.watched.clone() {
            self.errands.run(wire, Statement::RegionLife { site }, REGION_TIMEOUT, Purpose::Life(site));
        }
    }

    pub(super) fn life_read(&mut self, wire: &mut Wire, site: Site, rows: Result<Rows, Failed>) {
        if let Ok(Rows::Life(life)) = rows {
            self.health.lives.insert(site, life);
        }
        self.health.waits -= 1;
        if self.health.waits == 0 {
            self.conclude(wire);
        }
    }

    /// Judges what was read. What could not be read is no evidence.
    fn conclude(&mut self, wire: &mut Wire) {
        if !self.health.lives.is_empty() {
            self.health.read = wire.now;
        }
        let looks: Vec<Look> = self.setup.sites().map(|site| self.look_at(site)).collect();
        let held = hold(&looks, self.health.observer, &self.setup.clocks);
        let setup = std::sync::Arc::clone(&self.setup);
        self.view.hold(&setup, held);
        for (site, life) in self.health.lives.clone() {
            self.quietest[site] = Some(life.quietest);
            let Some(row) = self.view.regions.get(site) else { continue };
            let held = held.is_some() || self.writes_ok_for(wire.now, site) < us(setup.clocks.down_after);
            let seen = row.standing;
            let next = judge(seen, life.newest.map(date), date(self.health.clock), &setup.clocks, held);
            if next.health != seen.health {
                let statement = Statement::RegionHealth { site, seen, next };
                self.errands.run(wire, statement, REGION_TIMEOUT, Purpose::Health);
            }
        }
    }

    /// What is seen of a region: its heartbeats where they were read, else what others wrote down.
    fn look_at(&self, site: Site) -> Look {
        if let Some(life) = self.health.lives.get(&site) {
            return look(life.newest.map(date), date(self.health.clock), &self.setup.clocks);
        }
        match self.view.regions.get(site).map(|row| row.standing.health) {
            Some(RegionHealth::Up | RegionHealth::Returning) => Look::Fresh,
            Some(RegionHealth::Suspect) => Look::Late,
            Some(RegionHealth::Down) => Look::Silent,
            Some(RegionHealth::Unknown) | None => Look::Never,
        }
    }
}
