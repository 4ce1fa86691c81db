//! Why a call did not succeed.

use std::time::Duration;

use reqwest::StatusCode;

use crate::wire::Problem;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A scheduler answered that it does not do this.
    #[error("the scheduler refused ({code}, {status}): {detail}", code = problem.code, status = problem.status, detail = problem.detail)]
    Problem {
        /// What it said.
        problem: Box<Problem>,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// No scheduler answered. Where [`Cause::unsent`] is false the call may have been done.
    #[error("no scheduler answered after {tries} tries")]
    Unreachable {
        /// Requests that were sent or tried to be sent.
        tries: u32,
        /// The last failure.
        #[source]
        cause: Cause,
    },
    /// A scheduler, or something before it, answered in a way that the contract does not have.
    #[error("the answer with status {status} is not in the contract: {detail}")]
    Contract {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        detail: String,
    },
    /// The settings or the call's values make no request.
    #[error("the client cannot make this request: {0}")]
    Config(String),
}

impl Error {
    /// The stable code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem { problem, .. } => Some(&problem.code),
            Self::Unreachable { .. } | Self::Contract { .. } | Self::Config(_) => None,
        }
    }

    /// The HTTP status of the answer, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem { problem, .. } => Some(problem.status),
            Self::Contract { status, .. } => Some(*status),
            Self::Unreachable { .. } | Self::Config(_) => None,
        }
    }

    /// The refusal.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem { problem, .. } => Some(problem),
            Self::Unreachable { .. } | Self::Contract { .. } | Self::Config(_) => None,
        }
    }

    /// Whether the same call may succeed later: nobody answered, or the answer was 429 or 5xx.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem { problem, .. } => problem.status == 429 || problem.status >= 500,
            Self::Contract { status, .. } => *status == 429 || *status >= 500,
            Self::Config(_) => false,
        }
    }
}

/// Why one try got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No connection: the request was not sent.
    #[error("no connection")]
    Connect(#[source] reqwest::Error),
    /// No whole answer in time.
    #[error("no answer in {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection broke after the request was sent, or while it was.
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
    /// A proxy or balancer before the scheduler says that it got no answer.
    #[error("something before the scheduler answered {0}")]
    Gateway(StatusCode),
    /// The answer is larger than any answer of the contract.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The breakers of all schedulers are open: nothing was sent.
    #[error("every scheduler failed lately, their breakers are open")]
    BreakersOpen,
    /// The call's time was over before a try could begin: nothing was sent.
    #[error("the time for the call was over before it could be sent")]
    Overdue,
}

impl Cause {
    /// Whether the request certainly did not reach a scheduler.
    #[must_use]
    pub const fn unsent(&self) -> bool {
        match self {
            Self::Connect(_) | Self::BreakersOpen | Self::Overdue => true,
            Self::Timeout(_) | Self::Broken(_) | Self::Gateway(_) | Self::TooLarge(_) => false,
        }
    }
}
