//! What agents say of their leases: complete, fail, release, progress; one at a time, or the results of a session
//! together. Each is fenced in its statement; why one changed nothing is then told by the pure lifecycle from the
//! mission's row.

mod batches;
mod memory;
mod together;
mod words;

use scheduler_client::wire;
use scheduler_core::lifecycle::{self, Command, Step};
use topology::{DatabaseRegion, MissionId};

pub(crate) use self::batches::{Completes, Fails, Finds, Parts, Progresses, Releases};
use self::words::{Completion, Failure, HandBack, Report, Word};
use super::{Engine, check, convert, digest};
use crate::planted::planted;
use crate::refusal::{Fault, Refusal};
use crate::store::mission::{LeaseKey, MissionRow};

/// Most bytes of an outcome.
const OUTCOME: usize = 1 << 20;
/// Most bytes of a failure's detail.
const DETAIL: usize = 64 << 10;
/// Most bytes of progress.
const PROGRESS: usize = 16 << 10;
/// Tries of one call: each but the first follows a mission that moved between two statements.
const TRIES: usize = 3;

/// A word and the home that its lease names.
struct Said<W> {
    home: DatabaseRegion,
    word: W,
}

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
        self.say(self.completion(mission, body)?).await
    }

    /// Charges an attempt: back to the queue with a pause, or failed for good.
    pub async fn fail(&self, mission: MissionId, body: wire::Fail) -> Result<wire::LeaseAnswer, Refusal> {
        self.say(self.failure(mission, body)?).await
    }

    /// Hands a lease back, nothing is charged.
    pub async fn release(&self, mission: MissionId, body: wire::Release) -> Result<wire::LeaseAnswer, Refusal> {
        self.say(self.hand_back(mission, body)?).await
    }

    /// Stores what the agent says of a mission.
    pub async fn progress(&self, mission: MissionId, body: wire::Progress) -> Result<wire::LeaseAnswer, Refusal> {
        let progress = check::json("/progress", &body.progress, PROGRESS)?;
        let word = Report { key: key_of(mission, &body.lease), progress };
        self.say(Said { home: self.home_of(&body.lease)?, word }).await
    }

    fn completion(&self, mission: MissionId, body: wire::Complete) -> Result<Said<Completion>, Refusal> {
        let text = check::json("/outcome", &body.outcome, OUTCOME)?;
        let digest = digest::digest(&[&text]);
        let memory = body.memory.map(|memory| memory::checked(*memory)).transpose()?;
        let word = Completion { key: key_of(mission, &body.lease), outcome: body.outcome, text, digest, memory };
        Ok(Said { home: self.home_of(&body.lease)?, word })
    }

    fn failure(&self, mission: MissionId, body: wire::Fail) -> Result<Said<Failure>, Refusal> {
        check::code("/reason", &body.reason)?;
        let text = check::json("/detail", &body.detail, DETAIL)?;
        let digest = digest::digest(&[&body.reason, &text]);
        let wire::Fail { lease, reason, detail, retryable, memory } = body;
        let memory = memory.map(|memory| memory::checked(*memory)).transpose()?;
        let word = Failure { key: key_of(mission, &lease), reason, detail, text, digest, retryable, memory };
        Ok(Said { home: self.home_of(&lease)?, word })
    }

    fn hand_back(&self, mission: MissionId, body: wire::Release) -> Result<Said<HandBack>, Refusal> {
        check::code("/reason", &body.reason)?;
        let home = self.home_of(&body.lease)?;
        Ok(Said { home, word: HandBack { key: key_of(mission, &body.lease), reason: body.reason } })
    }

    async fn say<W: Word>(&self, said: Said<W>) -> Result<wire::LeaseAnswer, Refusal> {
        let first = W::line(self).push(&said.home, said.word.row()).await;
        self.settle(said, first).await
    }

    /// What comes of a word that was said once; it is said again where its mission moved meanwhile.
    async fn settle<W: Word>(
        &self,
        said: Said<W>,
        first: Result<Option<W::Done>, Refusal>,
    ) -> Result<wire::LeaseAnswer, Refusal> {
        let Said { mut home, word } = said;
        let mut changed = first?;
        for left in (0..TRIES).rev() {
            if let Some(done) = changed {
                return Ok(word.answer(done));
            }
            match self.unchanged(word.key(), &home, &word.command()).await? {
                Unchanged::Repeated(row) => return Ok(stored(&row)),
                Unchanged::Again(_) if left == 0 => break,
                Unchanged::Again(at) => home = at,
            }
            changed = W::line(self).push(&home, word.row()).await?;
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
        let row = match self.0.finds.push(home, key.mission).await {
            Ok(Some(row)) => row,
            // It has moved, or that home does not answer: another one may know.
            Ok(None) | Err(_) => self.find_on(&self.0.lease, key.mission, Some(home)).await?,
        };
        let again = || row.home.parse().map(Unchanged::Again).map_err(|_| Refusal::Internal);
        if planted!(CompleteWithoutEpochCheck, matches!(command, Command::Complete(_)), false) {
            return again();
        }
        // No command of an agent compares times, so the moment does not matter.
        match lifecycle::apply(&row.facts(), command, row.submitted_at) {
            Ok(Step::Repeated) => Ok(Unchanged::Repeated(Box::new(row))),
            Ok(Step::Change(_)) => again(),
            Err(refusal) => {
                metrics::counter!("scheduler_fenced_writes_total", "code" => refusal.as_str()).increment(1);
                Err(refused(refusal, &row))
            }
        }
    }

    /// The home that a lease names, if the topology has such a database region or had it lately: what was granted there
    /// may finish.
    fn home_of(&self, lease: &wire::LeaseProof) -> Result<DatabaseRegion, Refusal> {
        let known = self.all_homes();
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

fn stored(row: &MissionRow) -> wire::LeaseAnswer {
    wire::LeaseAnswer { state: convert::state(row.state), epoch: row.epoch, outcome: convert::outcome(row) }
}
