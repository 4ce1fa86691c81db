//! Moves missions, home by home: what ended sessions hold, what waits where nothing serves, what a drain has left, and
//! what is pending.

use std::collections::BTreeMap;

use scheduler_core::health::{Charge, RegionHealth, charge};
use scheduler_core::lifecycle::{Command, Landing, MissionState, Step as Applied, apply};
use topology::SessionId;

use super::sql::{Failed, Purpose};
use super::view::Placed;
use super::{REGION_TIMEOUT, Scheduler};
use crate::drill::PlantedBug;
use crate::sim::setup::{Mission, Pool, Site};
use crate::sim::statement::{Due, Life, PAGE, Page, PageRow, Rows, Statement, Step, Unsettled};
use crate::sim::time::{SECOND, Us, date};
use crate::sim::wire::Wire;

/// How long a home that failed is left alone.
const REST: Us = 2 * SECOND;

/// All that is pending is tried again after so long, whatever was heard.
const AGAIN: Us = 30 * SECOND;

/// What is remembered of a home between ticks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sweep {
    /// Statements under way.
    busy: usize,
    rests_until: Us,
    /// The change of the view that the pending ones were last tried for, when, and how far.
    pending: (u64, Us, Option<Mission>),
}

/// Why a session's leases leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It fell silent while its region shows other life: the mission may have killed it.
    Crash,
    /// It ended in order, or nobody can tell.
    Left,
    /// It fell silent with its region.
    RegionLost,
}

/// A statement of a sweep.
#[derive(Debug, Clone)]
pub(super) enum SweepErrand {
    Due,
    /// The life of the region whose sessions have ended.
    Cause(Vec<Unsettled>),
    Page(Page, BTreeMap<SessionId, Cause>),
    /// A page was decided: which, with what causes, and whether there may be more of it.
    Moved(Page, BTreeMap<SessionId, Cause>, bool),
    Settled,
}

impl Scheduler {
    pub(super) fn sweeps_tick(&mut self, wire: &mut Wire) {
        self.refill_budget(wire.now);
        for home in self.watched() {
            self.sweep(wire, home);
        }
    }

    pub(super) fn orphans_tick(&mut self, wire: &mut Wire) {
        for home in self.watched() {
            self.ask_page(wire, home, Page::LeasesOrphaned, BTreeMap::new());
        }
    }

    /// Asks what is due in a home, unless a sweep of it is under way or it rests.
    pub(super) fn sweep(&mut self, wire: &mut Wire, home: Site) {
        if self.sweeps[home].busy == 0 && wire.now >= self.sweeps[home].rests_until {
            self.run_for(wire, home, Statement::SweepDue { home }, SweepErrand::Due);
        }
    }

    fn run_for(&mut self, wire: &mut Wire, home: Site, statement: Statement, errand: SweepErrand) {
        self.sweeps[home].busy += 1;
        self.errands.run(wire, statement, REGION_TIMEOUT, Purpose::Sweep(home, errand));
    }

    fn ask_page(&mut self, wire: &mut Wire, home: Site, page: Page, causes: BTreeMap<SessionId, Cause>) {
        let statement = Statement::Page { home, page: page.clone() };
        self.run_for(wire, home, statement, SweepErrand::Page(page, causes));
    }

    pub(super) fn swept(&mut self, wire: &mut Wire, home: Site, errand: SweepErrand, rows: Result<Rows, Failed>) {
        self.sweeps[home].busy -= 1;
        if rows.is_err() {
            self.sweeps[home].rests_until = wire.now + REST;
        }
        match (errand, rows) {
            (SweepErrand::Due, Ok(Rows::Due(due))) => self.sweep_parts(wire, home, due),
            (SweepErrand::Cause(unsettled), rows) => {
                let life = if let Ok(Rows::Life(life)) = rows { Some(life) } else { None };
                let causes = self.causes(wire.now, &unsettled, life);
                let page = Page::LeasesOfSessions(unsettled.iter().map(|session| session.id).collect());
                self.ask_page(wire, home, page, causes);
            }
            (SweepErrand::Page(page, causes), Ok(Rows::Page(rows))) => self.decide(wire, home, page, causes, &rows),
            (SweepErrand::Moved(page, causes, more), Ok(Rows::Moved(moved))) => {
                let again = more && !moved.is_empty();
                for pool in moved.into_iter().filter_map(|(_, pool)| pool) {
                    self.queued(wire, pool);
                }
                self.after_page(wire, home, page, causes, again);
            }
            (SweepErrand::Due | SweepErrand::Page(..) | SweepErrand::Moved(..) | SweepErrand::Settled, _) => {}
        }
    }

    /// Missions that were started come before those that wait.
    fn sweep_parts(&mut self, wire: &mut Wire, home: Site, due: Due) {
        if !due.unsettled.is_empty() {
            let statement = Statement::RegionLife { site: home };
            self.run_for(wire, home, statement, SweepErrand::Cause(due.unsettled));
        }
        for pool in due.queued {
            if !self.view.may_keep(&self.setup, pool) {
                self.ask_page(wire, home, Page::Queued(pool), BTreeMap::new());
            }
        }
        if self.view.drain_is_over(&self.setup, home, self.view.clock(wire.now)) {
            self.ask_page(wire, home, Page::LeasesOfRegion(home), BTreeMap::new());
        }
        if due.pending {
            self.try_pending(wire, home);
        }
    }

    /// All pending ones once after a change of what may be placed where, and now and then.
    fn try_pending(&mut self, wire: &mut Wire, home: Site) {
        let generation = self.view.generation;
        let pass = &mut self.sweeps[home].pending;
        if pass.0 != generation || wire.now - pass.1 >= AGAIN {
            *pass = (generation, wire.now, Some(0));
        }
        if let Some(after) = pass.2 {
            self.ask_page(wire, home, Page::Pending(after), BTreeMap::new());
        }
    }

    fn causes(&self, now: Us, unsettled: &[Unsettled], life: Option<Life>) -> BTreeMap<SessionId, Cause> {
        let cause = |session: &Unsettled| {
            let Some(life) = life.filter(|_| session.expired) else { return Cause::Left };
            let up = self.view.regions.get(session.site).is_some_and(|row| row.standing.health == RegionHealth::Up);
            match charge(life.newest.map(date), date(self.view.clock(now)), &self.setup.clocks) {
                Charge::Crash => Cause::Crash,
                Charge::Move if up => Cause::Left,
                Charge::Move => Cause::RegionLost,
            }
        };
        unsettled.iter().map(|session| (session.id, cause(session))).collect()
    }

    /// Decides every mission of a page, and writes what changes.
    fn decide(
        &mut self,
        wire: &mut Wire,
        home: Site,
        page: Page,
        causes: BTreeMap<SessionId, Cause>,
        rows: &[PageRow],
    ) {
        let mut steps = Vec::new();
        let mut short = None;
        for row in rows {
            match self.place_again(row) {
                Some(placed) => steps.extend(self.step(wire.now, home, &page, &causes, row, &placed)),
                None => short = short.or(Some(row.mission - 1)),
            }
        }
        if let Page::Pending(_) = page {
            let end = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.mission);
            self.sweeps[home].pending.2 = short.or(end);
        }
        let full = rows.len() == PAGE && short.is_none();
        if steps.is_empty() {
            self.after_page(wire, home, page, causes, false);
        } else {
            self.run_for(wire, home, Statement::Move { steps }, SweepErrand::Moved(page, causes, full));
        }
    }

    /// After a page: the next of its kind, or the sessions are settled.
    fn after_page(&mut self, wire: &mut Wire, home: Site, page: Page, causes: BTreeMap<SessionId, Cause>, again: bool) {
        match page {
            Page::Pending(_) => {}
            Page::LeasesOfSessions(sessions) if !again => {
                self.run_for(wire, home, Statement::SessionsSettle { sessions }, SweepErrand::Settled);
            }
            Page::LeasesOfSessions(_) | Page::LeasesOfRegion(_) | Page::LeasesOrphaned | Page::Queued(_) if again => {
                self.ask_page(wire, home, page, causes);
            }
            Page::LeasesOfSessions(_) | Page::LeasesOfRegion(_) | Page::LeasesOrphaned | Page::Queued(_) => {}
        }
    }

    /// Where a mission would go; none where the budget of that region is used up.
    fn place_again(&mut self, row: &PageRow) -> Option<Placed> {
        let rule = row.asked.rule.filter(|_| self.bug != Some(PlantedBug::ForgetResidency));
        let placed = self.view.place(&self.setup, &row.asked, rule, row.nonce);
        if let Some(pool) = placed.pool {
            if !self.budget.0.take(&self.setup.regions[self.setup.site_of(pool)]) {
                return None;
            }
            self.view.bump(&self.setup, pool);
        }
        Some(placed)
    }

    fn step(
        &self,
        now: Us,
        home: Site,
        page: &Page,
        causes: &BTreeMap<SessionId, Cause>,
        row: &PageRow,
        placed: &Placed,
    ) -> Option<Step> {
        let command = command(page, causes, row, placed, home)?;
        let clock = date(self.view.clock(now));
        let Ok(Applied::Change(next)) = apply(&row.facts, &command, clock) else { return None };
        let goes = !next.to.is_finished();
        let pool: Option<Pool> =
            if next.to == MissionState::Pending { None } else { placed.pool.filter(|_| goes).or(row.pool) };
        let home = if goes { placed.home } else { home };
        Some(Step { mission: row.mission, seen: (row.facts.state, row.facts.epoch), next, pool, home })
    }
}

/// What a mission on a page is told; nothing where it stays.
fn command(
    page: &Page,
    causes: &BTreeMap<SessionId, Cause>,
    row: &PageRow,
    placed: &Placed,
    home: Site,
) -> Option<Command<'static>> {
    let landing = placed.landing;
    match page {
        Page::LeasesOfSessions(_) => {
            let cause = row.facts.session.and_then(|session| causes.get(&session)).copied();
            Some(match cause.unwrap_or(Cause::Left) {
                Cause::Crash => Command::SessionExpired { charged: true, landing },
                Cause::Left => Command::SessionExpired { charged: false, landing },
                Cause::RegionLost => Command::RegionLost(landing),
            })
        }
        Page::LeasesOrphaned => Some(Command::SessionExpired { charged: false, landing }),
        Page::LeasesOfRegion(_) => Some(Command::DrainHandBack(landing)),
        Page::Queued(_) if placed.home == home && placed.pool == row.pool => None,
        Page::Queued(_) => Some(match landing {
            Landing::Queued => Command::Replace,
            Landing::Pending(why) => Command::Unplaceable(why),
        }),
        Page::Pending(_) => match landing {
            Landing::Queued => Some(Command::Place),
            Landing::Pending(why) if row.facts.reason != Some(scheduler_core::lifecycle::Reason::Unplaceable(why)) => {
                Some(Command::Unplaceable(why))
            }
            Landing::Pending(_) => None,
        },
    }
}
