//! `scheduler_idle_mb` and `scheduler_ready_ms`: one scheduler on a migrated database, with nothing to do.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::report::{Figure, median};
use crate::world::{Server, region, start};

const STARTS: usize = 5;

/// Both figures.
pub(crate) async fn idle(server: &Server) -> anyhow::Result<[Figure; 2]> {
    let database = server.fresh("bench_meridian").await?;
    let mut world = start(&database, 1, 8, 10).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let id = world.scheduler_id(&region(0)).expect("the scheduler runs");
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok())
        .ok_or_else(|| anyhow::anyhow!("this system does not tell a process's resident memory"))?;

    let mut ready = Vec::new();
    for _ in 0..STARTS {
        world.signal_scheduler(&region(0), Signal::SIGKILL);
        let started = Instant::now();
        world.start_scheduler(&region(0))?;
        world.wait_ready(&region(0)).await?;
        ready.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    let middle = median(&ready).expect("it was started five times");
    Ok([
        Figure::at_most("scheduler_idle_mb", resident / 1_024.0, "MiB", 40.0),
        Figure::at_most("scheduler_ready_ms", middle, "ms", 300.0)
            .with(json!({ "starts": ready, "resolution_ms": 20 })),
    ])
}
