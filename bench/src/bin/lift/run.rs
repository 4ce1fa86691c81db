//! One run: a world of three regions, a stream of missions through its HTTP interface, and what came of each.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chaos::world::{Spec, World};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use scheduler_client::wire::{
    MemoryHitRate, MemoryScope, MemorySearch, MemoryView, MissionState, Origin, SubmitMission,
};
use serde::Serialize;
use serde_json::json;
use tokio_postgres::NoTls;
use topology::Position;
use uuid::Uuid;

use crate::Args;
use crate::agent::{Task, Worked, serve};
use crate::causes::{Cause, Telling};

/// Name, the provider's region, and where its missions come from.
const REGIONS: [(&str, &str, f64, f64); 3] = [
    ("us-west", "us-west-2", 37.77, -122.42),
    ("europe-west", "eu-west-1", 51.51, -0.13),
    ("asia-east", "ap-northeast-1", 35.68, 139.65),
];
const SPECIALIZATIONS: usize = 8;
/// Slots of each pool.
const SLOTS: usize = 4;
/// Missions that are under way at once.
const UNDER_WAY: usize = 12;
/// How long one mission may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The database of a run.
const DATABASE: &str = "lift_meridian";

/// A mission and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) cause: usize,
    pub(crate) worked: Worked,
    /// Whether its pool has memory.
    pub(crate) with_memory: bool,
    /// Whether a mission of the same cause had ended before this one was submitted.
    pub(crate) is_repeat: bool,
    /// Whether such a mission had the same words.
    pub(crate) in_known_words: bool,
    /// Where a log is wanted: what a search found at the moment of submitting.
    pub(crate) found: Vec<Found>,
}

/// A hit of a search, as nobody but the log sees it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Found {
    pub(crate) cause: usize,
    pub(crate) relevance: f64,
    pub(crate) evidence: i64,
}

/// All of a run.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) outcomes: Vec<Outcome>,
    /// What the system itself says of it.
    pub(crate) hit_rate: MemoryHitRate,
}

/// A mission as it is submitted.
struct Drawn {
    cause: usize,
    telling: Telling,
    specialization: usize,
    region: usize,
}

/// Every third pool goes without memory, in each region others.
fn is_without(region: usize, specialization: usize) -> bool {
    (region + specialization).is_multiple_of(3)
}

pub(crate) async fn run(args: &Args, causes: &[Cause], shuffled: bool) -> anyhow::Result<Told> {
    let mut random = StdRng::seed_from_u64(args.seed);
    let drawn: Vec<Drawn> = (0..args.missions).map(|_| draw(causes, &mut random)).collect();
    let tasks = drawn
        .iter()
        .map(|one| Task {
            cause: one.cause,
            solution: causes[one.cause].solution.clone(),
            work: Duration::from_millis(args.work_ms).mul_f64(random.random_range(0.5..1.5)),
        })
        .collect();
    let (url, mut worked) = serve(tasks, shuffled, args.seed).await?;
    let database = fresh_database(&args.database_url).await?;
    let world = World::start(spec(args, database, &url)).await?;
    world.wait_for_slots(REGIONS.len() * SPECIALIZATIONS).await?;
    let clients = world.regions().iter().map(|region| world.client(region)).collect::<Result<Vec<_>, _>>()?;

    let mut submitted: Vec<Instant> = Vec::with_capacity(drawn.len());
    let mut ended: HashMap<usize, Worked> = HashMap::new();
    let mut missions: Vec<Uuid> = Vec::with_capacity(drawn.len());
    let mut searched: Vec<Vec<MemoryView>> = Vec::new();
    for (number, one) in drawn.iter().enumerate() {
        while submitted.len() - ended.len() >= UNDER_WAY {
            take(&mut worked, &mut ended).await?;
        }
        if args.log.is_some() {
            searched.push(clients[one.region].memory_search(&search(one)).await?.hits);
        }
        submitted.push(Instant::now());
        missions.push(clients[one.region].submit(mission(number, one)).await?.id.0);
        progress(shuffled, ended.len(), drawn.len());
    }
    while ended.len() < drawn.len() {
        take(&mut worked, &mut ended).await?;
        progress(shuffled, ended.len(), drawn.len());
    }
    for &id in &missions {
        let is_over = async || {
            let view = clients[0].mission(topology::MissionId(id)).await;
            view.is_ok_and(|view| view.state == MissionState::Succeeded)
        };
        anyhow::ensure!(chaos::wait::wait_until(PATIENCE, is_over).await, "mission {id} does not succeed");
    }
    let hit_rate = clients[0].memory_hit_rate(1).await?;
    let mut outcomes = outcomes(&drawn, &submitted, &ended)?;
    let causes: HashMap<Uuid, usize> = missions.iter().zip(&drawn).map(|(id, one)| (*id, one.cause)).collect();
    for (outcome, hits) in outcomes.iter_mut().zip(searched) {
        outcome.found = hits.iter().map(|hit| found(hit, &causes)).collect();
    }
    Ok(Told { outcomes, hit_rate })
}

fn search(drawn: &Drawn) -> MemorySearch {
    MemorySearch {
        title: drawn.telling.title.clone(),
        description: drawn.telling.description.clone(),
        scope: MemoryScope::Everyone,
        region: None,
        mission: None,
        pool: None,
        success: None,
        limit: None,
    }
}

fn found(hit: &MemoryView, causes: &HashMap<Uuid, usize>) -> Found {
    let relevance = hit.why.as_ref().and_then(|why| why["relevance"]["value"].as_f64());
    Found { cause: causes[&hit.id], relevance: relevance.unwrap_or_default(), evidence: hit.evidence }
}

fn draw(causes: &[Cause], random: &mut StdRng) -> Drawn {
    let cause = random.random_range(0..causes.len());
    let tellings = &causes[cause].tellings;
    Drawn {
        cause,
        telling: tellings[random.random_range(0..tellings.len())].clone(),
        specialization: random.random_range(0..SPECIALIZATIONS),
        region: random.random_range(0..REGIONS.len()),
    }
}

fn mission(number: usize, drawn: &Drawn) -> SubmitMission {
    let Telling { title, description } = &drawn.telling;
    let kind = specialization(drawn.specialization);
    // Its number says who submitted it, and nothing of the cause.
    let body = json!({
        "specialization": kind, "title": title, "payload": { "body": description, "number": number },
    });
    let mut mission: SubmitMission = serde_json::from_value(body).expect("a mission needs no more than this");
    let (.., latitude, longitude) = REGIONS[drawn.region];
    mission.origin = Some(Origin::At(Position::new(latitude, longitude).expect("it lies on the globe")));
    mission
}

async fn take(
    worked: &mut tokio::sync::mpsc::UnboundedReceiver<Worked>,
    ended: &mut HashMap<usize, Worked>,
) -> anyhow::Result<()> {
    let one = tokio::time::timeout(PATIENCE, worked.recv()).await.context("no mission ends any more")?;
    let one = one.context("the agent is gone")?;
    // A mission that moved is worked on twice; the first one taught.
    ended.entry(one.number).or_insert(one);
    Ok(())
}

fn outcomes(drawn: &[Drawn], submitted: &[Instant], ended: &HashMap<usize, Worked>) -> anyhow::Result<Vec<Outcome>> {
    (0..drawn.len())
        .map(|number| {
            let (one, worked) = (&drawn[number], ended[&number].clone());
            let before = |other: &usize| ended[other].ended < submitted[number];
            let mut same = (0..number).filter(|other| drawn[*other].cause == one.cause).filter(before).peekable();
            let is_repeat = same.peek().is_some();
            let in_known_words = same.any(|other| drawn[other].telling == one.telling);
            let region = REGIONS.iter().position(|region| region.0 == worked.region).context("an unknown region")?;
            let kind = (0..SPECIALIZATIONS).find(|kind| specialization(*kind) == worked.specialization);
            let with_memory = !is_without(region, kind.context("an unknown kind of agent")?);
            Ok(Outcome { cause: one.cause, worked, with_memory, is_repeat, in_known_words, found: Vec::new() })
        })
        .collect()
}

fn specialization(n: usize) -> String {
    format!("specialist-{n}")
}

fn spec(args: &Args, database: String, url: &str) -> Spec {
    let mut topology = String::from("regions:\n");
    let mut scheduler = vec!["--embeddings".to_owned(), args.embeddings.clone()];
    for (r, (name, cloud, ..)) in REGIONS.iter().enumerate() {
        let _ = write!(topology, "  - name: {name}\n    provider: AWS\n    region: {cloud}\n    agents:\n");
        let role = if r == 0 { "primary" } else { "replica" };
        for s in 0..SPECIALIZATIONS {
            let kind = specialization(s);
            let _ =
                writeln!(topology, "      - {{ specialization: {kind}, role: {role}, replicas: 1, slots: {SLOTS} }}");
            if is_without(r, s) {
                scheduler.extend(["--memory-holdout".to_owned(), format!("{name}/{kind}=1")]);
            }
        }
    }
    Spec {
        topology,
        regions: REGIONS.iter().map(|region| region.0.parse().expect("the names of this file are names")).collect(),
        database,
        runner: ["--runner", "http", "--worker-url", url].map(str::to_owned).into(),
        scheduler,
        ..Spec::default()
    }
}

/// An empty database in place of the last run's.
async fn fresh_database(url: &str) -> anyhow::Result<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")).await?;
    client.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await?;
    let (head, _) = url.rsplit_once('/').context("the URL names no database")?;
    Ok(format!("{head}/{DATABASE}"))
}

fn progress(shuffled: bool, done: usize, all: usize) {
    if done.is_multiple_of(50) {
        let what = if shuffled { "control" } else { "run" };
        let _ = write!(std::io::stderr(), "\r{what}: {done} of {all} missions");
        if done == all {
            let _ = writeln!(std::io::stderr());
        }
    }
}
