//! `chaos drill --tier cluster`: dry unless `--execute`.

use std::io::{IsTerminal as _, stdin};

use chaos::cluster::{self, Error, Options, dry_run, typed_title};
use chaos::drill::Drill;
use chaos::report;
use chaos::run::{Limits, signals};
use chaos::session;
use uuid::Uuid;

use super::local::exit;
use super::progress::Progress;
use crate::cli::output::{Exit, Output, Stop};

/// What only the tier `cluster` knows.
#[derive(Debug, clap::Args)]
pub(super) struct Deployment {
    /// Carry it out; without it only told is what would be done
    #[arg(long)]
    execute: bool,
    /// The drill's title, for --execute; else it is read from standard input
    #[arg(long, requires = "execute")]
    title: Option<String>,
    /// Schedulers of the deployment, repeated in the order in which they are asked
    #[arg(long = "server", env = "MERIDIAN_SERVER", value_delimiter = ',')]
    servers: Vec<String>,
    /// Bearer token of an operator
    #[arg(long, env = "MERIDIAN_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
}

pub(super) async fn run(args: &super::Args, drill: &Drill, output: &mut Output) -> anyhow::Result<Exit> {
    if !args.cluster.execute {
        let dry = dry_run(drill, &args.cluster.servers)?;
        output.result(&dry, || dry.to_string())?;
        return Ok(if dry.refusals.is_empty() { Exit::Ok } else { Exit::Refused });
    }
    let title = match &args.cluster.title {
        Some(title) => Some(title.clone()),
        None => Some(ask_title(drill, output)?),
    };
    let run = Uuid::new_v4().simple().to_string();
    let registry = args.state.registry();
    let options = Options {
        schedulers: args.cluster.servers.clone(),
        token: args.cluster.token.clone(),
        title,
        folder: args.out.clone().unwrap_or_else(|| registry.folder_of(&run)),
        run,
        chaos: std::env::current_exe()?,
        limits: Limits::default(),
    };
    output.note(&format!("run {} in {}", options.run, options.folder.display()))?;
    let signal = signals()?;
    let progress = Progress::new(output);
    let journal = cluster::run(drill, &options, &registry, &|event| progress.hears(event), signal).await;
    let journal = journal.map_err(stop)?;
    output.result(&journal, || report::summary(&journal))?;
    Ok(exit(journal.verdict))
}

fn ask_title(drill: &Drill, output: &mut Output) -> anyhow::Result<String> {
    if stdin().is_terminal() {
        output.note(&format!("type the drill's title to go on: {}", drill.title))?;
    }
    Ok(typed_title(&mut stdin().lock())?)
}

/// What is in the way is no failure of the program.
fn stop(error: Error) -> anyhow::Error {
    match error {
        Error::Gates(_) | Error::Run(_) | Error::Session(session::Error::Registry(_)) | Error::Client(_) => {
            Stop::refused(format!("{:#}", anyhow::Error::from(error)))
        }
        Error::Load(_) => Stop::refused(format!("{error}")),
        Error::Session(session::Error::Log(_) | session::Error::Guard(_)) | Error::Report(_) => error.into(),
    }
}
