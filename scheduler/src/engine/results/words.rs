//! What an agent may say of a lease, and what each word needs: its batch, its row, its step of the pure lifecycle.

use scheduler_client::wire;
use scheduler_core::lifecycle::{Command, Proof};
use serde_json::Value;
use topology::DatabaseRegion;

use super::batches::{Completes, Fails, Progresses, Releases};
use crate::engine::coalescer::{Batch, Coalescer};
use crate::engine::{Engine, convert};
use crate::store::mission::{
    CompletedLease, CompletionRow, FailedLease, FailureRow, LeaseKey, MemoryRow, ReleaseRow, ReleasedLease,
};

/// A word that was checked and is ready for its batch.
pub(super) trait Word: Send + Sync {
    /// What its statement gives back where it changed the mission.
    type Done: Send;
    /// Its kind of statement.
    type Batch: Batch<Key = DatabaseRegion, Answer = Option<Self::Done>>;

    /// Where it waits for its statement.
    fn line(engine: &Engine) -> &Coalescer<Self::Batch>;
    /// The lease.
    fn key(&self) -> LeaseKey;
    /// What its statement needs.
    fn row(&self) -> <Self::Batch as Batch>::Item;
    /// What it is to the pure lifecycle, which tells why it changed nothing.
    fn command(&self) -> Command<'_>;
    /// What is answered where it changed the mission.
    fn answer(self, done: Self::Done) -> wire::LeaseAnswer;
}

/// Done, with an outcome.
pub(super) struct Completion {
    pub(super) key: LeaseKey,
    pub(super) outcome: Value,
    /// The outcome's canonical JSON.
    pub(super) text: String,
    pub(super) digest: String,
    pub(super) memory: Option<MemoryRow>,
}

/// An attempt that failed.
pub(super) struct Failure {
    pub(super) key: LeaseKey,
    pub(super) reason: String,
    pub(super) detail: Value,
    /// The detail's canonical JSON.
    pub(super) text: String,
    pub(super) digest: String,
    pub(super) retryable: bool,
    pub(super) memory: Option<MemoryRow>,
}

/// A lease handed back.
pub(super) struct HandBack {
    pub(super) key: LeaseKey,
    pub(super) reason: String,
}

/// How far a mission is.
pub(super) struct Report {
    pub(super) key: LeaseKey,
    /// Canonical JSON.
    pub(super) progress: String,
}

impl Word for Completion {
    type Done = CompletedLease;
    type Batch = Completes;

    fn line(engine: &Engine) -> &Coalescer<Completes> {
        &engine.0.completes
    }

    fn key(&self) -> LeaseKey {
        self.key
    }

    fn row(&self) -> CompletionRow {
        let (outcome, digest, memory) = (self.text.clone(), self.digest.clone(), self.memory.clone());
        CompletionRow { key: self.key, outcome, digest, memory }
    }

    fn command(&self) -> Command<'_> {
        Command::Complete(Proof { session: self.key.session, epoch: self.key.epoch, digest: &self.digest })
    }

    fn answer(self, _done: CompletedLease) -> wire::LeaseAnswer {
        let state = wire::MissionState::Succeeded;
        wire::LeaseAnswer { state, epoch: self.key.epoch, outcome: Some(self.outcome) }
    }
}

impl Word for Failure {
    type Done = FailedLease;
    type Batch = Fails;

    fn line(engine: &Engine) -> &Coalescer<Fails> {
        &engine.0.fails
    }

    fn key(&self) -> LeaseKey {
        self.key
    }

    fn row(&self) -> FailureRow {
        let (reason, detail, digest) = (self.reason.clone(), self.text.clone(), self.digest.clone());
        FailureRow { key: self.key, reason, detail, digest, last: !self.retryable, memory: self.memory.clone() }
    }

    fn command(&self) -> Command<'_> {
        let proof = Proof { session: self.key.session, epoch: self.key.epoch, digest: &self.digest };
        Command::Fail { proof, retryable: self.retryable }
    }

    fn answer(self, done: FailedLease) -> wire::LeaseAnswer {
        let outcome = done.state.is_finished().then_some(self.detail);
        wire::LeaseAnswer { state: convert::state(done.state), epoch: done.epoch, outcome }
    }
}

impl Word for HandBack {
    type Done = ReleasedLease;
    type Batch = Releases;

    fn line(engine: &Engine) -> &Coalescer<Releases> {
        &engine.0.releases
    }

    fn key(&self) -> LeaseKey {
        self.key
    }

    fn row(&self) -> ReleaseRow {
        let actor = format!("session:{}", self.key.session);
        ReleaseRow { key: self.key, reason: self.reason.clone(), actor, unnamed_by: None }
    }

    fn command(&self) -> Command<'_> {
        Command::Release { session: self.key.session, epoch: self.key.epoch }
    }

    fn answer(self, done: ReleasedLease) -> wire::LeaseAnswer {
        wire::LeaseAnswer { state: wire::MissionState::Queued, epoch: done.epoch, outcome: None }
    }
}

impl Word for Report {
    type Done = ();
    type Batch = Progresses;

    fn line(engine: &Engine) -> &Coalescer<Progresses> {
        &engine.0.progresses
    }

    fn key(&self) -> LeaseKey {
        self.key
    }

    fn row(&self) -> (LeaseKey, String) {
        (self.key, self.progress.clone())
    }

    fn command(&self) -> Command<'_> {
        // Who may hand it back may speak of it.
        Command::Release { session: self.key.session, epoch: self.key.epoch }
    }

    fn answer(self, (): ()) -> wire::LeaseAnswer {
        wire::LeaseAnswer { state: wire::MissionState::Leased, epoch: self.key.epoch, outcome: None }
    }
}
