//! The bugs, which one is planted, and what they need that would not be written otherwise.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use sql::{Batched, Db, Statement};
use topology::DatabaseRegion;

use crate::store::mission::{NewMission, StoredMission, mission_submit};

/// Names the bug.
pub const VARIABLE: &str = "MERIDIAN_PLANTED_BUG";

/// A bug that breaks one promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// About one submit in fifty is answered 2xx and stored nowhere (P1).
    DropAcknowledgement,
    /// A completion is accepted without looking at state, epoch and session (P2).
    CompleteWithoutEpochCheck,
    /// A leased mission that the loops place again keeps its epoch (P2).
    MoveWithoutRaisingEpoch,
    /// A mission that the loops place again may go anywhere (P4).
    ForgetResidency,
    /// A lease that heartbeats do not name stays where it is (P5).
    IgnoreUnnamedLease,
    /// A completion is accepted and its outcome dropped (P1).
    LoseOutcome,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DropAcknowledgement,
        Self::CompleteWithoutEpochCheck,
        Self::MoveWithoutRaisingEpoch,
        Self::ForgetResidency,
        Self::IgnoreUnnamedLease,
        Self::LoseOutcome,
    ];

    /// Its name, as drills write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DropAcknowledgement => "drop_acknowledgement",
            Self::CompleteWithoutEpochCheck => "complete_without_epoch_check",
            Self::MoveWithoutRaisingEpoch => "move_without_raising_epoch",
            Self::ForgetResidency => "forget_residency",
            Self::IgnoreUnnamedLease => "ignore_unnamed_lease",
            Self::LoseOutcome => "lose_outcome",
        }
    }
}

/// The variable names no bug.
#[derive(Debug, thiserror::Error)]
#[error("{VARIABLE} must name one of {}", Bug::ALL.map(Bug::as_str).join(", "))]
pub struct NoSuchBug;

static PLANTED: OnceLock<Bug> = OnceLock::new();

/// Plants the bug of this name for the rest of the process; a second call changes nothing.
///
/// # Errors
/// Where no bug has the name.
pub fn plant(name: &str) -> Result<Bug, NoSuchBug> {
    let bug = Bug::ALL.into_iter().find(|bug| bug.as_str() == name).ok_or(NoSuchBug)?;
    Ok(*PLANTED.get_or_init(|| bug))
}

/// Whether a bug is planted.
pub(crate) fn is(bug: Bug) -> bool {
    here() == Some(bug)
}

#[cfg(not(test))]
fn here() -> Option<Bug> {
    PLANTED.get().copied()
}

#[cfg(test)]
thread_local! {
    /// The bug of one test, which runs on one thread: others of the process run beside it without one.
    static HERE: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
fn here() -> Option<Bug> {
    HERE.get()
}

/// Plants a bug, or none, in the test that runs on this thread.
#[cfg(test)]
pub(crate) fn plant_here(bug: Option<Bug>) {
    HERE.set(bug);
}

/// The program's version as it tells it: nobody shall take a broken one for a whole one.
#[must_use]
pub fn version() -> &'static str {
    static TOLD: OnceLock<String> = OnceLock::new();
    let own = env!("CARGO_PKG_VERSION");
    here().map_or(own, |bug| TOLD.get_or_init(|| format!("{own} (BROKEN ON PURPOSE: {})", bug.as_str())))
}

/// Says in the log which bug is planted.
pub(crate) fn warn() {
    if let Some(bug) = here() {
        tracing::warn!(bug = bug.as_str(), "THIS SCHEDULER IS BROKEN ON PURPOSE, to be found by a drill");
    }
}

/// As [`mission_submit`], but about one mission in fifty is only said to be stored.
pub(crate) async fn mission_submit_most(
    db: &Db,
    home: &DatabaseRegion,
    placed_by: &str,
    counted: bool,
    batch: &[&NewMission],
) -> Result<Vec<StoredMission>, sql::Error> {
    // Ids are random.
    let (dropped, kept): (Vec<&NewMission>, Vec<_>) = batch.iter().partition(|one| one.id.0.as_u64_pair().1 % 50 == 0);
    let mut stored = mission_submit(db, home, placed_by, counted, &kept).await?;
    let now = db.clock().await?;
    let placed_at = |one: &NewMission| one.region.is_some().then_some(now);
    stored.extend(dropped.iter().map(|one| StoredMission { id: one.id, submitted_at: now, placed_at: placed_at(one) }));
    Ok(stored)
}

/// What keeps completions apart from those who do not hold the lease, as `mission_complete` writes it.
const FENCE: &str =
    "\n  AND m.state || '' = 'leased' AND m.epoch = w.epoch AND m.session_id IS NOT DISTINCT FROM w.session_id";

/// `mission_complete` without its fence; what it returns is named as it was asked for. Made of the real text, so that it
/// stays the same statement but for the bug.
pub(crate) fn unfenced(complete: &Batched) -> &'static Batched {
    static UNFENCED: Mutex<BTreeMap<&'static str, &'static Batched>> = Mutex::new(BTreeMap::new());
    UNFENCED.lock().unwrap_or_else(PoisonError::into_inner).entry(complete.few.name).or_insert_with(|| {
        let text = replaced(complete.few.text, FENCE, "");
        let text = replaced(&text, "RETURNING m.id, m.epoch, m.session_id", "RETURNING m.id, w.epoch, w.session_id");
        Box::leak(Box::new(Batched::new(Statement { text: text.leak(), ..complete.few })))
    })
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the statement has changed, and the bug is to be planted anew: {text}");
    text.replace(from, to)
}
