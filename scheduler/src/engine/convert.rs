//! Rows to wire types. Pure.

use chrono::{DateTime, Utc};
use scheduler_client::wire;
use scheduler_core::lifecycle::MissionState;
use scheduler_core::placement::{Row, Stored, Verdict, rows};
use serde_json::Value;
use topology::{PoolId, Position, ResidencyName, Specialization, Topology};

use crate::store::event::EventRow;
use crate::store::mission::MissionRow;

pub(crate) const fn state(state: MissionState) -> wire::MissionState {
    match state {
        MissionState::Pending => wire::MissionState::Pending,
        MissionState::Queued => wire::MissionState::Queued,
        MissionState::Leased => wire::MissionState::Leased,
        MissionState::Succeeded => wire::MissionState::Succeeded,
        MissionState::Failed => wire::MissionState::Failed,
        MissionState::Cancelled => wire::MissionState::Cancelled,
    }
}

pub(crate) const fn stored_state(state: wire::MissionState) -> MissionState {
    match state {
        wire::MissionState::Pending => MissionState::Pending,
        wire::MissionState::Queued => MissionState::Queued,
        wire::MissionState::Leased => MissionState::Leased,
        wire::MissionState::Succeeded => MissionState::Succeeded,
        wire::MissionState::Failed => MissionState::Failed,
        wire::MissionState::Cancelled => MissionState::Cancelled,
    }
}

/// A pool from its columns.
pub(crate) fn pool(region: Option<&str>, specialization: &str) -> Option<PoolId> {
    Some(PoolId { region: region?.parse().ok()?, specialization: specialization.parse().ok()? })
}

/// Stored JSON; what cannot be read any more is shown as null rather than hiding the mission.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// A mission without payload and history.
pub(crate) fn mission(row: &MissionRow) -> wire::Mission {
    let nowhere = || wire::Origin::At(Position::new(0.0, 0.0).expect("the origin of the map is on the globe"));
    wire::Mission {
        id: row.id,
        state: state(row.state),
        reason: row.reason.clone(),
        specialization: row.specialization.parse().expect("specializations were checked when stored"),
        title: row.title.clone(),
        submitter: row.submitter.clone(),
        origin: serde_json::from_str(&row.origin).unwrap_or_else(|_| nowhere()),
        residency: row.residency.as_deref().and_then(|name| name.parse().ok()),
        priority: row.priority,
        drill: row.drill.clone(),
        pool: pool(row.region.as_deref(), &row.specialization),
        home: row.home.clone(),
        epoch: row.epoch,
        attempts: row.attempts,
        crashes: row.crashes,
        moves: row.moves,
        session: row.session,
        progress: row.progress.as_deref().map(json),
        outcome: row.outcome.as_deref().map(json),
        submitted_at: row.submitted_at,
        placed_at: row.placed_at,
        leased_at: row.leased_at,
        finished_at: row.finished_at,
        payload: None,
        history: None,
    }
}

/// A mission with payload and history.
pub(crate) fn whole_mission(row: &MissionRow, events: &[EventRow]) -> wire::Mission {
    let mut whole = mission(row);
    whole.payload = Some(json(&row.payload));
    whole.history = Some(history(row, events));
    whole
}

/// The stored outcome.
pub(crate) fn outcome(row: &MissionRow) -> Option<Value> {
    row.outcome.as_deref().map(json)
}

/// The stored placement, as a table, with how far its residency rule reaches now (P4).
pub(crate) fn placement(row: &MissionRow, topology: &Topology) -> wire::PlacementAnswer {
    let residency: Option<ResidencyName> = row.residency.as_deref().and_then(|name| name.parse().ok());
    let rule = residency.as_ref().and_then(|name| topology.residency.get(name));
    let stored: Option<Stored> = row.placement.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let specialization: Option<Specialization> = row.specialization.parse().ok();
    let placement = stored.as_ref().zip(specialization.as_ref()).map(|(stored, kind)| stored.placement(kind));
    wire::PlacementAnswer {
        mission: row.id,
        state: state(row.state),
        pool: pool(row.region.as_deref(), &row.specialization),
        reason: row.reason.clone(),
        placed_at: row.placed_at,
        strength: rule.map(|rule| rule.strength.to_string()),
        residency,
        unmet: placement.as_ref().and_then(|placement| placement.unmet.clone()),
        pools: placement.iter().flat_map(rows).map(weighed).collect(),
        omitted: stored.map_or(0, |stored| stored.omitted() as u64),
    }
}

fn weighed(row: Row) -> wire::PlacementRow {
    let verdict = match row.verdict {
        Verdict::Chosen => "chosen",
        Verdict::Alternative => "alternative",
        Verdict::Rejected => "rejected",
    };
    let figures = row.figures.map(|figures| wire::PlacementFigures {
        role: figures.role,
        group: figures.group,
        saturated: figures.saturated,
        rtt_us: figures.rtt_us,
        wait_us: figures.wait_us,
        penalty_us: figures.penalty_us,
        expected_us: figures.expected_us,
        free: figures.free,
        slots: figures.slots,
    });
    let reason = row.reason.map(|reason| reason.as_str().to_owned());
    wire::PlacementRow { pool: row.pool, verdict: verdict.to_owned(), reason, figures }
}

/// What happened to a mission, oldest first: its events, and what its own times tell.
fn history(row: &MissionRow, events: &[EventRow]) -> Vec<wire::MissionEvent> {
    let mut all: Vec<_> = events.iter().filter_map(|event| event_of(row, event)).collect();
    let told = |at: Option<DateTime<Utc>>, to: MissionState| {
        at.filter(|at| !all.iter().any(|event| event.at == *at && event.to == state(to)))
    };
    let pool = pool(row.region.as_deref(), &row.specialization);
    let base = wire::MissionEvent {
        at: row.submitted_at,
        from: None,
        to: if row.placed_at.is_some() { wire::MissionState::Queued } else { wire::MissionState::Pending },
        epoch: topology::Epoch::INITIAL,
        session: None,
        actor: format!("submitter:{}", row.submitter),
        reason: None,
        pool: None,
    };
    let mut own = Vec::new();
    if let Some(at) = told(row.leased_at, MissionState::Leased) {
        let actor = row.leased_by.clone().unwrap_or_default();
        let from = Some(wire::MissionState::Queued);
        let (session, pool) = (row.session, pool.clone());
        own.push(wire::MissionEvent {
            at,
            from,
            to: wire::MissionState::Leased,
            epoch: row.epoch,
            session,
            actor,
            pool,
            ..base.clone()
        });
    }
    if let Some(at) = told(row.finished_at, row.state) {
        let actor = row.finished_by.clone().unwrap_or_default();
        let (session, reason) = (row.session, row.reason.clone());
        let to = state(row.state);
        let from = Some(wire::MissionState::Leased);
        own.push(wire::MissionEvent { at, from, to, epoch: row.epoch, session, actor, reason, pool });
    }
    all.push(base);
    all.extend(own);
    all.sort_by_key(|event| (event.at, event.epoch, event.from.is_some()));
    all
}

fn event_of(row: &MissionRow, event: &EventRow) -> Option<wire::MissionEvent> {
    let read = |text: &str| text.parse().ok().map(state);
    Some(wire::MissionEvent {
        at: event.at,
        from: event.from_state.as_deref().and_then(read),
        to: read(&event.to_state)?,
        epoch: event.epoch,
        session: event.session,
        actor: event.actor.clone(),
        reason: event.reason.clone(),
        pool: pool(event.region.as_deref(), &row.specialization),
    })
}
