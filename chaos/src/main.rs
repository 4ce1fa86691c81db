//! The program `chaos`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use chaos::judge::{Acknowledged, Effect, Row, judge, read_lines};
use clap::{Parser, Subcommand};

/// Judges what a fault did to a world.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Decide from records whether a mission was lost or done twice.
    ///
    /// Exit code 0: every acknowledged mission ended exactly once, and well. 1: it did not; the verdict names them.
    Check {
        /// The submitter's 2xx answers, one JSON object a line.
        #[arg(long)]
        acknowledged: PathBuf,
        /// The runners' ledger, one JSON object a line.
        #[arg(long)]
        ledger: PathBuf,
        /// The missions' rows, one JSON object a line.
        #[arg(long)]
        rows: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "chaos: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Check { acknowledged, ledger, rows } => {
            let verdict = judge(
                &read_lines::<Acknowledged>(acknowledged)?,
                &read_lines::<Effect>(ledger)?,
                &read_lines::<Row>(rows)?,
            );
            let mut out = std::io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &verdict)?;
            writeln!(out)?;
            Ok(if verdict.holds() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
    }
}
