//! A drill on a world of its own, from the first process to the report.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::database::{Database, Engine, Place};
use super::outcome::{Missions, Options, Progress, Run};
use super::site::Site;
use super::stretch;
use super::tier::Local;
use super::told;
use crate::checker;
use crate::drill::{Drill, TierName};
use crate::journal::Journal;
use crate::load::now_us;
use crate::registry::Note;
use crate::report;
use crate::run::{self, Limits, Setup};
use crate::session::Session;
use crate::undo::UndoLine;
use crate::world::HISTORY;

/// The undo of the world itself, which no step of the file has.
const WORLD: &str = "the world's database";

/// Carries a drill out on a world of its own. `signal` ends when somebody wants it broken off. The run's folder has the
/// report then, and the world is gone.
///
/// # Errors
/// Where another drill is in the way or the world does not come up: nothing was measured, and what was started has ended.
pub async fn drill(
    drill: &Drill,
    engine: Engine,
    options: &Options<'_>,
    signal: impl Future<Output = String>,
) -> anyhow::Result<Journal> {
    let stretched = (engine == Engine::Cockroach).then(|| stretch::for_cockroach(drill));
    let drill = stretched.as_ref().unwrap_or(drill);
    let world = format!("a world of its own, {}", options.run);
    let note = Note::here(options.run, &drill.name, &world, options.folder, now_us());
    let mut session = Session::begin(options.registry, &note, options.program, None).await?;
    let place = Place::find(engine, &drill.world, options.folder)?;
    session.log().append(&UndoLine::Planned { step: WORLD.to_owned(), undo: vec![place.undo()] })?;
    let outcome = on_a_world(drill, options, &mut session, &place, signal).await;
    // However it ended: the server is no child that ends with us.
    let removed = place.remove().await;
    let left = match removed {
        Ok(()) => session.log().append(&UndoLine::Over).err().map(|error| format!("{error}")),
        Err(error) => Some(format!("{error:#}")),
    };
    let mut run = match outcome {
        Ok(run) => run,
        Err(error) => {
            session.close(left.is_none()).await?;
            return Err(error);
        }
    };
    run.carried.residue.extend(left);
    session.end(&mut run.carried).await;
    let journal = run.journal(drill, options.run);
    report::write(&journal, options.folder)?;
    Ok(journal)
}

/// World up, method, world down, records, measures. The database is still there afterwards.
async fn on_a_world(
    drill: &Drill,
    options: &Options<'_>,
    session: &mut Session,
    place: &Place,
    signal: impl Future<Output = String>,
) -> anyhow::Result<Run> {
    let phase = |text: &str| (options.progress)(Progress::Phase(text));
    phase("starting a world of its own");
    let database = Arc::new(Database::start(place).await?);
    let site = Site::start(drill, options.run, options.folder, Arc::clone(&database)).await?;
    let load_us = now_us();
    let topology = site.topology().to_owned();
    phase("loading it");
    tokio::time::sleep(Duration::from_secs_f64(drill.load.warm_s)).await;
    let steady_us = now_us();
    tokio::time::sleep(Duration::from_secs_f64(drill.load.steady_s)).await;
    let mut tier = Local::new(site, drill);
    let setup = Setup {
        log: session.log(),
        ends_log: false,
        limits: Limits::default(),
        regions: Some(drill.world.regions),
        clock: &now_us,
        stopped: &|| options.registry.stops(options.run),
        progress: &|event| (options.progress)(Progress::Run(event)),
    };
    let carried = run::run(drill, &mut tier, setup, signal).await?;
    let end_us = now_us();
    let victim = tier.victim().cloned();
    phase("waiting until everything that was submitted has ended");
    let remains = tier.into_site().end().await?;
    phase("judging");
    let history = options.folder.join(HISTORY);
    let seen = told::read(&database, &history, drill).await?;
    let check = checker::check(&history).context("the history cannot be judged")?;
    Ok(Run {
        tier: TierName::Local,
        load_us,
        steady_us,
        end_us,
        world: told::world(&topology, &seen, drill),
        victim,
        carried,
        missions: Missions {
            facts: remains.facts,
            samples: remains.samples,
            control: seen.control,
            moved_leases: seen.moved_leases,
            check,
            unknown: None,
        },
        database: seen.fate,
        homes: seen.homes,
    })
}
