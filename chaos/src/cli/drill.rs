//! `chaos drill`: one module a tier.

mod cluster;
mod progress;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chaos::drill::{Drill, file};
use clap::ValueEnum;

use super::output::{Exit, Output, Stop};
use super::state::State;
use super::validate::variable;

/// Take something away on purpose, watch what happens, and undo it
///
/// Exit code 0: everything held. 1: it did not, or the run proves nothing. 3: something is in the way, and nothing was
/// done. 4: it was broken off, and undone.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The drill's file
    file: PathBuf,
    /// Where it runs
    #[arg(long, value_enum)]
    tier: TierArg,
    /// A value in place of one of the file's configuration
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    vars: Vec<(String, String)>,
    /// Folder for what the run writes [default: one of its own in the state folder]
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    cluster: cluster::Deployment,
    #[command(flatten)]
    state: State,
}

/// Where a drill runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TierArg {
    /// A deployment, by the commands that the file declares.
    Cluster,
}

pub(super) async fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let vars: BTreeMap<String, String> = args.vars.iter().cloned().collect();
    let Some(drill) = read(&args.file, &vars, output)? else { return Ok(Exit::Finding) };
    match args.tier {
        TierArg::Cluster => cluster::run(args, &drill, output).await,
    }
}

/// The drill of a file; none where the file is refused, which was told then.
fn read(path: &Path, vars: &BTreeMap<String, String>, output: &mut Output) -> anyhow::Result<Option<Drill>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()));
    let text = text.map_err(|error| Stop::usage(format!("{error:#}")))?;
    match file::read(&text, &path.to_string_lossy(), vars) {
        Ok(drill) => Ok(Some(drill)),
        Err(findings) => {
            output.result(&findings, || findings.render(false))?;
            Ok(None)
        }
    }
}
