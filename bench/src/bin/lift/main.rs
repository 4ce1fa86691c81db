//! `make eval-lift`: what memory is worth to agents, on a world of real processes.
//!
//! Missions come from a few hidden causes, each told in several texts; the system sees the texts alone. Part of the pools
//! goes without memory. What is measured, and how, stands in `memory/eval/README.md`.

mod agent;
mod causes;
mod figures;
mod run;
mod tell;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::causes::{Half, causes};

/// Measures what memory is worth to agents.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
struct Args {
    /// The corpus, as `scripts/eval-corpus` writes it.
    corpus: PathBuf,
    /// A database that is empty or Meridian's.
    #[arg(long, env = "MERIDIAN_BENCH_DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Missions.
    #[arg(long, default_value_t = 500)]
    missions: usize,
    /// Hidden causes.
    #[arg(long, default_value_t = 60)]
    causes: usize,
    /// Which causes: those that settings were chosen on, or others.
    #[arg(long, value_enum, default_value = "reported")]
    half: Half,
    /// Draws missions; another one, another run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Milliseconds of work of a mission in the mean.
    #[arg(long, default_value_t = 1_000)]
    work_ms: u64,
    /// The schedulers' space, as `scheduler serve --embeddings` takes it.
    #[arg(long, default_value = "lexical")]
    embeddings: String,
    /// Leaves the control run out, in which each agent is shown other missions' memories.
    #[arg(long)]
    no_control: bool,
    /// Writes what every mission was shown, one JSON object a line.
    #[arg(long)]
    log: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// One object.
    Json,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("lift: {error:#}\n"));
            ExitCode::from(5)
        }
    }
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let causes = causes(&args.corpus, args.half, args.causes)?;
    let told = run::run(args, &causes, false).await?;
    if let Some(log) = &args.log {
        tell::log(log, &told)?;
    }
    let control = if args.no_control { None } else { Some(run::run(args, &causes, true).await?) };
    let report = tell::Report::new(args, &told, control.as_ref());
    report.print(std::io::stdout().lock(), matches!(args.format, Format::Json))
}
