//! Submit -> lease -> complete over HTTP, durable, with fence and history; beside graphile-worker.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use scheduler_client::Client;
use scheduler_client::wire::{SubmitMission, SubmitResult};
use serde_json::json;
use tokio::sync::mpsc;

use crate::fleet::{Agent, Work};
use crate::peer::{Mode, Peer};
use crate::report::{Figure, median};
use crate::spent::Spent;
use crate::world::{Probe, Server, region, specialization, start};

const ROUNDS: usize = 5;
const BATCH: usize = 500;
const POOLS: usize = 8;
const FINISHED: &str = "SELECT count(*) FROM missions WHERE state = 'succeeded'";

/// How missions come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// 500 a request, over eight pools; what a claim brings is completed in one request.
    Batches,
    /// One a request, both ways, 64 clients.
    Single,
}

/// `lifecycle_batch_per_s`: 1.0 x graphile-worker's local queue.
pub(crate) async fn batch(server: &Server, peer: Option<&Peer>) -> anyhow::Result<Figure> {
    let rounds = rounds(server, peer, Shape::Batches, 10_000, Mode::LocalQueue, 24).await?;
    Ok(rounds.figure("lifecycle_batch_per_s", 1.0))
}

/// `lifecycle_single_per_s`: 5 x graphile-worker's per-job mode.
pub(crate) async fn single(server: &Server, peer: Option<&Peer>) -> anyhow::Result<Figure> {
    let rounds = rounds(server, peer, Shape::Single, 5_000, Mode::PerJob, 64).await?;
    Ok(rounds.figure("lifecycle_single_per_s", 5.0))
}

#[derive(Debug, Default)]
struct Rounds {
    own: Vec<f64>,
    peer: Vec<f64>,
    spent: Spent,
}

impl Rounds {
    fn figure(&self, name: &'static str, factor: f64) -> Figure {
        let value = median(&self.own).expect("there are five rounds");
        let target = median(&self.peer).map(|peer| peer * factor);
        Figure::at_least(name, value, "1/s", target)
            .with(json!({ "rounds": self.own, "peer": "graphile-worker", "peer_rounds": self.peer, "factor": factor, "spent": self.spent.told() }))
    }
}

/// Five rounds, ours and the peer's alternating, each on a fresh database of the same server.
async fn rounds(
    server: &Server,
    peer: Option<&Peer>,
    shape: Shape,
    missions: usize,
    mode: Mode,
    at_once: usize,
) -> anyhow::Result<Rounds> {
    let mut rounds = Rounds::default();
    for _ in 0..ROUNDS {
        let database = server.fresh("bench_meridian").await?;
        rounds.own.push(round(&database, shape, missions, &mut rounds.spent).await?);
        if let Some(peer) = peer {
            let database = server.fresh("bench_graphile").await?;
            rounds.peer.push(peer.run(&database, mode, missions, at_once).await?);
        }
    }
    Ok(rounds)
}

async fn round(database: &str, shape: Shape, missions: usize, spent: &mut Spent) -> anyhow::Result<f64> {
    let pools = if shape == Shape::Batches { POOLS } else { 1 };
    let mut world = start(database, 1, pools, 2_000).await?;
    let client = world.client(&region(0))?;
    let (granted, _seen) = mpsc::unbounded_channel();
    let (accepted, mut done) = mpsc::unbounded_channel();
    let mut agents = Vec::new();
    let work = match shape {
        Shape::Batches => Work::CompleteTogether(BATCH),
        Shape::Single => Work::Complete(64),
    };
    for pool in 0..pools {
        let (client, specialization) = (client.clone(), specialization(pool));
        let (granted, accepted) = (granted.clone(), accepted.clone());
        agents.push(Agent::start(client, region(0), specialization, 2_000, work, granted, accepted).await?);
    }
    world.wait_for_slots(pools).await?;
    let probe = Probe::connect(database).await?;
    let before = Spent::so_far(&mut world, &probe).await?;

    let started = Instant::now();
    let submits = submit(&client, shape, missions, pools);
    // An answer follows its commit, so it tells what is durable; to ask the database meanwhile would cost what is measured.
    let completions = async {
        let mut left = missions;
        while left > 0 {
            left = left.saturating_sub(done.recv().await.unwrap_or(left));
        }
    };
    let both = async { tokio::join!(submits, completions) };
    let (submitted, ()) = tokio::time::timeout(Duration::from_secs(120), both).await.context("missions are left")?;
    submitted?;
    let took = started.elapsed();
    spent.add(&before, &Spent::so_far(&mut world, &probe).await?);
    let finished = probe.count(FINISHED).await?;
    anyhow::ensure!(finished == i64::try_from(missions)?, "{finished} of {missions} missions are finished");
    Ok(missions as f64 / took.as_secs_f64())
}

async fn submit(client: &Client, shape: Shape, missions: usize, pools: usize) -> anyhow::Result<()> {
    let all: Vec<SubmitMission> = (0..missions).map(|n| mission(n % pools, n)).collect();
    match shape {
        Shape::Batches => {
            let batches: Vec<Vec<SubmitMission>> = all.chunks(BATCH).map(<[SubmitMission]>::to_vec).collect();
            let mut answers =
                futures_util::stream::iter(batches).map(|batch| client.submit_batch_once(batch)).buffer_unordered(4);
            while let Some(answer) = answers.next().await {
                let refused = answer?.results.into_iter().find_map(|result| match result {
                    SubmitResult::Accepted(_) => None,
                    SubmitResult::Refused(problem) => Some(problem),
                });
                anyhow::ensure!(refused.is_none(), "a mission was refused: {refused:?}");
            }
        }
        Shape::Single => {
            let mut answers =
                futures_util::stream::iter(all).map(|mission| client.submit(mission)).buffer_unordered(64);
            while let Some(answer) = answers.next().await {
                answer?;
            }
        }
    }
    Ok(())
}

/// A mission of the n-th kind with nothing but what it must have.
pub(crate) fn mission(kind: usize, n: usize) -> SubmitMission {
    let body = json!({ "specialization": specialization(kind), "title": format!("mission {n}"), "payload": {} });
    serde_json::from_value(body).expect("a mission needs no more than this")
}
