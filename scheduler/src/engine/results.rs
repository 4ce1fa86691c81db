//! What agents say of their leases: complete, fail, release, progress. Each is fenced in its statement; why one changed
//! nothing is then told by the pure lifecycle from the mission's row.

mod batches;

use scheduler_client::wire;
use scheduler_core::lifecycle::{self, Command, Proof, Step};
use topology::{DatabaseRegion, Epoch, MissionId};

pub(crate) use self::batches::{Completes, Fails, Parts, Progresses, Releases};
use super::{Engine, check, convert, digest};
use crate::refusal::{Fault, Refusal};
use crate::store::mission::{CompletionRow, FailureRow, LeaseKey, MissionRow, ReleaseRow};

/// Most bytes of an outcome.
const OUTCOME: usize = 1 << 20;
/// Most bytes of a failure's detail.
const DETAIL: usize = 64 << 10;
/// Most bytes of progress.
const PROGRESS: usize = 16 << 10;
/// Tries of one call: each but the first follows a mission that moved between two statements.
const TRIES: usize = 3;

/// Why a fenced statement changed nothing, where that is no refusal.
enum Unchanged {
    /// The same session brought the same result before.
    Repeated(Box<MissionRow>),
    /// It could change now, in this home.
    Again(DatabaseRegion),
}

impl Engine {
    /// Ends a mission with its outcome. The same call again is answered the same.
    pub async fn complete(&self, mission: MissionId, body: wire::Complete) -> Result<wire::LeaseAnswer, Refusal> {
        let outcome = check::json("/outcome", &body.outcome, OUTCOME)?;
        let key = key_of(mission, &body.lease);
        let digest = digest::digest(&[&outcome]);
        let mut home = self.home_of(&body.lease)?;
        for _ in 0..TRIES {
            let row = CompletionRow { key, outcome: outcome.clone(), digest: digest.clone() };
            if self.0.completes.push(&home, row).await?.is_some() {
                let state = wire::MissionState::Succeeded;
                return Ok(wire::LeaseAnswer { state, epoch: key.epoch, outcome: Some(body.outcome) });
            }
            let command = Command::Complete(Proof { session: key.session, epoch: key.epoch, digest: &digest });
            match self.unchanged(key, &home, &command).await? {
                Unchanged::Repeated(row) => return Ok(stored(&row)),
                Unchanged::Again(at) => home = at,
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Charges an attempt: back to the queue with a pause, or failed for good.
    pub async fn fail(&self, mission: MissionId, body: wire::Fail) -> Result<wire::LeaseAnswer, Refusal> {
        check::code("/reason", &body.reason)?;
        let detail = check::json("/detail", &body.detail, DETAIL)?;
        let key = key_of(mission, &body.lease);
        let digest = digest::digest(&[&body.reason, &detail]);
        let mut home = self.home_of(&body.lease)?;
        for _ in 0..TRIES {
            let (reason, last) = (body.reason.clone(), !body.retryable);
            let row = FailureRow { key, reason, detail: detail.clone(), digest: digest.clone(), last };
            if let Some(failed) = self.0.fails.push(&home, row).await? {
                let ended = failed.state.is_finished();
                let outcome = ended.then(|| body.detail.clone());
                return Ok(wire::LeaseAnswer { state: convert::state(failed.state), epoch: failed.epoch, outcome });
            }
            let proof = Proof { session: key.session, epoch: key.epoch, digest: &digest };
            let command = Command::Fail { proof, retryable: body.retryable };
            match self.unchanged(key, &home, &command).await? {
                Unchanged::Repeated(row) => return Ok(stored(&row)),
                Unchanged::Again(at) => home = at,
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Hands a lease back, nothing is charged.
    pub async fn release(&self, mission: MissionId, body: wire::Release) -> Result<wire::LeaseAnswer, Refusal> {
        check::code("/reason", &body.reason)?;
        let key = key_of(mission, &body.lease);
        let mut home = self.home_of(&body.lease)?;
        for _ in 0..TRIES {
            let actor = format!("session:{}", key.session);
            let row = ReleaseRow { key, reason: body.reason.clone(), actor, unnamed_by: None };
            if let Some(released) = self.0.releases.push(&home, row).await? {
                return Ok(queued(released.epoch));
            }
            match self.unchanged(key, &home, &released_by(key)).await? {
                Unchanged::Repeated(row) => return Ok(stored(&row)),
                Unchanged::Again(at) => home = at,
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Stores what the agent says of a mission.
    pub async fn progress(&self, mission: MissionId, body: wire::Progress) -> Result<wire::LeaseAnswer, Refusal> {
        let progress = check::json("/progress", &body.progress, PROGRESS)?;
        let key = key_of(mission, &body.lease);
        let mut home = self.home_of(&body.lease)?;
        for _ in 0..TRIES {
            if self.0.progresses.push(&home, (key, progress.clone())).await?.is_some() {
                let state = wire::MissionState::Leased;
                return Ok(wire::LeaseAnswer { state, epoch: key.epoch, outcome: None });
            }
            // Who may hand it back may speak of it.
            match self.unchanged(key, &home, &released_by(key)).await? {
                Unchanged::Repeated(row) => return Ok(stored(&row)),
                Unchanged::Again(at) => home = at,
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Why a fenced statement changed nothing in `home`.
    async fn unchanged(
        &self,
        key: LeaseKey,
        home: &DatabaseRegion,
        command: &Command<'_>,
    ) -> Result<Unchanged, Refusal> {
        // On the connections of results: whoever repeats a completion never waits for submits.
        let row = self.find_on(&self.0.lease, key.mission, Some(home)).await?;
        // No command of an agent compares times, so the moment does not matter.
        match lifecycle::apply(&row.facts(), command, row.submitted_at) {
            Ok(Step::Repeated) => Ok(Unchanged::Repeated(Box::new(row))),
            Ok(Step::Change(_)) => Ok(Unchanged::Again(row.home.parse().map_err(|_| Refusal::Internal)?)),
            Err(refusal) => {
                metrics::counter!("scheduler_fenced_writes_total", "code" => refusal.as_str()).increment(1);
                Err(refused(refusal, &row))
            }
        }
    }

    /// The home that a lease names, if the topology has such a database region.
    fn home_of(&self, lease: &wire::LeaseProof) -> Result<DatabaseRegion, Refusal> {
        let known = self.homes();
        known.into_iter().find(|home| home.as_str() == lease.home).ok_or_else(|| {
            Refusal::invalid(Fault::UnknownHome, "/home", "the topology has no database region of this name")
        })
    }
}

/// A refusal of the pure lifecycle with what the row tells.
pub(crate) fn refused(refusal: lifecycle::Refusal, row: &MissionRow) -> Refusal {
    match refusal {
        lifecycle::Refusal::LeaseLost { state, epoch } => Refusal::LeaseLost { state: convert::state(state), epoch },
        lifecycle::Refusal::MissionCancelled => Refusal::MissionCancelled { epoch: row.epoch },
        lifecycle::Refusal::MissionFinished { state } => {
            let outcome = convert::outcome(row);
            Refusal::MissionFinished { state: convert::state(state), epoch: row.epoch, outcome }
        }
        lifecycle::Refusal::WrongState { state } => Refusal::MissionOpen { state: convert::state(state) },
        lifecycle::Refusal::NotYet | lifecycle::Refusal::NotAlone => Refusal::Internal,
    }
}

const fn key_of(mission: MissionId, lease: &wire::LeaseProof) -> LeaseKey {
    LeaseKey { mission, epoch: lease.epoch, session: lease.session }
}

const fn released_by(key: LeaseKey) -> Command<'static> {
    Command::Release { session: key.session, epoch: key.epoch }
}

const fn queued(epoch: Epoch) -> wire::LeaseAnswer {
    wire::LeaseAnswer { state: wire::MissionState::Queued, epoch, outcome: None }
}

fn stored(row: &MissionRow) -> wire::LeaseAnswer {
    wire::LeaseAnswer { state: convert::state(row.state), epoch: row.epoch, outcome: convert::outcome(row) }
}
