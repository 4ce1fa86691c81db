//! A drill on a world that is up, from the first mission to the report.

use std::collections::BTreeMap;
use std::time::Duration;

use super::around::Around;
use super::found::Found;
use super::tier::Attached;
use crate::drill::{Drill, TierName};
use crate::journal::{Journal, WorldTold};
use crate::load::now_us;
use crate::local::outcome::{Options, Progress, Run};
use crate::local::told::made_of;
use crate::measure::DatabaseFate;
use crate::registry::Note;
use crate::report;
use crate::run::{self, Limits, Setup};
use crate::session::Session;

/// One try of an undo: the world may take over a minute to start again what fell.
const UNDO: Duration = Duration::from_secs(90);

/// Carries a drill out on a world that is up, which is left as it was found. `signal` ends when somebody wants it broken
/// off. The run's folder has the report then.
///
/// # Errors
/// Where another drill is in the way, or its records cannot be written.
pub async fn drill(
    drill: &Drill,
    found: &Found,
    options: &Options<'_>,
    signal: impl Future<Output = String>,
) -> anyhow::Result<Journal> {
    let note = Note::here(options.run, &drill.name, &found.url, options.folder, now_us());
    let token = found.token.as_deref();
    let mut session = Session::begin(options.registry, &note, options.program, token).await?;
    let mut run = match on_it(drill, found, options, &mut session, signal).await {
        Ok(run) => run,
        Err(error) => {
            // What is not undone, where anything is, the guard undoes now.
            session.close(!note.is_pending()).await?;
            return Err(error);
        }
    };
    session.end(&mut run.carried).await;
    let journal = run.journal(drill, options.run);
    report::write(&journal, options.folder)?;
    Ok(journal)
}

async fn on_it(
    drill: &Drill,
    found: &Found,
    options: &Options<'_>,
    session: &mut Session,
    signal: impl Future<Output = String>,
) -> anyhow::Result<Run> {
    let phase = |text: &str| (options.progress)(Progress::Phase(text));
    phase(&format!("loading {}", found.url));
    let around = Around::start(drill, found, options.run, options.folder)?;
    let load_us = now_us();
    let steady_us = Around::warm(drill).await;
    let mut tier = Attached::new(found, drill, around);
    let setup = Setup {
        log: session.log(),
        ends_log: true,
        limits: Limits { undo: UNDO, ..Limits::default() },
        regions: Some(found.regions.len()),
        clock: &now_us,
        stopped: &|| options.registry.stops(options.run),
        progress: &|event| (options.progress)(Progress::Run(event)),
    };
    let carried = run::run(drill, &mut tier, setup, signal).await?;
    let end_us = now_us();
    let victim = tier.victim().cloned();
    phase("waiting until everything that was submitted has ended");
    let missions = tier.into_around().end(found, options.run, options.folder).await;
    Ok(Run {
        tier: TierName::Local,
        load_us,
        steady_us,
        end_us,
        world: world(found),
        victim,
        carried,
        missions,
        database: DatabaseFate::Unknown,
        homes: BTreeMap::new(),
    })
}

fn world(found: &Found) -> WorldTold {
    let could_not_fail = ["the database", "links between regions and to the database"].map(str::to_owned).to_vec();
    let engine = format!("Database of the attached world {}", found.url);
    made_of(&found.topology, &found.text, engine, could_not_fail)
}
