//! Carries out a drill on a deployment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Cluster;
use super::gates::{Missing, missing};
use super::load::{self, Loaded};
use crate::attach::around::Around;
use crate::attach::{Found, deployed};
use crate::drill::{Drill, TierName};
use crate::journal::{Journal, WorldTold};
use crate::load::now_us;
use crate::local::outcome::{Missions, Run};
use crate::local::told::made_of;
use crate::measure::DatabaseFate;
use crate::registry::{Note, Registry};
use crate::report;
use crate::run::{self, Event, Limits, Setup, refusals};
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

/// Why there is no journal of a drill. But for [`Error::Report`], nothing was done then.
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
    /// No missions can be submitted.
    #[error("the deployment cannot be loaded: {0:#}")]
    Load(anyhow::Error),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] report::Error),
}

/// Carries out a drill on a deployment and writes its report. Nothing is done before every gate is passed and the guard
/// stands. `signal` ends when somebody wants it broken off.
///
/// Missions are submitted where the file's load has some and a scheduler is known. Each carries the run's id.
///
/// # Errors
/// See [`Error`].
pub async fn run(
    drill: &Drill,
    options: &Options,
    registry: &Registry,
    progress: &(dyn Fn(Event<'_>) + Sync),
    signal: impl Future<Output = String>,
) -> Result<Journal, Error> {
    let token = options.token.as_deref();
    let is_loaded = load::is_wanted(drill, &options.schedulers);
    let mut cluster = Cluster::new(&options.schedulers, token)?.leashed(&options.chaos).loaded(is_loaded);
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
    let note = Note::here(&options.run, &drill.name, &world, &options.folder, now_us());
    let regions = cluster.count_regions().await?;
    let found = match is_loaded {
        true => Some(deployed(&options.schedulers, token).await.map_err(Error::Load)?),
        false => None,
    };
    let mut session = Session::begin(registry, &note, &options.chaos, token).await?;
    let around = found.as_ref().map(|found| Around::start(drill, found, &options.run, &options.folder)).transpose();
    cluster.load = match around {
        Ok(around) => around.map(Loaded::new),
        Err(error) => {
            session.close(true).await.map_err(Error::Load)?;
            return Err(Error::Load(error));
        }
    };
    let load_us = now_us();
    let steady_us = if is_loaded { Around::warm(drill).await } else { load_us };
    let setup = Setup {
        log: session.log(),
        ends_log: true,
        limits: options.limits,
        regions,
        clock: &now_us,
        stopped: &|| registry.stops(&options.run),
        progress,
    };
    let mut carried = run::run(drill, &mut cluster, setup, signal).await?;
    let end_us = now_us();
    let (missions, victim) = match (cluster.load.take(), &found) {
        (Some(Loaded { around, victim }), Some(found)) => {
            (around.end(found, &options.run, &options.folder).await, victim)
        }
        _ => (Missions::none(), None),
    };
    session.end(&mut carried).await;
    let journal = Run {
        tier: TierName::Cluster,
        load_us,
        steady_us,
        end_us,
        world: told(found.as_ref()),
        victim,
        carried,
        missions,
        database: DatabaseFate::Unknown,
        homes: BTreeMap::new(),
    }
    .journal(drill, &options.run);
    report::write(&journal, &options.folder)?;
    Ok(journal)
}

/// A deployment's API does not name its database.
fn told(found: Option<&Found>) -> WorldTold {
    let engine = "a deployment, whose API does not name its database".to_owned();
    match found {
        Some(found) => made_of(&found.topology, &found.text, engine, Vec::new()),
        None => WorldTold {
            engine,
            could_not_fail: Vec::new(),
            survive: "unknown".to_owned(),
            regions: Vec::new(),
            topology_digest: String::new(),
            clocks: BTreeMap::new(),
        },
    }
}
