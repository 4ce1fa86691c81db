//! A drill on a world that is up, from the first mission to the report.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;

use super::export;
use super::found::Found;
use super::tier::Attached;
use super::watch::Watch;
use crate::checker;
use crate::drill::Drill;
use crate::facts::Facts;
use crate::history::Record;
use crate::journal::{Journal, WorldTold};
use crate::load::{Submits, now_us};
use crate::local::edge::Edge;
use crate::local::load::{Running, Setting, SharedFacts, lock};
use crate::local::outcome::{Options, Progress, Run};
use crate::local::sample::{Places, Sample, Sampler};
use crate::local::told::made_of;
use crate::measure::{Control, ControlKind};
use crate::registry::Note;
use crate::report;
use crate::run::{self, Limits, Setup};
use crate::session::Session;
use crate::world::HISTORY;

/// How long what is open may take to end when everything is undone and nothing more is submitted.
const SETTLE: Duration = Duration::from_secs(60);

/// One try of an undo: the world may take over a minute to start again what fell.
const UNDO: Duration = Duration::from_secs(90);

/// Carries a drill out on a world that is up, which is left as it was found. `signal` ends when somebody wants it broken
/// off. The run's folder has the report then.
///
/// # Errors
/// Where another drill is in the way, or the world does not tell what became of the missions.
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
    let journal = run.journal(drill, options);
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
    let history = options.folder.join(HISTORY);
    std::fs::create_dir_all(&history).with_context(|| format!("could not make {}", history.display()))?;
    phase(&format!("loading {}", found.url));
    let around = Around::start(drill, found, options.run, options.folder, &history)?;
    let load_us = now_us();
    tokio::time::sleep(Duration::from_secs_f64(drill.load.warm_s)).await;
    let steady_us = now_us();
    tokio::time::sleep(Duration::from_secs_f64(drill.load.steady_s)).await;
    let Around { facts, sampler, load, watch, edge } = around;
    let mut tier = Attached::new(found, drill, Arc::clone(&facts), sampler, load);
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
    let (sampler, load) = tier.into_parts();
    load.stop().await?;
    watch.finish(SETTLE).await;
    drop(edge);
    let samples = sampler.finish();
    phase("judging");
    let facts = std::mem::take(&mut *lock(&facts));
    let promised: BTreeSet<_> = facts.promised().collect();
    let moved_leases = export::write(&found.client, options.run, promised, &found.shape, &history).await?;
    let check = checker::check_without_runners(&history).context("the history cannot be judged")?;
    let control = control(&samples);
    let world = world(found);
    Ok(Run { load_us, steady_us, end_us, world, victim, carried, facts, samples, control, moved_leases, check })
}

/// What a drill has around it on a world that is up.
struct Around {
    facts: SharedFacts,
    sampler: Sampler,
    load: Running,
    watch: Watch,
    edge: Edge,
}

impl Around {
    fn start(drill: &Drill, found: &Found, run: &str, folder: &Path, history: &Path) -> anyhow::Result<Self> {
        let Found { schedulers, shape, token, client, .. } = found;
        let facts: SharedFacts = Arc::new(Mutex::new(Facts::default()));
        let places = Places { database: None, schedulers: schedulers.clone(), token: token.clone() };
        let samples = Record::open(&folder.join("samples.jsonl"))?;
        let sampler = Sampler::start(places, Arc::clone(&facts), samples);
        let watch = Watch::start(client.clone(), run, Arc::clone(&facts));
        let health = schedulers.iter().map(|(region, url)| (region.clone(), format!("{url}/health"))).collect();
        let edge = Edge::start(shape.places.clone(), health);
        let load = Running::start(Setting {
            run: run.to_owned(),
            shape: shape.clone(),
            load: drill.load.clone(),
            addresses: schedulers.clone(),
            token: token.clone(),
            order: edge.order(),
            submits: Submits::open(history, shape.rules.clone())?,
            facts: Arc::clone(&facts),
        });
        Ok(Self { facts, sampler, load, watch, edge })
    }
}

fn world(found: &Found) -> WorldTold {
    let could_not_fail = ["the database", "links between regions and to the database"].map(str::to_owned).to_vec();
    let engine = format!("Database of the attached world {}", found.url);
    made_of(&found.topology, &found.text, engine, could_not_fail)
}

/// What became of the regions, as the samples show it.
fn control(samples: &[Sample]) -> Vec<Control> {
    let mut all = Vec::new();
    for pair in samples.windows(2) {
        for (region, now) in &pair[1].regions {
            let what = match now.as_str() {
                "suspect" => ControlKind::Suspect,
                "down" => ControlKind::Down,
                "up" => ControlKind::Up,
                _ => continue,
            };
            if pair[0].regions.get(region).is_some_and(|before| before != now) {
                all.push(Control { at_us: pair[1].at_us, region: region.clone(), what });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_a_region_is_read_from_one_look_to_the_next() {
        let looks = ["up", "suspect", "suspect", "down", "returning", "up"];
        let sample = |(n, state): (usize, &str)| Sample {
            at_us: i64::try_from(n).unwrap(),
            regions: [("us-west".to_owned(), state.to_owned())].into(),
            ..Sample::default()
        };
        let samples: Vec<Sample> = looks.into_iter().enumerate().map(sample).collect();
        let seen: Vec<_> = control(&samples).into_iter().map(|entry| (entry.at_us, entry.what)).collect();
        assert_eq!(seen, [(1, ControlKind::Suspect), (3, ControlKind::Down), (5, ControlKind::Up)]);
    }
}
