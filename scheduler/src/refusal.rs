//! Why a request is refused. HTTP turns each of these into a problem; nothing else does.
//!
//! [`Refusal::code`] and [`Fault::code`] are the only places where a problem's code is written.

use serde_json::Value;
use topology::Epoch;

use scheduler_client::wire::MissionState;

/// What is wrong with a field of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A text is empty, or longer than its limit.
    Length,
    /// A text holds U+0000, which no SQL text can.
    Nul,
    /// A number lies outside its range.
    Range,
    /// A text or name has characters that it may not have.
    Malformed,
    /// A JSON value has more bytes than its limit.
    TooLarge,
    /// A JSON value is nested too deeply.
    TooDeep,
    /// A list has more entries than its limit, or none where one is needed.
    Count,
    /// The same thing is named twice.
    Duplicate,
    /// A place is neither a city of the world, nor a country that is known.
    UnknownPlace,
    /// No region of the topology has the name.
    UnknownRegion,
    /// No residency rule of the topology has the name.
    UnknownResidency,
    /// The region has no pool of the specialization.
    UnknownPool,
    /// No database region has the name.
    UnknownHome,
    /// The lease is of another session than the path names.
    OtherSession,
    /// A page mark was not made by this service.
    Cursor,
    /// The id of a drill's run has characters that it may not have, too many or none.
    DrillRun,
}

impl Fault {
    /// Stable code of the problem.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length => "text_length",
            Self::Nul => "nul_character",
            Self::Range => "number_out_of_range",
            Self::Malformed => "malformed_text",
            Self::TooLarge => "value_too_large",
            Self::TooDeep => "value_too_deep",
            Self::Count => "wrong_count",
            Self::Duplicate => "duplicate_name",
            Self::UnknownPlace => "unknown_place",
            Self::UnknownRegion => "unknown_region",
            Self::UnknownResidency => "unknown_residency",
            Self::UnknownPool => "unknown_pool",
            Self::UnknownHome => "unknown_home",
            Self::OtherSession => "other_session",
            Self::Cursor => "bad_cursor",
            Self::DrillRun => "malformed_drill_run",
        }
    }
}

/// Why a request was not done. Nothing was written, but for [`Refusal::Indeterminate`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The input is wrong (422).
    #[error("{detail}")]
    Invalid {
        /// What is wrong.
        fault: Fault,
        /// Where, as a JSON pointer into the request's body; empty = all of it.
        pointer: String,
        /// For people.
        detail: String,
        /// The nearest names that exist.
        nearest: Vec<String>,
    },
    /// No region of the topology has agents of the specialization (422).
    #[error("no region has agents of the specialization {name:?}")]
    UnknownSpecialization {
        /// As asked for.
        name: String,
        /// Names that exist, the nearest first.
        nearest: Vec<String>,
    },
    /// The idempotency key was used for another request (422).
    #[error("the idempotency key was used for a different mission")]
    KeyReused,
    /// The submitter has as many open missions as it may have (429).
    #[error("the submitter has {limit} open missions, which is its limit")]
    TooManyOpen {
        /// The limit.
        limit: i64,
    },
    /// No mission has the id (404).
    #[error("no mission has this id")]
    MissionNotFound,
    /// No session has the id (404).
    #[error("no session has this id")]
    SessionNotFound,
    /// No memory has the id, or none that may be shown to the caller.
    #[error("there is no such memory, or none that may be shown here")]
    MemoryNotFound,
    /// The session is over and is never revived: register anew (409).
    #[error("the session has ended: {reason}")]
    SessionEnded {
        /// Why it ended.
        reason: String,
    },
    /// The session's id is taken by another registration (409).
    #[error("the session id belongs to a different registration")]
    SessionTaken,
    /// The heartbeat is older than one that was heard (409).
    #[error("heartbeat {seq} was heard before")]
    StaleHeartbeat {
        /// The greatest number that was heard.
        seq: i64,
    },
    /// The session was told of no renewal for too long: it is renewed when it has heard this (503).
    #[error("the session has heard of no renewal since heartbeat {heard}")]
    Unheard {
        /// The newest heartbeat of whose renewal it has heard.
        heard: i64,
    },
    /// The session does not hold the mission under this epoch (409).
    #[error("the lease is lost")]
    LeaseLost {
        /// State of the mission now.
        state: MissionState,
        /// Epoch of the mission now.
        epoch: Epoch,
    },
    /// The mission was called off (409).
    #[error("the mission was cancelled")]
    MissionCancelled {
        /// Epoch of the mission now.
        epoch: Epoch,
    },
    /// The mission ended otherwise (409).
    #[error("the mission has ended")]
    MissionFinished {
        /// How it ended.
        state: MissionState,
        /// Epoch of the mission now.
        epoch: Epoch,
        /// The stored outcome.
        outcome: Option<Value>,
    },
    /// The mission is still open, so it cannot be submitted again (409).
    #[error("the mission has not ended")]
    MissionOpen {
        /// State of the mission now.
        state: MissionState,
    },
    /// The caller may not do this to somebody else's mission (403).
    #[error("the mission belongs to another submitter")]
    NotYours,
    /// The file is not a topology: each finding has its place in it (422).
    #[error("the topology has {} findings", findings.len())]
    TopologyRefused {
        /// Findings as `topology validate --format json` prints them.
        findings: Vec<Value>,
    },
    /// Somebody applied another topology since the plan was made (409).
    #[error("the plan was made against another version than {current}")]
    PlanStale {
        /// The version in force.
        current: i64,
        /// What lies between the plan's base and the version in force.
        difference: Value,
    },
    /// The topology lets go of regions or pools that hold missions (409).
    #[error("the topology lets go of what holds missions: {}", what.join(", "))]
    HoldsMissions {
        /// Reasons as in a plan's `refused`.
        what: Vec<String>,
    },
    /// No such version of the topology (404).
    #[error("the topology has no version {version}")]
    VersionNotFound {
        /// As asked for.
        version: i64,
    },
    /// No region of the topology has the name in the path (404).
    #[error("the topology has no region {name}")]
    RegionNotFound {
        /// As asked for.
        name: String,
        /// Names that exist, the nearest first.
        nearest: Vec<String>,
    },
    /// No token has the id (404).
    #[error("no token has this id")]
    TokenNotFound,
    /// The scheduler has more to do than it can: come back (503 with Retry-After).
    #[error("the scheduler is overloaded")]
    Overloaded,
    /// The database did not answer in time and nothing was written (503 with Retry-After).
    #[error("the database is not available")]
    Unavailable,
    /// The database may have done it before the connection was lost: repeat with the same key (503).
    #[error("the database did not say whether it was done")]
    Indeterminate,
    /// A statement failed in a way that is our fault (500).
    #[error("internal error")]
    Internal,
}

impl From<sql::Error> for Refusal {
    /// What a failed statement means to a caller. A refusal by the database is our fault and is logged here, once,
    /// with its chain: callers that expect a constraint look at it before they convert.
    fn from(error: sql::Error) -> Self {
        match error {
            sql::Error::Retryable(_) | sql::Error::Unavailable(_) => Self::Unavailable,
            sql::Error::Indeterminate(_) => Self::Indeterminate,
            // What the checks let through and the database still refused is the input's fault, not a 500.
            sql::Error::Permanent(_) if error.is_refused_data() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the database refused data");
                Self::invalid(Fault::Malformed, "", "the database cannot store a value of this request")
            }
            sql::Error::Permanent(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the database refused a statement");
                Self::Internal
            }
        }
    }
}

impl Refusal {
    /// Stable code of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { fault, .. } => fault.code(),
            Self::UnknownSpecialization { .. } => "unknown_specialization",
            Self::KeyReused => "idempotency_key_reused",
            Self::TooManyOpen { .. } => "too_many_open",
            Self::MissionNotFound => "mission_not_found",
            Self::SessionNotFound => "session_not_found",
            Self::MemoryNotFound => "memory_not_found",
            Self::SessionEnded { .. } => "session_ended",
            Self::SessionTaken => "session_taken",
            Self::StaleHeartbeat { .. } => "stale_heartbeat",
            Self::Unheard { .. } => "unheard",
            Self::LeaseLost { .. } => "lease_lost",
            Self::MissionCancelled { .. } => "mission_cancelled",
            Self::MissionFinished { .. } => "mission_finished",
            Self::MissionOpen { .. } => "mission_open",
            Self::NotYours => "not_yours",
            Self::TopologyRefused { .. } => "topology_refused",
            Self::PlanStale { .. } => "plan_stale",
            Self::HoldsMissions { .. } => "holds_missions",
            Self::VersionNotFound { .. } => "version_not_found",
            Self::RegionNotFound { .. } => "region_not_found",
            Self::TokenNotFound => "token_not_found",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "database_unavailable",
            Self::Indeterminate => "indeterminate",
            Self::Internal => "internal",
        }
    }

    /// The input is wrong at `pointer`.
    #[must_use]
    pub fn invalid(fault: Fault, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { fault, pointer: pointer.into(), detail: detail.into(), nearest: Vec::new() }
    }
}
