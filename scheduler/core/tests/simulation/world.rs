//! Everybody together, and what may happen.

use chrono::TimeDelta;
use proptest::sample::Index;
use scheduler_core::lifecycle::{Command, Proof, Refusal};
use topology::{Epoch, SessionId};

use crate::agent::Agent;
use crate::scheduler::Scheduler;
use crate::store::{REGIONS, Store};

pub(crate) const AGENTS: usize = 4;
pub(crate) const SCHEDULERS: usize = 2;

/// Rounds of a second after which a world in which everybody behaves must have finished everything.
const HEALING: usize = 600;

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Submit {
        region: usize,
        deadly: bool,
    },
    Pass(i64),
    Claim {
        agent: usize,
        answered: bool,
    },
    Receive(usize),
    SendHeartbeat(usize),
    DeliverHeartbeat(usize),
    Finish(usize),
    Report {
        agent: usize,
        answered: bool,
    },
    Lie {
        agent: usize,
        mission: Index,
        lie: Lie,
    },
    GiveUp(usize),
    HandBack(usize),
    Die(usize),
    /// An operator ends it, or a drain does; its agent finds out later.
    EndSession(usize),
    Pause(usize),
    Resume(usize),
    Plan(usize),
    Carry(usize),
    SchedulerDies(usize),
    Region {
        region: usize,
        open: bool,
    },
    Cancel(Index),
    Retry(Index),
}

/// A completion that is wrong in one thing, or, where it happens to be right, is as good as any.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lie {
    Epoch(i64),
    Session(usize),
    Digest,
}

pub(crate) struct World {
    pub(crate) store: Store,
    agents: Vec<Agent>,
    schedulers: Vec<Scheduler>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut store = Store::new();
        let agents = (0..AGENTS).map(|at| Agent::new(&mut store, at % REGIONS)).collect();
        let schedulers = (0..SCHEDULERS).map(|_| Scheduler::default()).collect();
        Self { store, agents, schedulers }
    }

    pub(crate) fn act(&mut self, action: &Action) {
        match *action {
            Action::Submit { region, deadly } => self.store.submit(region, deadly),
            Action::Pass(ms) => self.store.now += TimeDelta::milliseconds(ms),
            Action::Claim { agent, answered } => self.claim(agent, answered),
            Action::Receive(agent) => self.receive(agent),
            Action::SendHeartbeat(agent) => self.awake(agent, |_, agent| agent.send_heartbeat()),
            Action::DeliverHeartbeat(agent) => self.deliver(agent),
            Action::Finish(agent) => self.awake(agent, |_, agent| agent.finish()),
            Action::Report { agent, answered } => self.awake(agent, |store, agent| report(store, agent, answered)),
            Action::Lie { agent, mission, lie } => self.lie(agent, mission, lie),
            Action::GiveUp(agent) => self.awake(agent, give_up),
            Action::HandBack(agent) => self.awake(agent, |store, agent| {
                if let Some((mission, epoch)) = agent.running.pop_first() {
                    store.release(mission, agent.session, epoch);
                }
            }),
            Action::Die(agent) => self.agents[agent].dead = true,
            Action::EndSession(agent) => self.store.end(self.agents[agent].session),
            Action::Pause(agent) => self.agents[agent].paused = true,
            Action::Resume(agent) => self.resume(agent),
            Action::Plan(scheduler) => self.schedulers[scheduler].plan(&self.store),
            Action::Carry(scheduler) => self.schedulers[scheduler].carry(&mut self.store),
            Action::SchedulerDies(scheduler) => self.schedulers[scheduler] = Scheduler::default(),
            Action::Region { region, open } => self.store.open[region] = open,
            Action::Cancel(mission) => self.operator(mission, |_| Command::Cancel),
            Action::Retry(mission) => self.operator(mission, |store| Command::Retry(store.landing(0).0)),
        }
    }

    /// Everybody behaves: what is left must end.
    pub(crate) fn heal(&mut self) {
        self.store.open = [true; REGIONS];
        for _ in 0..HEALING {
            if self.store.missions.iter().all(|row| row.facts.state.is_finished()) {
                return;
            }
            self.store.now += TimeDelta::seconds(1);
            for agent in 0..AGENTS {
                // Nobody sends a heartbeat before the one before it has arrived: a lag of two would void every grant.
                while !self.agents[agent].outbox.is_empty() {
                    self.deliver(agent);
                }
                for step in [
                    Action::Resume(agent),
                    Action::SendHeartbeat(agent),
                    Action::DeliverHeartbeat(agent),
                    Action::Claim { agent, answered: true },
                    Action::Receive(agent),
                    Action::Finish(agent),
                    Action::Report { agent, answered: true },
                ] {
                    self.act(&step);
                }
            }
            for scheduler in 0..SCHEDULERS {
                self.act(&Action::Plan(scheduler));
                self.act(&Action::Carry(scheduler));
            }
        }
    }

    fn awake(&mut self, agent: usize, act: impl FnOnce(&mut Store, &mut Agent)) {
        let agent = &mut self.agents[agent];
        if agent.awake() {
            act(&mut self.store, agent);
        }
    }

    /// The request reaches the store; the answer may be lost.
    fn claim(&mut self, agent: usize, answered: bool) {
        self.awake(agent, |store, agent| {
            let grants = store.claim(agent.session);
            if answered {
                agent.inbox.extend(grants);
            }
        });
    }

    /// What is deadly kills at its start.
    fn receive(&mut self, agent: usize) {
        self.awake(agent, |store, agent| {
            let started = agent.receive();
            agent.dead = started.iter().any(|mission| store.missions[*mission].deadly);
        });
    }

    /// Heartbeats arrive in order, some long after they were sent, whether or not the sender still lives.
    fn deliver(&mut self, agent: usize) {
        let agent = &mut self.agents[agent];
        if agent.outbox.is_empty() {
            return;
        }
        let heartbeat = agent.outbox.remove(0);
        let answer = self.store.heartbeat(&heartbeat);
        agent.heard(answer, heartbeat.session);
    }

    /// A dead one starts anew, a paused one goes on where it was, one whose session ended registers again.
    fn resume(&mut self, agent: usize) {
        let agent = &mut self.agents[agent];
        agent.paused = false;
        if agent.dead || self.store.session(agent.session).ended {
            agent.restart(&mut self.store);
        }
    }

    fn lie(&mut self, agent: usize, mission: Index, lie: Lie) {
        if self.store.missions.is_empty() {
            return;
        }
        let mission = mission.index(self.store.missions.len());
        let row = &self.store.missions[mission];
        let (epoch, holder) = (row.facts.epoch, row.facts.session.unwrap_or(self.agents[agent].session));
        let proof = match lie {
            Lie::Epoch(off) => Proof { session: holder, epoch: Epoch(epoch.0 + off), digest: DONE },
            Lie::Session(other) => Proof { session: self.agents[other].session, epoch, digest: DONE },
            Lie::Digest => Proof { session: self.agents[agent].session, epoch, digest: "another result" },
        };
        let _refused_or_true = self.store.complete(mission, proof);
    }

    fn operator(&mut self, mission: Index, command: impl FnOnce(&Store) -> Command<'static>) {
        if !self.store.missions.is_empty() {
            let mission = mission.index(self.store.missions.len());
            let command = command(&self.store);
            let _refused = self.store.change(mission, &command);
        }
    }
}

/// What every honest run results in.
const DONE: &str = "done";

/// Reports one result; it is kept until the store has accepted or refused it.
fn report(store: &mut Store, agent: &mut Agent, answered: bool) {
    let Some((mission, epoch)) = agent.results.first().copied() else { return };
    let said = store.complete(mission, proof(agent.session, epoch));
    if answered {
        agent.results.pop_first();
    }
    if let Err(refusal) = said {
        let lost = matches!(refusal, Refusal::LeaseLost { .. } | Refusal::MissionCancelled);
        assert!(lost, "a holder is told that its lease is lost, not {refusal:?}");
    }
}

fn give_up(store: &mut Store, agent: &mut Agent) {
    if let Some((mission, epoch)) = agent.running.pop_first() {
        let _refused = store.fail(mission, proof(agent.session, epoch));
    }
}

const fn proof(session: SessionId, epoch: Epoch) -> Proof<'static> {
    Proof { session, epoch, digest: DONE }
}
