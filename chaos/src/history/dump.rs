//! The database's part of a history: its missions' rows and events, as they are at the end.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use scheduler_client::outcome_digest;
use scheduler_client::wire::MissionState;
use serde::de::value::{Error as Unknown, StrDeserializer};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use tokio_postgres::Client;
use topology::{Epoch, MissionId, SessionId};

use super::{EVENTS, Error, Event, ROWS, Row, key_of};

const MISSIONS: &str = "SELECT id, title, state, epoch, session_id, region, crdb_region::TEXT AS home, residency, reason, \
    priority, outcome, submitted_at, leased_at, finished_at, attempts, crashes, moves FROM missions";

const MISSION_EVENTS: &str =
    "SELECT mission_id, at, from_state, to_state, epoch, session_id, actor, reason, region FROM mission_events";

/// Writes `rows.jsonl` and `events.jsonl` of a folder, anew. A row at a time is in memory, whatever the database holds.
///
/// `residency` answers the regions where a rule lets missions run.
///
/// # Errors
/// [`Error`] where the database does not tell or a file cannot be written.
pub async fn dump(client: &Client, folder: &Path, residency: &dyn Fn(&str) -> Vec<String>) -> Result<(), Error> {
    export(client, MISSIONS, &folder.join(ROWS), |row| mission(row, residency)).await?;
    export(client, MISSION_EVENTS, &folder.join(EVENTS), event).await
}

async fn export<T: Serialize>(
    client: &Client,
    query: &str,
    path: &Path,
    line: impl Fn(&tokio_postgres::Row) -> Result<T, Error>,
) -> Result<(), Error> {
    let io = |source| Error::Io { path: PathBuf::from(path), source };
    let mut file = BufWriter::new(File::create(path).map_err(io)?);
    let none: [&str; 0] = [];
    let mut rows = pin!(client.query_raw(query, none).await.map_err(Error::Database)?);
    while let Some(row) = rows.try_next().await.map_err(Error::Database)? {
        let text = serde_json::to_vec(&line(&row)?).expect("the lines of a history are plain data");
        file.write_all(&text).and_then(|()| file.write_all(b"\n")).map_err(io)?;
    }
    file.flush().map_err(io)
}

fn mission(row: &tokio_postgres::Row, residency: &dyn Fn(&str) -> Vec<String>) -> Result<Row, Error> {
    let rule: Option<String> = row.get("residency");
    Ok(Row {
        mission: MissionId(row.get("id")),
        key: key_of(row.get("title")).map(str::to_owned),
        state: state(row.get("state"))?,
        epoch: Epoch(row.get("epoch")),
        session: row.get::<_, Option<_>>("session_id").map(SessionId),
        region: row.get("region"),
        home: row.get("home"),
        allowed: rule.as_deref().map(residency).unwrap_or_default(),
        residency: rule,
        reason: row.get("reason"),
        priority: row.get("priority"),
        outcome: row.get::<_, Option<Value>>("outcome").as_ref().map(outcome_digest),
        submitted_at_us: micros(row.get("submitted_at")),
        leased_at_us: row.get::<_, Option<_>>("leased_at").map(micros),
        finished_at_us: row.get::<_, Option<_>>("finished_at").map(micros),
        attempts: row.get("attempts"),
        crashes: row.get("crashes"),
        moves: row.get("moves"),
    })
}

fn event(row: &tokio_postgres::Row) -> Result<Event, Error> {
    Ok(Event {
        mission: MissionId(row.get("mission_id")),
        at_us: micros(row.get("at")),
        from: row.get::<_, Option<&str>>("from_state").map(state).transpose()?,
        to: state(row.get("to_state"))?,
        epoch: Epoch(row.get("epoch")),
        session: row.get::<_, Option<_>>("session_id").map(SessionId),
        actor: row.get("actor"),
        reason: row.get("reason"),
        region: row.get("region"),
    })
}

fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

fn state(text: &str) -> Result<MissionState, Error> {
    MissionState::deserialize(StrDeserializer::<Unknown>::new(text))
        .map_err(|_| Error::Value { what: "state", value: text.to_owned() })
}
