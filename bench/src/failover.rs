//! `failover_10k_s`: a region with 10,000 leased missions dies; the time until all are leased elsewhere.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::sync::mpsc;

use crate::fleet::{Agent, Granted, Work};
use crate::lifecycle::mission;
use crate::report::Figure;
use crate::spent::Spent;
use crate::world::{Probe, Server, region, specialization, start};

const MISSIONS: usize = 10_000;
const BATCH: usize = 500;
const LEASED: &str = "SELECT count(*) FROM missions WHERE state = 'leased'";
/// The default session TTL on PostgreSQL.
const SESSION_TTL_S: f64 = 5.0;

/// The figure.
pub(crate) async fn ten_thousand(server: &Server) -> anyhow::Result<Figure> {
    let database = server.fresh("bench_meridian").await?;
    let mut world = start(&database, 3, 1, MISSIONS).await?;
    let slots = i64::try_from(MISSIONS)?;
    let (granted, mut seen) = mpsc::unbounded_channel();
    let hold = |n: usize, granted: mpsc::UnboundedSender<Granted>| {
        let client = world.client(&region(n));
        async move {
            Agent::start(client?, region(n), specialization(0), slots, Work::Hold, granted, mpsc::unbounded_channel().0)
                .await
        }
    };
    // Alone first, so that the region that will die holds everything.
    let victim = hold(0, granted.clone()).await?;
    world.wait_for_slots(1).await?;
    let client = world.client(&region(1))?;
    for first in (0..MISSIONS).step_by(BATCH) {
        client.submit_batch_once((first..first + BATCH).map(|n| mission(0, n)).collect()).await?;
    }
    let probe = Probe::connect(&database).await?;
    while probe.count(LEASED).await? < slots {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let others = (hold(1, granted.clone()).await?, hold(2, granted.clone()).await?);
    world.wait_for_slots(3).await?;
    while seen.try_recv().is_ok() {}

    let killed = Instant::now();
    drop(victim);
    world.signal_scheduler(&region(0), Signal::SIGKILL);
    let before = Spent::so_far(&mut world, &probe).await?;
    let (mut again, mut last) = (HashSet::new(), killed);
    while again.len() < MISSIONS {
        let next = tokio::time::timeout(Duration::from_secs(120), seen.recv()).await?;
        let (mission, _, at) = next.expect("the agents live");
        again.insert(mission);
        last = at;
    }
    let mut spent = Spent::default();
    spent.add(&before, &Spent::so_far(&mut world, &probe).await?);
    drop(others);
    let seconds = last.duration_since(killed).as_secs_f64();
    Ok(Figure::at_most("failover_10k_s", seconds, "s", SESSION_TTL_S + 2.0)
        .with(json!({ "missions": MISSIONS, "spent": spent.told() })))
}
