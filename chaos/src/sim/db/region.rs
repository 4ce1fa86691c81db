//! Regions: who was heard, what they are judged to be, what an operator wants of them, and the figures of their pools.

use std::collections::BTreeMap;

use chrono::DateTime;
use scheduler_core::health::{RegionHealth, Standing, Verb};
use topology::SchedulerId;

use super::Database;
use crate::sim::setup::{Pool, Site};
use crate::sim::statement::{Life, LoadRow, Look, RegionRow, Rows};
use crate::sim::time::{Us, us};
use crate::sim::wire::Wire;

/// Weight of one run in the moving average of a pool's run time.
const WEIGHT: f64 = 0.1;

#[derive(Debug)]
pub(in crate::sim) struct Regions {
    pub(in crate::sim) rows: Vec<RegionRow>,
    loads: Vec<LoadRow>,
    /// Heartbeats of schedulers, by process and home.
    schedulers: BTreeMap<(SchedulerId, Site), (Site, Us)>,
    /// The newest heartbeat of a session of each region, ended or not.
    sessions: Vec<Option<Us>>,
    /// When which region was written down as down.
    pub(in crate::sim) downs: Vec<(Us, Site)>,
}

impl Regions {
    pub(super) fn new(regions: usize, pools: usize) -> Self {
        let standing = Standing { health: RegionHealth::Unknown, since: DateTime::UNIX_EPOCH, returned_at: None };
        Self {
            rows: vec![RegionRow { verb: Verb::None, drain_until: None, standing }; regions],
            loads: vec![LoadRow::default(); pools],
            schedulers: BTreeMap::new(),
            sessions: vec![None; regions],
            downs: Vec::new(),
        }
    }

    pub(super) fn heard(&mut self, site: Site, now: Us) {
        self.sessions[site] = Some(now);
    }
}

impl Database {
    pub(super) fn scheduler_beat(&mut self, now: Us, id: SchedulerId, site: Site, home: Site) -> Rows {
        self.regions.schedulers.insert((id, home), (site, now));
        Rows::None
    }

    pub(super) fn look(&self, now: Us) -> Look {
        let since = now - us(self.setup.clocks.down_after);
        let own = self.regions.schedulers.iter().filter(|((_, home), (site, at))| home == site && *at >= since);
        Look {
            regions: self.regions.rows.clone(),
            loads: self.regions.loads.clone(),
            schedulers: own.map(|((id, _), (site, _))| (*id, *site)).collect(),
        }
    }

    /// The newest sign of life of a region, and the oldest of a session that has not ended.
    pub(super) fn region_life(&self, site: Site) -> Life {
        let own = self.regions.schedulers.iter().filter(|((_, home), (of, _))| *home == site && *of == site);
        let schedulers = own.map(|(_, (_, at))| *at).max();
        let live = self.sessions.values().filter(|row| row.site == site && row.seq >= 0);
        Life { newest: schedulers.max(self.regions.sessions[site]), quietest: live.map(|row| row.heard_at).min() }
    }

    pub(super) fn region_health(&mut self, wire: &mut Wire, site: Site, seen: Standing, next: Standing) -> Rows {
        let row = &mut self.regions.rows[site];
        if (row.standing.health, row.standing.since) != (seen.health, seen.since) {
            return Rows::None;
        }
        row.standing = next;
        if next.health == RegionHealth::Down {
            self.regions.downs.push((wire.now, site));
        }
        let region = &self.setup.regions[site];
        wire.trace.note(wire.now, [site as u64, next.health as u64, 1], || {
            format!("region {region} {} -> {}", seen.health, next.health)
        });
        Rows::None
    }

    /// An operator's word, carried out at once.
    pub(in crate::sim) fn region_verb(&mut self, site: Site, verb: Verb, drain_until: Option<Us>) {
        let row = &mut self.regions.rows[site];
        (row.verb, row.drain_until) = (verb, drain_until);
    }

    /// Counts the pools of a region and publishes the figures.
    pub(super) fn load_publish(&mut self, now: Us, site: Site) -> Rows {
        let offered = self.sessions.values().filter(|row| row.site == site && row.seq >= 0);
        let (mut sessions, mut alive_at) = (0, None);
        for row in offered {
            (sessions, alive_at) = (sessions + 1, alive_at.max(Some(row.heard_at)));
        }
        for kind in 0..self.setup.kinds.len() {
            let pool = self.setup.pool(site, kind);
            let (runs, took) = std::mem::take(&mut self.runs[pool]);
            let leased = self.leased_in(pool);
            let before = self.regions.loads[pool];
            let mut load = before.load;
            (load.sessions, load.slots) = (sessions, sessions * self.setup.slots[site]);
            (load.leased, load.queued) = (leased, self.queued[pool].len() as i64);
            load.service_us = service(before.load.service_us, runs, took);
            self.regions.loads[pool] = LoadRow { load, alive_at: alive_at.max(before.alive_at), at: now };
        }
        Rows::None
    }

    fn leased_in(&self, pool: Pool) -> i64 {
        let leased = self.leased.values().flatten();
        leased.filter(|mission| self.missions[mission].pool == Some(pool)).count() as i64
    }
}

/// The moving average after these runs; what was known before where there are none.
fn service(before: i64, runs: i64, took: Us) -> i64 {
    if runs == 0 {
        return before;
    }
    let mean = took as f64 / runs as f64;
    if before == 0 {
        return mean as i64;
    }
    let kept = (1.0 - WEIGHT).powi(i32::try_from(runs).unwrap_or(i32::MAX));
    (before as f64 * kept + mean * (1.0 - kept)) as i64
}
