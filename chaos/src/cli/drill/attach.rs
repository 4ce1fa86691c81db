//! `chaos drill --attach`: on a world that is up.

use std::path::PathBuf;

use chaos::attach::{self, Found};
use chaos::drill::{Drill, preview};
use chaos::local::{Options, Progress as Told};
use chaos::report;
use chaos::run::{Refusal, signals};
use chaos::session;

use super::local::{exit, place};
use super::progress::Progress;
use crate::cli::output::{Exit, Output, Stop};

/// A world that is up.
#[derive(Debug, clap::Args)]
pub(super) struct World {
    /// A scheduler of a world that is up, as of `make up`; the drill runs there, and what it cannot do there is refused
    #[arg(long, value_name = "URL", conflicts_with_all = ["tier", "catalogue", "oracles"])]
    pub(super) attach: Option<String>,
    /// Where the world of --attach keeps its notes [default: the folder of its first port]
    #[arg(long, env = "MERIDIAN_STATE", value_name = "FOLDER", requires = "attach")]
    world_state: Option<PathBuf>,
}

pub(super) async fn run(args: &super::Args, url: &str, drill: &Drill, output: &mut Output) -> anyhow::Result<Exit> {
    let token = args.cluster.token.as_deref();
    let found = attach::find(url, args.world.world_state.as_deref(), token).await;
    let found = found.map_err(|error| Stop::refused(format!("{error:#}")))?;
    output.note(&format!("the world at {}\n{}", found.url, found.possible))?;
    let refusals = attach::refusals(drill, &found);
    if !refusals.is_empty() {
        return Err(Stop::refused(told(&refusals, &found)));
    }
    if args.dry_run {
        let told = preview(drill, |step| attach::preview(&found, step));
        output.result(&told, || told.to_string())?;
        return Ok(Exit::Ok);
    }
    let (run, registry, folder) = place(args, drill, output)?;
    let program = std::env::current_exe()?;
    let progress = Progress::new(output);
    let hears = |told: Told<'_>| progress.tells(told);
    let options = Options { run: &run, folder: &folder, registry: &registry, program: &program, progress: &hears };
    let journal = attach::drill(drill, &found, &options, signals()?).await.map_err(in_the_way)?;
    output.result(&journal, || report::summary(&journal))?;
    Ok(exit(journal.verdict))
}

fn told(refusals: &[Refusal], found: &Found) -> String {
    let line = |refusal: &Refusal| match &refusal.step {
        Some(step) => format!("\n  {step}: {}", refusal.reason),
        None => format!("\n  {}", refusal.reason),
    };
    let lines: String = refusals.iter().map(line).collect();
    format!("the drill cannot run on the world at {}, and nothing was done:{lines}", found.url)
}

/// Another drill in the way is no failure of the program.
fn in_the_way(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(session::Error::Registry(_)) => Stop::refused(format!("{error:#}")),
        Some(session::Error::Log(_) | session::Error::Guard(_)) | None => error,
    }
}
