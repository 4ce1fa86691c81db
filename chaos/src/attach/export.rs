//! A drill's missions as the database ends with them, told by the schedulers: `rows.jsonl` and `events.jsonl`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use scheduler_client::wire::{ListMissions, Mission, MissionEvent, MissionState};
use scheduler_client::{Client, Error, outcome_digest};
use topology::MissionId;

use crate::history::{EVENTS, Event, ROWS, Record, Row, key_of};
use crate::local::shape::Shape;

/// Missions that are asked about at a time.
const AT_ONCE: usize = 16;

/// Writes both files; answers how many leases were moved. A promised mission that the schedulers do not know gets no row.
///
/// # Errors
/// Where not every part of the world tells, or a file cannot be written.
pub(super) async fn write(
    client: &Client,
    run: &str,
    promised: BTreeSet<MissionId>,
    shape: &Shape,
    history: &Path,
) -> anyhow::Result<u64> {
    let (rows, events) = (Record::open(&history.join(ROWS))?, Record::open(&history.join(EVENTS))?);
    let all = promised.into_iter().chain(list(client, run).await?).collect::<BTreeSet<_>>();
    let mut told = stream::iter(all).map(|id| whole(client, id)).buffer_unordered(AT_ONCE);
    let mut moved = 0;
    while let Some(mission) = told.try_next().await? {
        let Some(mission) = mission else { continue };
        rows.add(&row(&mission, shape))?;
        for told in mission.history.iter().flatten().filter(|told| is_stored(told)) {
            moved += u64::from(is_move(told));
            events.add(&event(mission.id, told))?;
        }
    }
    Ok(moved)
}

/// Every mission of the run, also those whose answer was lost.
async fn list(client: &Client, run: &str) -> anyhow::Result<Vec<MissionId>> {
    let mut query = ListMissions { drill: Some(run.to_owned()), limit: Some(500), ..ListMissions::default() };
    let mut all = Vec::new();
    loop {
        let page = client.missions(&query).await.context("the schedulers do not tell the drill's missions")?;
        anyhow::ensure!(page.degraded.is_empty(), "the missions of {} are not told", page.degraded.join(", "));
        all.extend(page.missions.iter().map(|mission| mission.id));
        query.after = page.next;
        if query.after.is_none() {
            return Ok(all);
        }
    }
}

/// A mission with its history; none where there is no such mission.
async fn whole(client: &Client, id: MissionId) -> anyhow::Result<Option<Mission>> {
    match client.mission(id).await {
        Ok(mission) => Ok(Some(mission)),
        Err(Error::Problem { problem, .. }) if problem.status == 404 => Ok(None),
        Err(error) => Err(error).with_context(|| format!("mission {id} is not told")),
    }
}

fn row(mission: &Mission, shape: &Shape) -> Row {
    let residency = mission.residency.as_ref().map(ToString::to_string);
    Row {
        mission: mission.id,
        key: key_of(&mission.title).map(str::to_owned),
        state: mission.state,
        epoch: mission.epoch,
        session: mission.session,
        region: mission.pool.as_ref().map(|pool| pool.region.to_string()),
        home: mission.home.clone(),
        allowed: residency.as_deref().map(|rule| shape.allowed(rule)).unwrap_or_default(),
        residency,
        reason: mission.reason.clone(),
        priority: mission.priority,
        outcome: mission.outcome.as_ref().map(outcome_digest),
        submitted_at_us: mission.submitted_at.timestamp_micros(),
        leased_at_us: mission.leased_at.map(|at| at.timestamp_micros()),
        finished_at_us: mission.finished_at.map(|at| at.timestamp_micros()),
        attempts: mission.attempts,
        crashes: mission.crashes,
        moves: mission.moves,
    }
}

fn event(mission: MissionId, told: &MissionEvent) -> Event {
    Event {
        mission,
        at_us: told.at.timestamp_micros(),
        from: told.from,
        to: told.to,
        epoch: told.epoch,
        session: told.session,
        actor: told.actor.clone(),
        reason: told.reason.clone(),
        region: told.pool.as_ref().map(|pool| pool.region.to_string()),
    }
}

/// Whether the database has it as an event: submits, grants and good ends are told from the mission's own times.
const fn is_stored(event: &MissionEvent) -> bool {
    let of_its_times = matches!(event.to, MissionState::Leased | MissionState::Succeeded);
    event.from.is_some() && !of_its_times
}

fn is_move(event: &MissionEvent) -> bool {
    event.from == Some(MissionState::Leased) && matches!(event.to, MissionState::Queued | MissionState::Pending)
}
