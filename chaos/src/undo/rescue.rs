//! Undoes what a run that has died left behind.

use std::path::Path;
use std::time::Duration;

use scheduler_client::{Limits, Pauses};

use super::log::{Error, Log};
use super::{Undo, UndoLine, carry_out, pending};

/// Tries of one undo.
const TRIES: u32 = 8;

/// How long the holder of a log may take to let go: the system has it let go when it dies.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rescued {
    /// Steps that were undone, in that order.
    pub undone: Vec<String>,
    /// Steps that could not be, each with the reason.
    pub left: Vec<(String, String)>,
}

/// Carries out what a log says is pending, the last step first, and writes down what is undone. A step that cannot be
/// undone keeps none of the others from it.
///
/// # Errors
/// Where the log cannot be had or written, or its holder lives.
pub async fn rescue(path: &Path, token: Option<&str>) -> Result<Rescued, Error> {
    rescue_within(path, token, TRIES, PATIENCE).await
}

pub(super) async fn rescue_within(
    path: &Path,
    token: Option<&str>,
    tries: u32,
    patience: Duration,
) -> Result<Rescued, Error> {
    let mut log = Log::take_over(path, patience).await?;
    let lines = log.lines()?;
    let mut rescued = Rescued::default();
    for (step, undo) in pending(&lines) {
        match undo_step(&undo, token, tries).await {
            Ok(()) => {
                log.append(&UndoLine::Undone { step: step.clone() })?;
                rescued.undone.push(step);
            }
            Err(why) => rescued.left.push((step, why)),
        }
    }
    if rescued.left.is_empty() && !lines.contains(&UndoLine::Over) {
        log.append(&UndoLine::Over)?;
    }
    Ok(rescued)
}

/// Every undo of a step, also where an earlier one fails.
async fn undo_step(undo: &[Undo], token: Option<&str>, tries: u32) -> Result<(), String> {
    let mut failures = Vec::new();
    for one in undo {
        if let Err(error) = persist(one, token, tries).await {
            failures.push(format!("{:#}", anyhow::Error::from(error)));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

async fn persist(undo: &Undo, token: Option<&str>, tries: u32) -> Result<(), super::carry::Error> {
    let limits = Limits { pause: Duration::from_millis(200), pause_max: Duration::from_secs(5), ..Limits::default() };
    let mut pauses = Pauses::new(&limits);
    let mut left = tries;
    loop {
        left -= 1;
        match carry_out(undo, token).await {
            Err(_) if left > 0 => tokio::time::sleep(pauses.next(None)).await,
            ended => return ended,
        }
    }
}
