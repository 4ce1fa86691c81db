//! Starts, watches and ends a local world.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scheduler_client::wire::{ListMissions, Mission, MissionState, SubmitMission, SubmitResult};
use scheduler_client::{Client, Config, Limits};
use serde_json::json;
use tokio::signal::unix::Signal;
use tokio::time::{Instant, MissedTickBehavior};
use topology::{MissionId, Topology};

use super::crew::Crew;
use super::database::Database;
use super::folder::Folder;
use super::note::Note;
use super::ports::{Ports, taken};
use super::report::Report;
use super::terminal::Front;
use super::{What, ideas, revive};
use crate::cli::{Failure, Output, Signals, Stop, migrate};

/// How long schedulers and agents may take to come up.
const UP: Duration = Duration::from_secs(60);

/// How long the missions may take.
const DONE: Duration = Duration::from_secs(600);

/// Between two looks at what is coming up, and at the missions.
const POLL: Duration = Duration::from_millis(200);

/// Between two looks at the topology and the processes.
const WATCH: Duration = Duration::from_secs(1);

/// Missions of one request, and the time until the next one: people do not submit everything at once either.
const BATCH: usize = 10;
const BETWEEN_BATCHES: Duration = Duration::from_millis(100);

/// Runs a world until it is stopped.
pub(super) async fn run(
    what: &What,
    folder: &Folder,
    ports: Ports,
    background: bool,
    output: &Output,
) -> anyhow::Result<()> {
    if background {
        // Fails only for the leader of a group, and then it has one of its own already.
        let _ = nix::unistd::setsid();
    }
    folder.create().with_context(|| format!("cannot make {}", folder.root().display()))?;
    let mut stop = Signals::listen()?;
    let _front = if background { None } else { Front::step_in() };
    let text = std::fs::read_to_string(&what.topology)
        .map_err(|error| Stop::usage(format!("cannot read the topology {}: {error}", what.topology.display())))?;
    let name = what.topology.display().to_string();
    let parsed = topology::config::parse(&text, &name).map_err(|findings| Stop::finding(findings.render(false)))?;
    free_ports(&parsed.topology, ports)?;
    let mut note = Note::begin(folder)?;
    with_database(what, &mut note, ports, (&text, &name), &mut stop, output).await
}

/// Names every taken port at once.
fn free_ports(topology: &Topology, ports: Ports) -> anyhow::Result<()> {
    let regions = 0..topology.regions.len();
    let wanted: Vec<_> = regions.flat_map(|slot| [ports.scheduler(slot), ports.agent(slot)]).collect();
    let taken = taken(&wanted);
    if taken.is_empty() {
        return Ok(());
    }
    let advice = "stop it, or choose other ports with PORT_BASE=";
    Err(Stop::refused(format!("{}\n{advice}", taken.join("\n"))).into())
}

async fn with_database(
    what: &What,
    note: &mut Note,
    ports: Ports,
    topology: (&str, &str),
    stop: &mut Signals,
    output: &Output,
) -> anyhow::Result<()> {
    output.note("starting the database")?;
    let database = tokio::select! {
        database = Database::start(ports) => database?,
        () = stop.asked() => return Ok(()),
    };
    note.database(database.server())?;
    let outcome = with_crew(what, note, ports, topology, &database, stop, output).await;
    output.note("stopping the database")?;
    database.stop().await;
    outcome
}

async fn with_crew(
    what: &What,
    note: &mut Note,
    ports: Ports,
    (text, name): (&str, &str),
    database: &Database,
    stop: &mut Signals,
    output: &Output,
) -> anyhow::Result<()> {
    let done = migrate(database.url(), Some((text, name))).await?;
    output.note(&format!("schema version {}", done.report.version))?;
    let mut crew = Crew::new(note.folder(), ports, what, database.url());
    let outcome = tokio::select! {
        outcome = live(what, note, &mut crew, (text, name), output) => outcome,
        () = stop.asked() => Ok(()),
    };
    let stopped = crew.stop(output).await;
    outcome.and(stopped)
}

/// From the first process to the end of the world; ends by itself only on failure.
async fn live(
    what: &What,
    note: &mut Note,
    crew: &mut Crew,
    (text, name): (&str, &str),
    output: &Output,
) -> anyhow::Result<()> {
    let file = topology::config::parse(text, name).map_err(|findings| Stop::finding(findings.render(false)))?;
    for change in crew.follow(&file.topology).await? {
        output.note(&change)?;
    }
    note.processes(crew)?;
    let client = client(crew)?;
    ready(&client, crew).await?;
    let stored = client.topology().await?;
    let stored_text = stored.text.unwrap_or_default();
    if stored_text != text {
        output
            .note(&format!("the database has topology version {}, which is not {name}: it is kept", stored.version))?;
    }
    let topology = parse_stored(&stored_text)?;
    for change in crew.follow(&topology).await? {
        output.note(&change)?;
    }
    note.processes(crew)?;
    sessions(&client, &topology, crew).await?;
    let missions = work(what, &client, &topology, output).await?;
    let report = Report::of(&missions, crew.addresses());
    let summary = report.render();
    output.answer(&report, |_| summary.clone())?;
    // Heard from before anybody can read that the world is up.
    let wishes = revive::wishes()?;
    note.up(crew.addresses().into_iter().next(), summary)?;
    output.note(&format!("logs: {}\nCtrl-C ends the world", note.folder().logs().display()))?;
    watch(&client, crew, note, wishes, output).await
}

fn client(crew: &Crew) -> anyhow::Result<Client> {
    let limits = Limits { overall: Duration::from_secs(30), ..Limits::default() };
    Ok(Client::new(&Config::new(crew.addresses()).limits(limits))?)
}

fn parse_stored(text: &str) -> anyhow::Result<Topology> {
    let parsed = topology::config::parse(text, "the stored topology");
    Ok(parsed.map_err(|findings| Stop::finding(findings.render(false)))?.topology)
}

/// Waits until every scheduler is ready.
async fn ready(client: &Client, crew: &mut Crew) -> anyhow::Result<()> {
    let until = Instant::now() + UP;
    loop {
        if let Some(fallen) = crew.fallen().into_iter().next() {
            return Err(Stop::refused(fallen).into());
        }
        let wanted = crew.addresses().len();
        let alive = client.schedulers().await.map(|list| list.schedulers.len()).unwrap_or(0);
        if alive >= wanted {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(Stop::refused(format!("{alive} of {wanted} schedulers are up after {} s", UP.as_secs())).into());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until every region with pools has a session.
async fn sessions(client: &Client, topology: &Topology, crew: &mut Crew) -> anyhow::Result<()> {
    let wanted: BTreeSet<_> = topology.pools.iter().map(|pool| pool.id.region.clone()).collect();
    let until = Instant::now() + UP;
    loop {
        if let Some(fallen) = crew.fallen().into_iter().next() {
            return Err(Stop::refused(fallen).into());
        }
        let regions = client.regions().await.map(|list| list.regions).unwrap_or_default();
        let serving = regions.iter().filter(|region| region.sessions > 0 && region.serves);
        let waiting = wanted.len().saturating_sub(serving.filter(|region| wanted.contains(&region.name)).count());
        if waiting == 0 {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(Stop::refused(format!("{waiting} regions have no agent after {} s", UP.as_secs())).into());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Submits the world's missions and waits for their ends.
async fn work(what: &What, client: &Client, topology: &Topology, output: &Output) -> anyhow::Result<Vec<Mission>> {
    let Some(world) = ideas::read_world(what)? else {
        output.note(&format!("no missions: {} does not exist", what.world.display()))?;
        return Ok(Vec::new());
    };
    let missions = ideas::missions(&world, topology, what.missions);
    let bar = progress(missions.len(), output);
    let open = submit(client, missions, output).await?;
    let until = Instant::now() + DONE;
    loop {
        let seen = ours(client, &open).await?;
        let ended = seen.iter().filter(|mission| has_ended(mission.state)).count();
        bar.set_position(ended.try_into().unwrap_or(u64::MAX));
        if ended == open.len() {
            bar.finish_and_clear();
            return Ok(seen);
        }
        if Instant::now() > until {
            bar.abandon();
            let message = format!("{} of {} missions have ended after {} s", ended, open.len(), DONE.as_secs());
            return Err(Stop { failure: Failure::Finding, message }.into());
        }
        tokio::time::sleep(POLL).await;
    }
}

fn progress(count: usize, output: &Output) -> ProgressBar {
    let target = if output.is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} missions {elapsed}").expect("a fixed template");
    ProgressBar::with_draw_target(Some(count.try_into().unwrap_or(u64::MAX)), target).with_style(style)
}

async fn submit(client: &Client, missions: Vec<SubmitMission>, output: &Output) -> anyhow::Result<BTreeSet<MissionId>> {
    let mut open = BTreeSet::new();
    let mut tick = tokio::time::interval(BETWEEN_BATCHES);
    for batch in missions.chunks(BATCH) {
        tick.tick().await;
        for result in client.submit_batch(batch.to_vec()).await?.results {
            match result {
                SubmitResult::Accepted(mission) => {
                    open.insert(mission.id);
                }
                SubmitResult::Refused(problem) => {
                    output.note(&format!("refused: {}: {}", problem.code, problem.detail))?;
                }
            }
        }
    }
    Ok(open)
}

/// The missions of this world, newest first, out of those that the database may have from earlier.
async fn ours(client: &Client, open: &BTreeSet<MissionId>) -> anyhow::Result<Vec<Mission>> {
    let mut seen = Vec::with_capacity(open.len());
    let mut query = ListMissions { limit: Some(500), ..ListMissions::default() };
    while seen.len() < open.len() {
        let page = client.missions(&query).await?;
        seen.extend(page.missions.into_iter().filter(|mission| open.contains(&mission.id)));
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    Ok(seen)
}

const fn has_ended(state: MissionState) -> bool {
    match state {
        MissionState::Succeeded | MissionState::Failed | MissionState::Cancelled => true,
        MissionState::Pending | MissionState::Queued | MissionState::Leased => false,
    }
}

/// Lets processes start and stop with the topology, tells who fell, and starts that again on demand.
async fn watch(
    client: &Client,
    crew: &mut Crew,
    note: &mut Note,
    mut wishes: Signal,
    output: &Output,
) -> anyhow::Result<()> {
    // Short, so that nothing waits long where no scheduler is left.
    let client = client.with_limits(Limits { overall: WATCH, ..Limits::default() });
    let mut tick = tokio::time::interval(WATCH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut version = 0;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = wishes.recv() => revive::fulfil(crew, note, output).await?,
        }
        for fallen in crew.fallen() {
            output.line(&json!({ "fallen": fallen }), &fallen)?;
        }
        note.processes(crew)?;
        // A drill may have taken every scheduler away for a while.
        let Ok(now) = client.topology().await else { continue };
        if now.version == version {
            continue;
        }
        let Ok(topology) = parse_stored(&now.text.unwrap_or_default()) else { continue };
        version = now.version;
        for change in crew.follow(&topology).await? {
            output.line(&json!({ "change": change }), &change)?;
        }
        note.processes(crew)?;
    }
}

/// Starts the database alone and leaves it running: the end of a world, or `make down`, ends it.
pub(super) async fn database_only(ports: Ports, output: &Output) -> anyhow::Result<()> {
    let database = Database::start(ports).await?;
    output.answer(&json!({ "url": database.url() }), |_| database.url().to_owned())
}
