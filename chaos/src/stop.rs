//! `chaos stop`: has drills broken off and undone, whoever runs them, and undoes itself what a dead one left.

use std::time::Duration;

use crate::registry::{self, Note, Registry};
use crate::undo;
use crate::wait::wait_until;

/// How a drill was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It broke off and undid by itself.
    ByItself,
    /// It was dead; what was pending was undone for it, if its guard had not done so.
    ForIt,
    /// It lives and has not ended in time.
    NotYet,
}

/// What came of one drill.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stopped {
    /// The run.
    pub run: String,
    /// The drill.
    pub drill: String,
    /// How it was stopped.
    pub how: How,
    /// All its steps that are undone, in that order.
    pub undone: Vec<String>,
    /// What is not, each with the reason.
    pub left: Vec<(String, String)>,
}

/// Why drills could not be stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such run.
    #[error("no drill with run {0} is going on")]
    NoRun(String),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

/// Writes the stop file, waits until the drills that it means have undone everything, and undoes what dead ones left.
/// `told` hears what is waited for.
///
/// # Errors
/// Where there is no such run, or the registry cannot be used. The stop file is written first of all.
pub async fn stop(
    registry: &Registry,
    run: Option<&str>,
    now: &str,
    patience: Duration,
    token: Option<&str>,
    mut told: impl FnMut(&str),
) -> Result<Vec<Stopped>, Error> {
    registry.stop(run, now)?;
    let notes = registry.notes()?.into_iter().filter(|note| run.is_none_or(|run| note.run == run));
    let mut stopped = Vec::new();
    for note in notes {
        told(&format!("run {} ({}) on {}: it has to undo what it did", note.run, note.drill, note.world));
        stopped.push(stop_one(registry, &note, patience, token, &mut told).await?);
    }
    match run {
        Some(run) if stopped.is_empty() => Err(Error::NoRun(run.to_owned())),
        Some(_) | None => Ok(stopped),
    }
}

async fn stop_one(
    registry: &Registry,
    note: &Note,
    patience: Duration,
    token: Option<&str>,
    told: &mut impl FnMut(&str),
) -> Result<Stopped, Error> {
    let mut known = 0;
    let ended = wait_until(patience, async || {
        let undone = undone(note);
        undone.iter().skip(known).for_each(|step| told(&format!("{step}: undone")));
        known = undone.len();
        !note.is_alive() || !note_is_there(registry, note)
    })
    .await;
    let (how, left) = if !ended {
        (How::NotYet, vec![(note.drill.clone(), format!("process {} has not ended in time", note.pid))])
    } else if note_is_there(registry, note) {
        (How::ForIt, finish(registry, note, token).await?)
    } else {
        (How::ByItself, Vec::new())
    };
    Ok(Stopped { run: note.run.clone(), drill: note.drill.clone(), how, undone: undone(note), left })
}

/// The steps that are undone; none where the drill has no log yet.
fn undone(note: &Note) -> Vec<String> {
    undo::log::lines(&note.log()).map(|lines| undo::undone(&lines)).unwrap_or_default()
}

fn note_is_there(registry: &Registry, note: &Note) -> bool {
    registry.notes().is_ok_and(|notes| notes.contains(note))
}

/// Undoes what a dead drill left; answers what could not be.
async fn finish(registry: &Registry, note: &Note, token: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    if !note.log().exists() {
        // It died before it began anything.
        registry.forget(note)?;
        return Ok(Vec::new());
    }
    match undo::rescue(&note.log(), token).await {
        Ok(rescued) => {
            if rescued.left.is_empty() {
                registry.forget(note)?;
            }
            Ok(rescued.left)
        }
        Err(error) => Ok(vec![(note.drill.clone(), format!("{:#}", anyhow::Error::from(error)))]),
    }
}
