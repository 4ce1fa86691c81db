//! `chaos report`.

use std::path::PathBuf;

use chaos::journal::{Judged, Measures, Verdict};
use chaos::report;
use serde::Serialize;

use super::output::{Exit, Output, Stop};

/// Make the report of a run again, from its journal
///
/// Writes report.html and timeline.svg beside journal.json, the same byte for byte, and prints the summary. Exit code 0
/// whatever the verdict is: the drill itself ended with its code.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the run
    dir: PathBuf,
}

/// What programs want to know.
#[derive(Serialize)]
struct Told<'a> {
    verdict: Verdict,
    measures: &'a Measures,
    judged: &'a [Judged],
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let journal = report::read(&args.dir).map_err(|error| Stop::usage(format!("{:#}", anyhow::Error::from(error))))?;
    report::render(&journal, &args.dir)?;
    let told = Told { verdict: journal.verdict, measures: &journal.measures, judged: &journal.judged };
    output.result(&told, || report::summary(&journal))?;
    Ok(Exit::Ok)
}
