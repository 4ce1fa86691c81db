//! Submits missions from many places at once, and writes down every 2xx answer.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use scheduler_client::Client;
use scheduler_client::wire::SubmitMission;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::judge::Acknowledged;

/// An append-only file of one JSON object a line, each written by one call.
#[derive(Debug)]
pub struct Record(Mutex<File>);

impl Record {
    /// Opens a record, making it where it is not there.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self(Mutex::new(file.with_context(|| format!("could not open {}", path.display()))?)))
    }

    /// Appends one entry.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add(&self, entry: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.0.lock().expect("no holder of this lock panics").write_all(&line)?;
        Ok(())
    }
}

/// How the submits went.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// 2xx answers, each of them in the record.
    pub acknowledged: usize,
    /// Submits that were refused or never answered.
    pub failed: usize,
    /// Why the first of them failed.
    pub first_failure: Option<String>,
}

/// Microseconds since the Unix epoch.
#[must_use]
pub fn now_us() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

/// How fast missions are submitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The next one when fewer than so many wait for their answer.
    AtOnce(usize),
    /// So many a second, however long the answers take.
    PerSecond(f64),
}

impl Pace {
    /// Answers waited for at a time, and the time between two submits.
    fn limits(self) -> (usize, Duration) {
        match self {
            Self::AtOnce(most) => (most, Duration::from_nanos(1)),
            Self::PerSecond(rate) => (Semaphore::MAX_PERMITS, Duration::from_secs_f64(1.0 / rate)),
        }
    }
}

/// Submits every mission by the clients in turn, and records each mission that was acknowledged.
///
/// # Errors
/// Where the record cannot be written.
pub async fn submit(
    clients: &[Client],
    missions: Vec<SubmitMission>,
    pace: Pace,
    record: Arc<Record>,
) -> anyhow::Result<Submitted> {
    let (at_once, between) = pace.limits();
    let room = Arc::new(Semaphore::new(at_once));
    let mut due = tokio::time::interval(between);
    let mut running: JoinSet<anyhow::Result<Option<String>>> = JoinSet::new();
    for (mission, client) in missions.into_iter().zip(clients.iter().cycle()) {
        due.tick().await;
        let permit = room.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (client, record) = (client.clone(), record.clone());
        running.spawn(async move {
            let answer = client.submit(mission).await;
            drop(permit);
            match answer {
                Ok(mission) => record.add(&Acknowledged { mission: mission.id, at_us: now_us() }).map(|()| None),
                Err(error) => Ok(Some(format!("{error:?}"))),
            }
        });
    }
    let mut submitted = Submitted::default();
    while let Some(one) = running.join_next().await {
        match one.expect("a submit does not panic")? {
            None => submitted.acknowledged += 1,
            Some(failure) => {
                submitted.failed += 1;
                submitted.first_failure.get_or_insert(failure);
            }
        }
    }
    Ok(submitted)
}
