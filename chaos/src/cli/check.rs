//! `chaos check`.

use std::path::PathBuf;

use chaos::judge::{Acknowledged, Effect, ReadError, Row, judge, read_lines};

use super::output::{Exit, Output, Stop};

/// Decide from records whether a mission was lost or done twice
///
/// Exit code 0: every acknowledged mission ended exactly once, and well. 1: it did not; the verdict names them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The submitter's 2xx answers, one JSON object a line
    #[arg(long)]
    acknowledged: PathBuf,
    /// The runners' ledger, one JSON object a line
    #[arg(long)]
    ledger: PathBuf,
    /// The missions' rows, one JSON object a line
    #[arg(long)]
    rows: PathBuf,
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let usage = |error: ReadError| Stop::usage(format!("{:#}", anyhow::Error::from(error)));
    let verdict = judge(
        &read_lines::<Acknowledged>(&args.acknowledged).map_err(usage)?,
        &read_lines::<Effect>(&args.ledger).map_err(usage)?,
        &read_lines::<Row>(&args.rows).map_err(usage)?,
    );
    output.result(&verdict, || serde_json::to_string_pretty(&verdict).expect("plain data"))?;
    Ok(if verdict.holds() { Exit::Ok } else { Exit::Finding })
}
