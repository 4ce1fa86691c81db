//! One long poll: it may wait in many lines at once, and is answered with what all of them grant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use scheduler_client::wire::{ClaimAnswer, Grant};
use tokio::sync::Notify;
use topology::{DatabaseRegion, SessionId, Specialization};

use super::Hub;
use crate::engine::lock;

/// A claim that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) session: SessionId,
    /// Leases of the session when it asked: a hint, the statement counts for itself.
    pub(super) holding: i64,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    free: BTreeMap<Specialization, i64>,
    /// Pools whose queue nobody has looked at for this waiter yet.
    unseen: BTreeSet<Specialization>,
    /// Statements under way that may grant to this waiter.
    under_way: usize,
    grants: Vec<Grant>,
    /// Takes part in no further statement.
    closed: bool,
    /// The database did not answer a look that it waited for.
    failed: bool,
}

impl Waiter {
    pub(super) fn new(session: SessionId, holding: i64, free: BTreeMap<Specialization, i64>) -> Self {
        let unseen = free.keys().cloned().collect();
        let state = State { free, unseen, under_way: 0, grants: Vec::new(), closed: false, failed: false };
        Self { session, holding, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Joins a statement with its free slots of a pool; none = it waits no more, or not for this pool. Each `Some` must
    /// be followed by one [`Waiter::check_in`].
    pub(super) fn check_out(&self, specialization: &Specialization) -> Option<i64> {
        let mut state = lock(&self.state);
        if state.closed {
            return None;
        }
        let free = state.free.get(specialization).copied().filter(|free| *free > 0)?;
        state.under_way += 1;
        Some(free)
    }

    /// Takes what a statement granted. The first grant closes the waiter: it is answered as soon as the statements that
    /// are under way have ended.
    pub(super) fn check_in(&self, grants: Vec<Grant>) {
        let mut state = lock(&self.state);
        state.under_way -= 1;
        state.closed |= !grants.is_empty();
        state.grants.extend(grants);
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Takes part in no further statement from now on, and is answered.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_one();
    }

    /// Closes it because the database did not answer a look at its queue: whoever asks is better served elsewhere.
    pub(super) fn fail(&self) {
        lock(&self.state).failed = true;
        self.close();
    }

    /// Ends when something was granted, a look failed, or a later claim of the session took its place.
    pub(super) async fn answerable(&self) {
        while !self.is_closed() {
            self.changed.notified().await;
        }
    }

    /// A look at the queue of a pool has ended that this waiter was there for.
    pub(super) fn looked(&self, specialization: &Specialization) {
        if lock(&self.state).unseen.remove(specialization) {
            self.changed.notify_one();
        }
    }

    /// Ends when every queue was looked at once.
    pub(super) async fn seen(&self) {
        while !lock(&self.state).unseen.is_empty() {
            self.changed.notified().await;
        }
    }

    /// Ends when no statement is under way.
    pub(super) async fn settled(&self) {
        while lock(&self.state).under_way > 0 {
            self.changed.notified().await;
        }
    }

    pub(super) fn take(&self) -> Vec<Grant> {
        std::mem::take(&mut lock(&self.state).grants)
    }

    /// What it is answered; none = nothing was granted, and a look failed.
    pub(super) fn answer(&self) -> Option<ClaimAnswer> {
        let mut state = lock(&self.state);
        let (grants, degraded) = (std::mem::take(&mut state.grants), state.failed);
        (!grants.is_empty() || !degraded).then_some(ClaimAnswer { grants, degraded })
    }
}

/// Puts back what is granted to a waiter whose request went away.
pub(super) struct Abandoned {
    hub: Arc<Hub>,
    home: DatabaseRegion,
    waiter: Option<Arc<Waiter>>,
}

impl Abandoned {
    pub(super) const fn new(hub: Arc<Hub>, home: DatabaseRegion, waiter: Arc<Waiter>) -> Self {
        Self { hub, home, waiter: Some(waiter) }
    }

    /// The request lives to take its grants.
    pub(super) fn defuse(&mut self) {
        self.waiter = None;
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let Some(waiter) = self.waiter.take() else { return };
        waiter.close();
        self.hub.forget(&waiter);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (hub, home) = (Arc::clone(&self.hub), self.home.clone());
        runtime.spawn(async move {
            waiter.settled().await;
            let grants = waiter.take();
            if !grants.is_empty() {
                hub.put_back(home, waiter.session, grants).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use topology::{Epoch, MissionId};

    use super::*;

    fn waiter() -> Waiter {
        let free = ["a", "b"].map(|name| (name.parse().unwrap(), 1));
        Waiter::new(SessionId::random(), 0, free.into())
    }

    fn grant() -> Grant {
        Grant {
            mission: MissionId::random(),
            epoch: Epoch(1),
            home: "us-west-2".to_owned(),
            specialization: "a".parse().unwrap(),
            title: String::new(),
            payload: serde_json::Value::Null,
            attempt: 1,
            run_limit_ms: 1_000,
            seq: 0,
            alone: false,
            traceparent: None,
            drill: None,
        }
    }

    #[test]
    fn a_claim_whose_look_failed_is_closed_and_answered_nothing() {
        let waiter = waiter();
        waiter.fail();
        assert!(waiter.is_closed() && waiter.answer().is_none());
        assert_eq!(waiter.check_out(&"b".parse().unwrap()), None, "it takes part in no further statement");
    }

    #[test]
    fn what_another_pool_grants_is_answered_whatever_failed() {
        let waiter = waiter();
        waiter.check_out(&"a".parse().unwrap()).unwrap();
        waiter.fail();
        waiter.check_in(vec![grant()]);
        let answer = waiter.answer().unwrap();
        assert_eq!((answer.grants.len(), answer.degraded), (1, true));
    }

    #[test]
    fn a_claim_that_waited_in_vain_is_answered_empty() {
        let waiter = waiter();
        waiter.close();
        let answer = waiter.answer().unwrap();
        assert!(answer.grants.is_empty() && !answer.degraded);
    }
}
