//! The database as a model: rows, and one function a statement. Each statement is atomic at the instant at which it is
//! carried out, and every transition of a mission goes through `lifecycle::apply`, here or where it was decided.
//!
//! No statement locks rows beyond its instant, so that more can come between than on a real database: what a page
//! showed may be stale when the move arrives, and the move must see that itself.

mod lease;
mod queue;
mod region;
mod session;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scheduler_core::lifecycle::{Command, Holder, MissionFacts, MissionState, Refusal, Rest, Transition, apply};
use topology::SessionId;

use self::region::Regions;
use self::session::SessionRow;
use super::message::{Outcome, Submit};
use super::setup::{Mission, Pool, Setup, Site};
use super::statement::{Rows, Statement};
use super::time::{Us, date};
use super::wire::Wire;
use crate::drill::PlantedBug;

/// A mission's row.
#[derive(Debug)]
pub(super) struct MissionRow {
    pub(super) facts: MissionFacts,
    pub(super) asked: Submit,
    pub(super) pool: Option<Pool>,
    pub(super) home: Site,
    pub(super) outcome: Option<Outcome>,
    /// Since when it has waited where it waits.
    pub(super) placed_at: Us,
    leased_at: Us,
    rank: i64,
    nonce: i64,
    grant_seq: i64,
    submitted_at: Us,
}

/// Place in a pool's queue.
type Turn = (i64, Us, Mission);

/// All rows, and the indexes that no statement may do without.
#[derive(Debug)]
pub(super) struct Database {
    setup: Arc<Setup>,
    bug: Option<PlantedBug>,
    pub(super) missions: BTreeMap<Mission, MissionRow>,
    keys: BTreeMap<u64, Mission>,
    pub(super) sessions: BTreeMap<SessionId, SessionRow>,
    pub(super) queued: Vec<BTreeSet<Turn>>,
    pub(super) leased: BTreeMap<SessionId, BTreeSet<Mission>>,
    pending: Vec<BTreeSet<Mission>>,
    pub(super) regions: Regions,
    /// Runs that ended in each pool since its figures were published: how many, and how long they took.
    runs: Vec<(i64, Us)>,
    /// Missions that have not ended.
    pub(super) open: usize,
}

impl Database {
    pub(super) fn new(setup: &Arc<Setup>, bug: Option<PlantedBug>) -> Self {
        let pools = setup.pools.len();
        Self {
            bug,
            missions: BTreeMap::new(),
            keys: BTreeMap::new(),
            sessions: BTreeMap::new(),
            queued: vec![BTreeSet::new(); pools],
            leased: BTreeMap::new(),
            pending: vec![BTreeSet::new(); setup.regions.len()],
            regions: Regions::new(setup.regions.len(), pools),
            runs: vec![(0, 0); pools],
            open: 0,
            setup: Arc::clone(setup),
        }
    }

    /// Carries a statement out.
    pub(super) fn run(&mut self, wire: &mut Wire, statement: Statement) -> Rows {
        match statement {
            Statement::SchedulerBeat { id, site, home } => self.scheduler_beat(wire.now, id, site, home),
            Statement::LoadRead => Rows::Look(Box::new(self.look(wire.now))),
            Statement::LoadPublish { site } => self.load_publish(wire.now, site),
            Statement::RegionLife { site } => Rows::Life(self.region_life(site)),
            Statement::RegionHealth { site, seen, next } => self.region_health(wire, site, seen, next),
            Statement::SessionRegister { id, site } => self.session_register(wire.now, id, site),
            Statement::SessionReap { site, deadline } => self.session_reap(wire, site, deadline),
            Statement::SweepDue { home } => Rows::Due(self.sweep_due(home)),
            Statement::Page { home, page } => Rows::Page(self.page(home, &page)),
            Statement::Move { steps } => self.mission_move(wire, &steps),
            Statement::SessionsSettle { sessions } => self.sessions_settle(&sessions),
            Statement::Submit { mission } => self.mission_submit(wire, mission),
            Statement::Claim { pool, clock, wishes, limit } => self.mission_claim(wire, pool, clock, &wishes, limit),
            Statement::ClaimAlone { pool, clock, sessions } => self.mission_claim_alone(wire, pool, clock, &sessions),
            Statement::HeartbeatRenew { session, seq } => self.heartbeat_renew(wire.now, session, seq),
            Statement::Leases { session } => Rows::Leases(self.leases_of(session)),
            Statement::Fates { missions } => Rows::Fates(self.fates(&missions)),
            Statement::Unnamed { leases, seq } => self.release_unnamed(wire, &leases, seq),
            Statement::Word(word) => self.word(wire, word),
        }
    }

    /// Whether a submit with this key was stored.
    pub(super) fn knows_key(&self, key: u64) -> bool {
        self.keys.contains_key(&key)
    }

    fn has(&self, bug: PlantedBug) -> bool {
        self.bug == Some(bug)
    }

    /// Applies a command to a mission where it stands.
    fn apply(
        &mut self,
        wire: &mut Wire,
        mission: Mission,
        command: &Command<'_>,
    ) -> Result<Option<Transition>, Refusal> {
        use scheduler_core::lifecycle::Step;
        let Some(row) = self.missions.get(&mission) else {
            return Err(Refusal::WrongState { state: MissionState::Cancelled });
        };
        let (pool, home) = (row.pool, row.home);
        match apply(&row.facts, command, date(wire.now))? {
            Step::Repeated => Ok(None),
            Step::Change(next) => {
                self.write(wire, mission, &next, pool, home);
                Ok(Some(next))
            }
        }
    }

    /// The one place where a mission's row changes.
    fn write(&mut self, wire: &mut Wire, mission: Mission, next: &Transition, pool: Option<Pool>, home: Site) {
        let mut row = self.missions.remove(&mission).expect("whoever writes has seen the row");
        self.unindex(mission, &row);
        let before = row.facts.clone();
        row.take(next, pool, home, wire.now);
        if before.state == MissionState::Leased && next.to.is_finished() {
            let (runs, took) = &mut self.runs[row.pool.expect("what is leased has a pool")];
            (*runs, *took) = (*runs + 1, *took + wire.now - row.leased_at);
        }
        let site = row.pool.map(|pool| self.setup.site_of(pool));
        wire.witness.changed(wire.now, mission, &before, &row.facts, site);
        let words = [mission, row.facts.state as u64, row.facts.epoch.0.cast_unsigned()];
        let (facts, regions) = (&row.facts, &self.setup.regions);
        wire.trace.note(wire.now, words, || {
            let at = site.map_or("nowhere", |site| regions[site].as_str());
            let why = facts.reason.map_or("", scheduler_core::lifecycle::Reason::as_str);
            format!("mission {mission} {} -> {} epoch {} {at} {why}", before.state, facts.state, facts.epoch)
        });
        self.index(mission, &row);
        self.missions.insert(mission, row);
    }

    fn index(&mut self, mission: Mission, row: &MissionRow) {
        self.open += usize::from(!row.facts.state.is_finished());
        match row.facts.state {
            MissionState::Pending => {
                self.pending[row.home].insert(mission);
            }
            MissionState::Queued => {
                self.queued[row.pool.expect("what is queued has a pool")].insert(row.turn(mission));
            }
            MissionState::Leased => {
                let session = row.facts.session.expect("what is leased has a holder");
                self.leased.entry(session).or_default().insert(mission);
            }
            MissionState::Succeeded | MissionState::Failed | MissionState::Cancelled => {}
        }
    }

    fn unindex(&mut self, mission: Mission, row: &MissionRow) {
        self.open -= usize::from(!row.facts.state.is_finished());
        match row.facts.state {
            MissionState::Pending => {
                self.pending[row.home].remove(&mission);
            }
            MissionState::Queued => {
                self.queued[row.pool.expect("what is queued has a pool")].remove(&row.turn(mission));
            }
            MissionState::Leased => {
                let session = row.facts.session.expect("what is leased has a holder");
                let held = self.leased.get_mut(&session).expect("it is in the index");
                held.remove(&mission);
                if held.is_empty() {
                    self.leased.remove(&session);
                }
            }
            MissionState::Succeeded | MissionState::Failed | MissionState::Cancelled => {}
        }
    }
}

impl MissionRow {
    const fn turn(&self, mission: Mission) -> Turn {
        (self.rank, self.submitted_at, mission)
    }

    /// Becomes what a transition says.
    fn take(&mut self, next: &Transition, pool: Option<Pool>, home: Site, now: Us) {
        let facts = &mut self.facts;
        let leased_before = facts.state == MissionState::Leased;
        (facts.state, facts.epoch, facts.reason) = (next.to, next.epoch, next.reason);
        (facts.attempts, facts.crashes, facts.moves) = (next.attempts, next.crashes, next.moves);
        match next.rest {
            Rest::Keep => {}
            Rest::AtOnce | Rest::Until(_) => {
                facts.not_before = next.rest.not_before().expect("a rest that is not kept is a moment");
            }
        }
        match next.holder {
            Holder::Keep => {}
            Holder::Set(session) => facts.session = Some(session),
            Holder::Clear => facts.session = None,
        }
        match facts.state {
            MissionState::Leased if !leased_before => self.leased_at = now,
            MissionState::Queued => self.placed_at = now,
            MissionState::Pending
            | MissionState::Leased
            | MissionState::Succeeded
            | MissionState::Failed
            | MissionState::Cancelled => {}
        }
        self.pool = if facts.state == MissionState::Pending { None } else { pool };
        self.home = home;
    }
}
