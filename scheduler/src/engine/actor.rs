//! Who asks for a change; stored with it.

use std::fmt;

use topology::{SchedulerId, SessionId};

/// Who asks for a change. `Display` is the stored form, such as `submitter:ana`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A client with a submitter's token.
    Submitter(String),
    /// An operator: may do everything.
    Operator(String),
    /// An agent session.
    Session(SessionId),
    /// A scheduler's own loop.
    Scheduler(SchedulerId),
}

impl Actor {
    /// The name under which missions are submitted.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Submitter(name) | Self::Operator(name) => name.clone(),
            Self::Session(id) => id.to_string(),
            Self::Scheduler(id) => id.to_string(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submitter(name) => write!(f, "submitter:{name}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::Scheduler(id) => write!(f, "scheduler:{id}"),
        }
    }
}
