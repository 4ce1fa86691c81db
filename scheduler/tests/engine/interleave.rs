//! Two schedulers and agents that die, pause and lie about epochs, against the pure lifecycle: whatever they do, alone
//! or at the same moment, the rows are what the lifecycle says, and every answer is one that it gives in some order.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scheduler::engine::{Actor, Engine};
use scheduler::refusal::Refusal;
use scheduler_client::wire::{self, Grant, LeaseAnswer, LeaseName};
use scheduler_core::lifecycle::{Command, Holder, Landing, MissionFacts, MissionState, Proof, Step, Transition, apply};
use serde_json::json;
use topology::{Epoch, MissionId, SessionId};

use crate::world::{Agent, World, ana, mission, submit};

/// Missions and agents of one case.
const MISSIONS: usize = 3;
const AGENTS: usize = 3;

/// What somebody does. Leases are named by mission; `lie` is added to the epoch that the speaker was granted last.
#[derive(Debug, Clone)]
enum Op {
    Claim { agent: usize, free: i64 },
    Complete { agent: usize, mission: usize, lie: i64, result: i64 },
    Fail { agent: usize, mission: usize, lie: i64, retryable: bool },
    Release { agent: usize, mission: usize, lie: i64 },
    Progress { agent: usize, mission: usize, lie: i64 },
    Beat { agent: usize, names: [bool; MISSIONS] },
    Die { agent: usize },
    Cancel { mission: usize },
    Retry { mission: usize },
    Rest,
}

fn op() -> impl Strategy<Value = Op> {
    let agent = || 0..AGENTS;
    let mission = || 0..MISSIONS;
    let lie = || prop_oneof![8 => Just(0i64), 1 => Just(-1), 1 => Just(1)];
    prop_oneof![
        6 => (agent(), 1..4i64).prop_map(|(agent, free)| Op::Claim { agent, free }),
        4 => (agent(), mission(), lie(), 0..2i64)
            .prop_map(|(agent, mission, lie, result)| Op::Complete { agent, mission, lie, result }),
        3 => (agent(), mission(), lie(), any::<bool>())
            .prop_map(|(agent, mission, lie, retryable)| Op::Fail { agent, mission, lie, retryable }),
        3 => (agent(), mission(), lie()).prop_map(|(agent, mission, lie)| Op::Release { agent, mission, lie }),
        1 => (agent(), mission(), lie()).prop_map(|(agent, mission, lie)| Op::Progress { agent, mission, lie }),
        4 => (agent(), any::<[bool; MISSIONS]>()).prop_map(|(agent, names)| Op::Beat { agent, names }),
        1 => agent().prop_map(|agent| Op::Die { agent }),
        2 => mission().prop_map(|mission| Op::Cancel { mission }),
        2 => mission().prop_map(|mission| Op::Retry { mission }),
        3 => Just(Op::Rest),
    ]
}

/// What an operation answered.
#[derive(Debug)]
enum Said {
    Grants(Vec<Grant>),
    Lease(Result<LeaseAnswer, Refusal>),
    Beat(Result<wire::HeartbeatAnswer, Refusal>),
    Mission(Result<Box<wire::Mission>, Refusal>),
    Nothing,
}

/// What the pure lifecycle knows.
#[derive(Debug, Clone)]
struct Model {
    missions: Vec<MissionFacts>,
    grant_seqs: Vec<i64>,
    ended: Vec<bool>,
    seqs: Vec<i64>,
    rested: DateTime<Utc>,
}

/// The state of a case outside the database: what agents remember.
struct Case<'a> {
    world: &'a World,
    engines: [Engine; 2],
    missions: Vec<MissionId>,
    agents: Vec<Agent>,
    /// Epoch of the last grant of each mission to each agent.
    granted: Vec<Vec<i64>>,
    model: Model,
}

const LATER: i64 = 4_000_000_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

impl Model {
    fn new() -> Self {
        let fresh = MissionFacts {
            state: MissionState::Queued,
            epoch: Epoch(0),
            attempts: 0,
            crashes: 0,
            moves: 0,
            max_attempts: 3,
            max_crashes: 4,
            session: None,
            digest: None,
            not_before: at(0),
            start_by: None,
            run_until: None,
            reason: None,
        };
        Self {
            missions: vec![fresh; MISSIONS],
            grant_seqs: vec![0; MISSIONS],
            ended: vec![false; AGENTS],
            seqs: vec![0; AGENTS],
            rested: at(1_000_000_000),
        }
    }

    fn change(&mut self, mission: usize, transition: &Transition, digest: Option<&str>) {
        let facts = &mut self.missions[mission];
        facts.state = transition.to;
        facts.epoch = transition.epoch;
        facts.attempts = transition.attempts;
        facts.crashes = transition.crashes;
        facts.moves = transition.moves;
        match transition.holder {
            Holder::Keep => {}
            Holder::Set(session) => facts.session = Some(session),
            Holder::Clear => facts.session = None,
        }
        facts.digest = if transition.to.is_finished() { digest.map(str::to_owned) } else { None };
        if let Some(until) = transition.rest.not_before() {
            // Whoever rests does so until the next `Rest`, whatever the clock says.
            facts.not_before = if until > self.rested { at(LATER) } else { at(0) };
        }
    }

    /// Applies a command and compares the answer; an error tells what does not agree.
    fn command(&mut self, mission: usize, command: &Command<'_>, digest: Option<&str>) -> Result<Step, &'static str> {
        match apply(&self.missions[mission], command, self.rested) {
            Ok(Step::Change(transition)) => {
                self.change(mission, &transition, digest);
                Ok(Step::Change(transition))
            }
            Ok(Step::Repeated) => Ok(Step::Repeated),
            Err(refusal) => Err(refusal.as_str()),
        }
    }

    /// Whether what was said is what the lifecycle says now; if so, the model has moved on.
    fn agrees(&mut self, case: &Case<'_>, op: &Op, said: &Said) -> Result<(), String> {
        match (op, said) {
            (Op::Claim { agent, .. }, Said::Grants(grants)) => self.granted(case, *agent, grants),
            (Op::Complete { agent, mission, lie, result }, Said::Lease(answer)) => {
                let digest = result.to_string();
                let proof = case.proof(*agent, *mission, *lie, &digest);
                let step = self.command(*mission, &Command::Complete(proof), Some(&digest));
                self.same(*mission, step, answer)
            }
            (Op::Fail { agent, mission, lie, retryable }, Said::Lease(answer)) => {
                let proof = case.proof(*agent, *mission, *lie, "fail");
                let step = self.command(*mission, &Command::Fail { proof, retryable: *retryable }, Some("fail"));
                self.same(*mission, step, answer)
            }
            (Op::Release { agent, mission, lie }, Said::Lease(answer)) => {
                let Proof { session, epoch, .. } = case.proof(*agent, *mission, *lie, "");
                let step = self.command(*mission, &Command::Release { session, epoch }, None);
                self.same(*mission, step, answer)
            }
            (Op::Progress { agent, mission, lie }, Said::Lease(answer)) => {
                let Proof { session, epoch, .. } = case.proof(*agent, *mission, *lie, "");
                let may = self.clone().command(*mission, &Command::Release { session, epoch }, None).map(drop);
                let did = answer.as_ref().map(drop).map_err(Refusal::code);
                if may == did { Ok(()) } else { Err(format!("progress: {may:?}, was {did:?}")) }
            }
            (Op::Beat { agent, names }, Said::Beat(answer)) => self.beat(case, *agent, names, answer),
            (Op::Die { agent }, Said::Nothing) => {
                self.ended[*agent] = true;
                self.put_back(case.agents[*agent].session, |_, _| true);
                Ok(())
            }
            (Op::Cancel { mission }, Said::Mission(answer)) => {
                let cancelled = self.missions[*mission].state == MissionState::Cancelled;
                let step = self.command(*mission, &Command::Cancel, None);
                let agree = answer.is_ok() == (cancelled || step.is_ok());
                if agree { Ok(()) } else { Err(format!("cancel: {step:?}, was {answer:?}")) }
            }
            (Op::Retry { mission }, Said::Mission(answer)) => {
                let step = self.command(*mission, &Command::Retry(Landing::Queued), None);
                if step.is_ok() == answer.is_ok() { Ok(()) } else { Err(format!("retry: {step:?}, was {answer:?}")) }
            }
            (Op::Rest, Said::Nothing) => {
                self.missions.iter_mut().for_each(|facts| facts.not_before = at(0));
                Ok(())
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn same(
        &self,
        mission: usize,
        step: Result<Step, &'static str>,
        answer: &Result<LeaseAnswer, Refusal>,
    ) -> Result<(), String> {
        let facts = &self.missions[mission];
        let agree = match (&step, answer) {
            (Ok(_), Ok(answer)) => {
                answer.epoch == facts.epoch && format!("{:?}", answer.state) == format!("{:?}", facts.state)
            }
            (Err(code), Err(refusal)) => *code == refusal.code(),
            _ => false,
        };
        if agree { Ok(()) } else { Err(format!("{step:?}, was {answer:?}")) }
    }

    fn granted(&mut self, case: &Case<'_>, agent: usize, grants: &[Grant]) -> Result<(), String> {
        let session = case.agents[agent].session;
        if self.ended[agent] && !grants.is_empty() {
            return Err("an ended session was granted something".to_owned());
        }
        for grant in grants {
            let mission = case.missions.iter().position(|id| *id == grant.mission).ok_or("a stranger was granted")?;
            let step = self.command(mission, &Command::Grant { session, holds_nothing: true }, None);
            if step.is_err() || self.missions[mission].epoch != grant.epoch {
                return Err(format!("{grant:?}: {step:?}"));
            }
            self.grant_seqs[mission] = grant.seq;
        }
        let holds = self.missions.iter().filter(|m| m.state == MissionState::Leased && m.session == Some(session));
        if holds.count() > 2 { Err("more than the capacity was granted".to_owned()) } else { Ok(()) }
    }

    fn beat(
        &mut self,
        case: &Case<'_>,
        agent: usize,
        names: &[bool; MISSIONS],
        answer: &Result<wire::HeartbeatAnswer, Refusal>,
    ) -> Result<(), String> {
        let answer = match answer {
            Err(refusal) if self.ended[agent] && refusal.code() == "session_ended" => return Ok(()),
            Ok(answer) if !self.ended[agent] => answer,
            other => return Err(format!("ended: {}, was {other:?}", self.ended[agent])),
        };
        self.seqs[agent] += 1;
        let (session, seq) = (case.agents[agent].session, self.seqs[agent]);
        for (n, facts) in self.missions.iter().enumerate().filter(|(n, _)| names[*n]) {
            let name = case.name(agent, n);
            let own = facts.session == Some(session) && facts.epoch == name.epoch;
            let off = facts.state == MissionState::Cancelled && facts.epoch == name.epoch.next();
            let wanted = (!own && !off, !own && off);
            let told = (answer.lost.contains(&name), answer.cancelled.contains(&name));
            if wanted != told {
                return Err(format!("mission {n}, {name:?}: {facts:?} was told as {told:?}"));
            }
        }
        let grant_seqs = self.grant_seqs.clone();
        let named: Vec<Epoch> = (0..MISSIONS).map(|n| case.name(agent, n).epoch).collect();
        self.put_back(session, |n, facts| {
            let known = names[n] && facts.epoch == named[n];
            !known && grant_seqs[n] + 2 <= seq
        });
        Ok(())
    }

    /// Puts back leases of a session.
    fn put_back(&mut self, session: SessionId, which: impl Fn(usize, &MissionFacts) -> bool) {
        for n in 0..MISSIONS {
            let facts = &self.missions[n];
            if facts.state == MissionState::Leased && facts.session == Some(session) && which(n, facts) {
                self.command(n, &Command::Unnamed, None).unwrap();
            }
        }
    }
}

impl Case<'_> {
    fn epoch(&self, agent: usize, mission: usize, lie: i64) -> Epoch {
        Epoch(self.granted[agent][mission] + lie)
    }

    fn name(&self, agent: usize, mission: usize) -> LeaseName {
        LeaseName { mission: self.missions[mission], epoch: self.epoch(agent, mission, 0) }
    }

    fn proof<'p>(&self, agent: usize, mission: usize, lie: i64, digest: &'p str) -> Proof<'p> {
        Proof { session: self.agents[agent].session, epoch: self.epoch(agent, mission, lie), digest }
    }

    fn grant(&self, agent: usize, mission: usize, lie: i64) -> Grant {
        Grant {
            mission: self.missions[mission],
            epoch: self.epoch(agent, mission, lie),
            home: "us-west-2".to_owned(),
            specialization: "engineer-master".parse().unwrap(),
            title: String::new(),
            payload: json!(null),
            attempt: 1,
            run_limit_ms: 1,
            seq: 0,
            alone: false,
            traceparent: None,
            drill: None,
        }
    }

    async fn run(&self, engine: &Engine, op: &Op) -> Said {
        match op {
            Op::Claim { agent, free } => {
                // An ended session may be refused, or get nothing.
                Said::Grants(self.agents[*agent].try_claim(engine, *free, 0).await.unwrap_or_default())
            }
            Op::Complete { agent, mission, lie, result } => {
                let grant = self.grant(*agent, *mission, *lie);
                Said::Lease(self.agents[*agent].complete(engine, &grant, json!(result)).await)
            }
            Op::Fail { agent, mission, lie, retryable } => {
                Said::Lease(self.agents[*agent].fail(engine, &self.grant(*agent, *mission, *lie), *retryable).await)
            }
            Op::Release { agent, mission, lie } => {
                Said::Lease(self.agents[*agent].release(engine, &self.grant(*agent, *mission, *lie)).await)
            }
            Op::Progress { agent, mission, lie } => {
                Said::Lease(self.agents[*agent].progress(engine, &self.grant(*agent, *mission, *lie)).await)
            }
            Op::Beat { agent, names } => {
                let holds: Vec<_> = (0..MISSIONS).filter(|n| names[*n]).map(|n| self.name(*agent, n)).collect();
                Said::Beat(self.agents[*agent].clone().beat(engine, &holds).await)
            }
            Op::Die { agent } => {
                let session = self.agents[*agent].session;
                engine.end_session(&Actor::Session(session), session, "expired").await.unwrap();
                Said::Nothing
            }
            Op::Cancel { mission } => {
                Said::Mission(engine.cancel(&ana(), self.missions[*mission], "").await.map(Box::new))
            }
            Op::Retry { mission } => Said::Mission(engine.retry(&ana(), self.missions[*mission]).await.map(Box::new)),
            Op::Rest => {
                self.world.run("UPDATE missions SET not_before = to_timestamp(0)").await;
                Said::Nothing
            }
        }
    }

    /// What agents remember of what they were told.
    fn remember(&mut self, op: &Op, said: &Said) {
        if let (Op::Claim { agent, .. }, Said::Grants(grants)) = (op, said) {
            for grant in grants {
                let mission = self.missions.iter().position(|id| *id == grant.mission).unwrap();
                self.granted[*agent][mission] = grant.epoch.0;
            }
        }
        if let (Op::Beat { agent, .. }, Said::Beat(Ok(_))) = (op, said) {
            self.agents[*agent].seq += 1;
        }
    }

    /// The rows, as far as the lifecycle speaks of them.
    async fn rows(&self) -> Vec<(String, i64, i32, i32, i32, Option<SessionId>)> {
        let mut rows = Vec::new();
        for id in &self.missions {
            let text = "SELECT state, epoch, attempts, crashes, moves, session_id FROM missions WHERE id = $1";
            let row = self.world.raw.query_one(text, &[&id.0]).await.unwrap();
            let session: Option<uuid::Uuid> = row.get(5);
            rows.push((row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), session.map(SessionId)));
        }
        rows
    }

    fn wanted(model: &Model) -> Vec<(String, i64, i32, i32, i32, Option<SessionId>)> {
        let of = |m: &MissionFacts| (m.state.to_string(), m.epoch.0, m.attempts, m.crashes, m.moves, m.session);
        model.missions.iter().map(of).collect()
    }
}

/// Whether two operations may run at the same moment: an agent is one process, so it does not race itself, and what
/// spans several statements is compared alone.
fn may_race(a: &Op, b: &Op) -> bool {
    let alone = |op: &Op| matches!(op, Op::Die { .. } | Op::Beat { .. } | Op::Rest);
    let agent = |op: &Op| match op {
        Op::Claim { agent, .. }
        | Op::Complete { agent, .. }
        | Op::Fail { agent, .. }
        | Op::Release { agent, .. }
        | Op::Progress { agent, .. }
        | Op::Beat { agent, .. }
        | Op::Die { agent } => Some(*agent),
        Op::Cancel { .. } | Op::Retry { .. } | Op::Rest => None,
    };
    !alone(a) && !alone(b) && (agent(a).is_none() || agent(a) != agent(b))
}

async fn play(world: &World, engines: &[Engine; 2], ops: &[(Op, Option<Op>)]) -> Result<(), TestCaseError> {
    world.run("TRUNCATE missions, mission_events, sessions, heartbeats").await;
    let (mut missions, mut agents) = (Vec::new(), Vec::new());
    for n in 0..MISSIONS {
        missions.push(submit(&engines[0], mission(&format!("m{n}"))).await.id);
    }
    for _ in 0..AGENTS {
        agents.push(Agent::west(&engines[0], 2).await);
    }
    let granted = vec![vec![0; MISSIONS]; AGENTS];
    let engines = engines.clone();
    let mut case = Case { world, engines, missions, agents, granted, model: Model::new() };
    for (n, (first, second)) in ops.iter().enumerate() {
        let second = second.as_ref().filter(|second| may_race(first, second));
        let one = case.run(&case.engines[n % 2], first);
        let said = match second {
            None => vec![(first, one.await)],
            Some(second) => {
                let (one, two) = tokio::join!(one, case.run(&case.engines[(n + 1) % 2], second));
                vec![(first, one), (second, two)]
            }
        };
        let rows = case.rows().await;
        let mut why = Vec::new();
        // In some order the lifecycle gives these answers and leaves these rows.
        let orders = if said.len() == 1 { vec![vec![0]] } else { vec![vec![0, 1], vec![1, 0]] };
        let found = orders.into_iter().find_map(|order| {
            let mut model = case.model.clone();
            for at in order {
                if let Err(difference) = model.agrees(&case, said[at].0, &said[at].1) {
                    why.push(difference);
                    return None;
                }
            }
            let wanted = Case::wanted(&model);
            if wanted != rows {
                why.push(format!("rows are {rows:?}, wanted {wanted:?}"));
                return None;
            }
            Some(model)
        });
        let Some(model) = found else {
            return Err(TestCaseError::fail(format!("step {n}, {said:?}: {why:?}")));
        };
        case.model = model;
        for (op, said) in &said {
            case.remember(op, said);
        }
    }
    Ok(())
}

#[test]
fn random_interleavings_agree_with_the_lifecycle() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (world, engines) = runtime.block_on(async {
        let world = World::new().await;
        let engines = [world.engine("us-west").await, world.engine("us-west").await];
        (world, engines)
    });
    // A failing case is printed with its operations; PROPTEST_CASES asks for more.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(16);
    let config = Config { cases, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec((op(), proptest::option::of(op())), 1..40);
    let result = TestRunner::new(config).run(&steps, |ops| runtime.block_on(play(&world, &engines, &ops)));
    // The database is dropped inside the runtime that its connections live in.
    runtime.block_on(async { drop(world) });
    result.unwrap();
}
