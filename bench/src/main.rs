//! `make bench`: measures Meridian through its public HTTP interface, with peers in the same run.
//!
//! Prints one JSON object a line; the first tells what was measured on. Absolute figures of two runs on a shared
//! machine say little: compare the ratios within one run.

mod failover;
mod fleet;
mod idle;
mod latency;
mod lifecycle;
mod peer;
mod recall;
mod recall_faults;
mod report;
mod spent;
mod world;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use crate::peer::Peer;
use crate::world::Server;

/// Measures Meridian.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    /// Run only the figure of this name.
    #[arg(long, env = "BENCH", value_parser = named)]
    only: Option<String>,
    /// A durable PostgreSQL whose role may create databases.
    #[arg(long, env = "MERIDIAN_BENCH_DATABASE_URL")]
    database_url: String,
}

/// Every figure. `make bench` gets that of placement, which needs no world, from the package that places.
const FIGURES: [&str; 12] = [
    "scheduler_idle_mb",
    "scheduler_ready_ms",
    "lifecycle_batch_per_s",
    "lifecycle_single_per_s",
    "submit_to_leased_p50_ms",
    "submit_to_leased_p99_ms",
    "failover_10k_s",
    "memory_inserts_per_s",
    "recall_at_10",
    "recall_p99_ms",
    "recall_degraded_p99_ratio",
    "placement_per_s",
];

/// A figure's name, or nothing for all.
fn named(name: &str) -> Result<String, String> {
    if name.is_empty() || FIGURES.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!("there is no such figure; there are {}", FIGURES.join(", ")))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bench: {error:#}");
            ExitCode::from(5)
        }
    }
}

async fn run(cli: &Cli) -> anyhow::Result<()> {
    let wants = |name: &str| cli.only.as_deref().is_none_or(|only| only.is_empty() || only == name);
    let server = Server::connect(&cli.database_url).await?;
    let cores = std::thread::available_parallelism()?.get();
    let settings = server.settings().await?;
    report::print(&json!({ "meridian": env!("CARGO_PKG_VERSION"), "cores": cores, "database": settings }))?;

    if wants("scheduler_idle_mb") || wants("scheduler_ready_ms") {
        for figure in idle::idle(&server).await? {
            report::print(&figure)?;
        }
    }
    if wants("lifecycle_batch_per_s") || wants("lifecycle_single_per_s") {
        let peer = Peer::find().await;
        if wants("lifecycle_batch_per_s") {
            report::print(&lifecycle::batch(&server, peer.as_ref()).await?)?;
        }
        if wants("lifecycle_single_per_s") {
            report::print(&lifecycle::single(&server, peer.as_ref()).await?)?;
        }
    }
    if wants("submit_to_leased_p50_ms") || wants("submit_to_leased_p99_ms") {
        for figure in latency::submit_to_leased(&server).await? {
            report::print(&figure)?;
        }
    }
    if wants("failover_10k_s") {
        report::print(&failover::ten_thousand(&server).await?)?;
    }
    if wants("memory_inserts_per_s") || wants("recall_at_10") || wants("recall_p99_ms") {
        for figure in recall::recall(&server).await? {
            report::print(&figure)?;
        }
    }
    if wants("recall_degraded_p99_ratio") {
        report::print(&recall_faults::degraded(&server).await?)?;
    }
    Ok(())
}
