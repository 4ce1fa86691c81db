//! What is done to what a way takes in, by what the link understands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use super::http::Requests;
use super::orders::Orders;
use super::pgwire::{Answered, Asked, Turns};
use super::wire::{LinkKind, StatementTold};
use crate::drill::StatementAnswer;

/// What becomes of bytes that were taken in.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Travels on.
    pub(super) on: BytesMut,
    /// Goes back to where the bytes came from, as if the other end had said it.
    pub(super) back: BytesMut,
    /// The connection ends after that, in order.
    pub(super) hang_up: bool,
}

/// The reader of one way.
#[derive(Debug)]
pub(super) enum Filter {
    /// Reads nothing.
    Plain,
    /// Reads requests.
    Requests(Requests),
    /// Reads what a client asks a database.
    Asked(Asked),
    /// Reads what a database answers.
    Answered(Answered),
}

/// What was done to single requests of a link.
#[derive(Debug, Default)]
pub(super) struct Counts {
    answered: Mutex<BTreeMap<String, u64>>,
    statements: Mutex<BTreeMap<String, StatementTold>>,
}

impl Counts {
    /// A request for this path was answered.
    pub(super) fn answered(&self, path: &str) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        *answered.entry(path.to_owned()).or_default() += 1;
    }

    /// An execution of this statement was answered badly.
    pub(super) fn statement(&self, name: &str, answer: StatementAnswer) {
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        let told = statements.entry(name.to_owned()).or_default();
        *match answer {
            StatementAnswer::SerializationFailure => &mut told.serialization_failure,
            StatementAnswer::AdminShutdown => &mut told.admin_shutdown,
            StatementAnswer::Ambiguous => &mut told.ambiguous,
        } += 1;
    }

    /// Requests by path, and statements by name.
    pub(super) fn told(&self) -> (BTreeMap<String, u64>, BTreeMap<String, StatementTold>) {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (answered, self.statements.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Filter {
    /// The readers of both ways of a new connection: up, down.
    pub(super) fn of(kind: LinkKind) -> (Self, Self) {
        match kind {
            LinkKind::Tcp => (Self::Plain, Self::Plain),
            LinkKind::Http => (Self::Requests(Requests::default()), Self::Plain),
            LinkKind::Pgwire => {
                let turns = Arc::new(Mutex::new(Turns::default()));
                (Self::Asked(Asked::new(Arc::clone(&turns))), Self::Answered(Answered::new(turns)))
            }
        }
    }

    /// Takes bytes in; none where they simply pass.
    pub(super) fn take(&mut self, bytes: &Bytes, orders: &Orders, counts: &Counts) -> Option<Taken> {
        match self {
            Self::Plain => None,
            Self::Requests(requests) => Some(requests.take(bytes, orders, counts)),
            Self::Asked(asked) => Some(Taken { on: asked.take(bytes, orders), ..Taken::default() }),
            Self::Answered(answered) => Some(answered.take(bytes, counts)),
        }
    }

    /// What was taken in and waited for more.
    pub(super) fn rest(&mut self) -> Bytes {
        match self {
            Self::Plain => Bytes::new(),
            Self::Requests(requests) => requests.rest(),
            Self::Asked(asked) => asked.rest(),
            Self::Answered(answered) => answered.rest(),
        }
    }
}
