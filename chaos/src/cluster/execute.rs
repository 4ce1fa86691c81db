//! Carries out a drill on a deployment.

use std::path::PathBuf;

use super::Cluster;
use super::gates::{Missing, missing};
use crate::drill::Drill;
use crate::registry::{Note, Registry};
use crate::run::{self, Carried, Event, Limits, Setup, refusals};
use crate::session::{self, Session};

/// How a drill is carried out on a deployment.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its schedulers, in the order in which they are asked.
    pub schedulers: Vec<String>,
    /// An operator's token.
    pub token: Option<String>,
    /// The drill's title, as somebody typed it.
    pub title: Option<String>,
    /// The run's id.
    pub run: String,
    /// The run's folder; it has no undo log yet.
    pub folder: PathBuf,
    /// The program `chaos`: it stands guard, and holds the commands.
    pub chaos: PathBuf,
    /// Bounds in time.
    pub limits: Limits,
}

/// Why a drill was not carried out. Nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Gates that are not passed.
    #[error("nothing was done:{}", .0.iter().map(|missing| format!("\n  {missing}")).collect::<String>())]
    Gates(Vec<Missing>),
    /// The tier cannot do some of it.
    #[error(transparent)]
    Run(#[from] run::Error),
    /// It may not begin.
    #[error(transparent)]
    Session(#[from] session::Error),
    /// An address or the token is none.
    #[error(transparent)]
    Client(#[from] scheduler_client::Error),
}

/// Carries out a drill on a deployment. Nothing is done before every gate is passed and the guard stands. `signal` ends
/// when somebody wants it broken off.
///
/// No missions are submitted, whatever the file's load: the place for them is here, beside `run::run`.
///
/// # Errors
/// See [`Error`].
pub async fn run(
    drill: &Drill,
    options: &Options,
    registry: &Registry,
    clock: &(dyn Fn() -> i64 + Sync),
    progress: &(dyn Fn(Event<'_>) + Sync),
    signal: impl Future<Output = String>,
) -> Result<Carried, Error> {
    let token = options.token.as_deref();
    let mut cluster = Cluster::new(&options.schedulers, token)?.leashed(&options.chaos);
    let refusals = refusals(drill, &cluster);
    if !refusals.is_empty() {
        return Err(run::Error::Refused(refusals).into());
    }
    let missing = missing(drill, token, cluster.client(), options.title.as_deref()).await;
    if !missing.is_empty() {
        return Err(Error::Gates(missing));
    }
    // Two drills for one context exclude each other.
    let world = drill.context.as_ref().map_or_else(String::new, |context| format!("context {}", context.name));
    let note = Note::here(&options.run, &drill.name, &world, &options.folder, clock());
    let regions = cluster.count_regions().await?;
    let mut session = Session::begin(registry, &note, &options.chaos, token).await?;
    let stopped = || registry.stops(&options.run);
    let setup = Setup {
        log: session.log(),
        ends_log: true,
        limits: options.limits,
        regions,
        clock,
        stopped: &stopped,
        progress,
    };
    let mut carried = run::run(drill, &mut cluster, setup, signal).await?;
    session.end(&mut carried).await;
    Ok(carried)
}
