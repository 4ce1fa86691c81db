//! `topology explain`: the placement of a mission with every region up and every pool idle.

use std::path::Path;
use std::sync::Arc;

use scheduler_core::health::{RAMP_FULL, RegionHealth, Verb};
use scheduler_core::placement::{
    Placement, PoolLoad, RegionStanding, Request, ResolvedOrigin, Row, Snapshot, Verdict, World, place, rows,
};
use serde::Serialize;
use topology::catalogue::{country_position, nearest};
use topology::config::Engine;
use topology::{Position, RegionName, Topology};

use super::file;
use crate::cli::Explain;
use crate::exit::{Exit, Stop};
use crate::output::{Output, table};

/// The answer for programs.
#[derive(Debug, Serialize)]
struct Explained {
    chosen: Option<String>,
    unplaceable: Option<&'static str>,
    table: Vec<Row>,
}

pub(super) fn run(args: &Explain, output: &mut Output) -> anyhow::Result<Exit> {
    let topology = match file::load(&args.file, Engine::default(), output)? {
        Ok(parsed) => parsed.topology,
        Err(exit) => return Ok(exit),
    };
    known(args, &topology)?;
    let origin = origin(args, &topology)?;
    let placement = decide(args, &topology, origin);
    let answer = Explained {
        chosen: placement.chosen.as_ref().map(|choice| choice.pool.to_string()),
        unplaceable: placement.unplaceable.map(|reason| reason.as_str()),
        table: rows(&placement),
    };
    output.result(&answer, || told(&answer))?;
    Ok(if answer.chosen.is_some() { Exit::Ok } else { Exit::Finding })
}

/// Refuses names that the topology does not have.
fn known(args: &Explain, topology: &Topology) -> anyhow::Result<()> {
    let specializations = topology.specializations();
    if !specializations.contains(&&args.specialization) {
        let names = specializations.iter().map(|name| name.as_str());
        return Err(unknown("specialization", args.specialization.as_str(), names));
    }
    if let Some(residency) = args.residency.as_ref().filter(|name| !topology.residency.contains_key(*name)) {
        return Err(unknown("residency", residency.as_str(), topology.residency.keys().map(|name| name.as_str())));
    }
    match args.down.iter().find(|name| topology.region(name).is_none()) {
        Some(name) => Err(unknown("region", name.as_str(), topology.regions.iter().map(|region| region.name.as_str()))),
        None => Ok(()),
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> anyhow::Error {
    let near = nearest(name, known.clone());
    let hint = if near.is_empty() {
        format!("it has {}", known.collect::<Vec<_>>().join(", "))
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Stop::finding(format!("the topology has no {what} `{name}`: {hint}"))
}

/// Looks up where a mission comes from.
fn origin(args: &Explain, topology: &Topology) -> anyhow::Result<ResolvedOrigin> {
    let from = args.from.trim();
    if let Some(place) = coordinates(from) {
        let place = place.map_err(|error| Stop::usage(format!("--from {from}: {error}")))?;
        return Ok(ResolvedOrigin::at(place));
    }
    if let Some(place) = city(args.world.as_deref(), from)? {
        return Ok(ResolvedOrigin::at(place));
    }
    if let Some(place) = country_position(from) {
        return Ok(ResolvedOrigin::at(place));
    }
    if let Some(region) = from.parse::<RegionName>().ok().filter(|name| topology.region(name).is_some()) {
        return Ok(ResolvedOrigin::Region(region));
    }
    let hint = if args.world.is_some() { "" } else { "; city ids need --world world_state.json" };
    let message = format!("--from {from:?} is no `lat,lng`, no country code, no region of the file and no city{hint}");
    Err(Stop::usage(message))
}

/// The place of a text such as `48.85,2.35`; none for a text of another form.
fn coordinates(text: &str) -> Option<Result<Position, topology::geo::OffTheGlobe>> {
    let (lat, lng) = text.split_once(',')?;
    Some(Position::new(lat.trim().parse().ok()?, lng.trim().parse().ok()?))
}

fn city(world: Option<&Path>, id: &str) -> anyhow::Result<Option<Position>> {
    let Some(path) = world else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))?;
    let world = topology::world::World::read(&text, None)
        .map_err(|error| Stop::finding(format!("{}: {error}", path.display())))?;
    if let Some(city) = world.city(id) {
        return Ok(Some(city.position));
    }
    let near = nearest(id, world.cities.iter().map(|city| &*city.id));
    match near.first() {
        Some(near) => Err(Stop::usage(format!("the world has no city {id:?}: did you mean {near:?}?"))),
        None => Ok(None),
    }
}

/// Places one mission while every pool has all its agents and nothing to do.
fn decide(args: &Explain, topology: &Topology, origin: ResolvedOrigin) -> Placement {
    let mut snapshot = Snapshot::new(Arc::new(World::new(topology, &topology.latency)));
    for region in &topology.regions {
        let health = if args.down.contains(&region.name) { RegionHealth::Down } else { RegionHealth::Up };
        snapshot.set_region(&region.name, RegionStanding { verb: Verb::None, health, ramp_permille: RAMP_FULL });
    }
    for pool in &topology.pools {
        let slots = i64::try_from(pool.wished_slots()).unwrap_or(i64::MAX);
        let sessions = i64::from(pool.replicas);
        let load = PoolLoad { sessions, slots, live: slots > 0, ..PoolLoad::default() };
        snapshot.set_load(&pool.id, load);
    }
    let request = Request {
        specialization: args.specialization.clone(),
        residency: args.residency.clone(),
        origin,
        nonce: args.nonce,
        dark: false,
    };
    place(&request, &snapshot)
}

fn told(answer: &Explained) -> String {
    let lines = answer.table.iter().map(|row| {
        let verdict = match row.verdict {
            Verdict::Chosen => "chosen",
            Verdict::Alternative => "alternative",
            Verdict::Rejected => "rejected",
        };
        let mut line = vec![verdict.to_owned(), row.pool.region.to_string()];
        match (&row.figures, row.reason) {
            (Some(figures), _) => line.extend([
                figures.role.to_string(),
                figures.group.to_string(),
                millis(figures.rtt_us),
                millis(figures.wait_us),
                millis(figures.penalty_us),
                millis(figures.expected_us),
                format!("{}/{}", figures.free, figures.slots),
            ]),
            (None, reason) => {
                line.extend(vec![String::new(); 7]);
                line.push(reason.map_or_else(String::new, |reason| reason.as_str().to_owned()));
            }
        }
        line
    });
    let header =
        ["VERDICT", "REGION", "ROLE", "GROUP", "RTT ms", "WAIT ms", "PENALTY ms", "EXPECTED ms", "FREE", "REASON"];
    let end = match (&answer.chosen, answer.unplaceable) {
        (Some(pool), _) => format!("goes to {pool}"),
        (None, reason) => format!("waits as pending: {}", reason.unwrap_or("nothing may take it")),
    };
    format!("{}\n\n{end}, with every region up that is not said to be down and every pool idle", table(&header, lines))
}

fn millis(us: u64) -> String {
    format!("{}.{}", us / 1000, us % 1000 / 100)
}
