//! What can go wrong with a statement, sorted by what the caller may do about it. SQLSTATE decides, never a text.

use std::sync::Arc;

use tokio_postgres::error::SqlState;

/// A failed statement. The class says what is known about its effect.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Known not to have been applied; the same call may succeed later. Retries inside the crate are used up.
    #[error("{} was not applied and may be tried again", .0.statement)]
    Retryable(#[source] Detail),
    /// It may have been applied, and nobody can tell.
    #[error("{} may or may not have been applied", .0.statement)]
    Indeterminate(#[source] Detail),
    /// Known not to have been applied; the same call will fail again.
    #[error("{} was refused by the database", .0.statement)]
    Permanent(#[source] Detail),
    /// Not sent: no gateway took it.
    #[error("no database gateway answers, {} was not sent", .0.statement)]
    Unavailable(#[source] Detail),
}

/// What is known about a failure.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{cause}")]
pub struct Detail {
    /// Name of the statement or transaction.
    pub statement: &'static str,
    /// The server's code, when the server answered.
    pub sqlstate: Option<SqlState>,
    /// The constraint that refused the row.
    pub constraint: Option<String>,
    #[source]
    cause: Arc<dyn std::error::Error + Send + Sync>,
}

impl Detail {
    /// A failure that is not the server's answer.
    pub(crate) fn new(statement: &'static str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { statement, sqlstate: None, constraint: None, cause: Arc::from(cause.into()) }
    }

    /// A failure that the driver reports, with the server's code if there is one.
    pub(crate) fn of_driver(statement: &'static str, error: tokio_postgres::Error) -> Self {
        let constraint = error.as_db_error().and_then(|e| e.constraint()).map(str::to_owned);
        Self { statement, sqlstate: error.code().cloned(), constraint, cause: Arc::new(error) }
    }
}

impl Error {
    /// What is known about the failure.
    #[must_use]
    pub const fn detail(&self) -> &Detail {
        match self {
            Self::Retryable(detail)
            | Self::Indeterminate(detail)
            | Self::Permanent(detail)
            | Self::Unavailable(detail) => detail,
        }
    }

    /// Name of the statement or transaction that failed.
    #[must_use]
    pub const fn statement(&self) -> &'static str {
        self.detail().statement
    }

    /// The server's code, when the server answered.
    #[must_use]
    pub const fn sqlstate(&self) -> Option<&SqlState> {
        self.detail().sqlstate.as_ref()
    }

    /// Name of the constraint that refused the row.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        self.detail().constraint.as_deref()
    }

    /// Whether the data of the call was refused (SQLSTATE class 22, 23 or 54): a batch that fails so is split.
    #[must_use]
    pub fn is_refused_data(&self) -> bool {
        self.sqlstate().is_some_and(|state| matches!(&state.code()[..2], "22" | "23" | "54"))
    }
}
