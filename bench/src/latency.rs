//! `submit_to_leased_p50_ms` and `_p99_ms`: 500 missions a second over three regions, from before the submit is sent
//! until its agent has read the grant, by one clock.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::fleet::{Agent, Work};
use crate::lifecycle::mission;
use crate::report::{Figure, quantile};
use crate::spent::Spent;
use crate::world::{Probe, Server, region, specialization, start};

const REGIONS: usize = 3;
const PER_SECOND: u32 = 500;
const SECONDS: u32 = 20;
const POOLS: usize = 4;

/// Both figures.
pub(crate) async fn submit_to_leased(server: &Server) -> anyhow::Result<[Figure; 2]> {
    let database = server.fresh("bench_meridian").await?;
    let mut world = start(&database, REGIONS, POOLS, 500).await?;
    let (granted, mut seen) = mpsc::unbounded_channel();
    let (accepted, _done) = mpsc::unbounded_channel();
    let mut agents = Vec::new();
    for n in 0..REGIONS {
        for pool in 0..POOLS {
            let client = world.client(&region(n))?;
            agents.push(
                Agent::start(
                    client,
                    region(n),
                    specialization(pool),
                    500,
                    Work::Complete(16),
                    granted.clone(),
                    accepted.clone(),
                )
                .await?,
            );
        }
    }
    world.wait_for_slots(REGIONS * POOLS).await?;
    let probe = Probe::connect(&database).await?;
    let before = Spent::so_far(&mut world, &probe).await?;

    let clients: Vec<_> = (0..REGIONS).map(|n| world.client(&region(n))).collect::<Result<_, _>>()?;
    let total = PER_SECOND * SECONDS;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut submits = JoinSet::new();
    for n in 0..total as usize {
        // An open loop: a submit is due when it is due, however late the others are.
        let due = tick.tick().await;
        let client = clients[n % REGIONS].clone();
        submits.spawn(async move { (due.into_std(), client.submit(mission(n % POOLS, n)).await) });
    }
    let mut sent: HashMap<_, Instant> = HashMap::new();
    while let Some(one) = submits.join_next().await {
        let (due, answer) = one.expect("a submit does not panic");
        sent.insert(answer?.id, due);
    }
    let mut took = Vec::with_capacity(sent.len());
    while took.len() < sent.len() {
        let next = tokio::time::timeout(Duration::from_secs(30), seen.recv()).await?;
        let (mission, _, at) = next.expect("the agents live");
        if let Some(due) = sent.get(&mission) {
            took.push(at.duration_since(*due).as_secs_f64() * 1_000.0);
        }
    }
    let mut spent = Spent::default();
    spent.add(&before, &Spent::so_far(&mut world, &probe).await?);
    let detail = json!({
        "missions": total,
        "per_s": PER_SECOND,
        "regions": REGIONS,
        "max_ms": quantile(&took, 1.0),
        "spent": spent.told(),
    });
    let at = |q| quantile(&took, q).expect("missions were measured");
    Ok([
        Figure::at_most("submit_to_leased_p50_ms", at(0.5), "ms", 10.0).with(detail.clone()),
        Figure::at_most("submit_to_leased_p99_ms", at(0.99), "ms", 50.0).with(detail),
    ])
}
