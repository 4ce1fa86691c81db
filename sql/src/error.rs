//! What can go wrong with a statement, sorted by what the caller may do about it. SQLSTATE decides, never a text.

use std::fmt;
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
#[derive(Debug, Clone)]
pub struct Detail {
    /// Name of the statement or transaction.
    pub statement: &'static str,
    /// The server's code, when the server answered.
    pub sqlstate: Option<SqlState>,
    /// The constraint that refused the row.
    pub constraint: Option<String>,
    cause: Arc<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for Detail {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
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

    /// Name of the class, as metrics and logs show it.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Retryable(_) => "retryable",
            Self::Indeterminate(_) => "indeterminate",
            Self::Permanent(_) => "permanent",
            Self::Unavailable(_) => "unavailable",
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

/// What the loop over the gateways does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not applied for a conflict with others: again, here, soon.
    Conflict,
    /// Not applied: the prepared statement is older than the schema.
    StalePlan,
    /// Not applied: this gateway cannot do it now, another may.
    Unfit,
    /// Not applied: short of something that trying again at once would not bring.
    Busy,
    /// The server gave it up after its time limit. It answers, but what it did is not certain on CockroachDB.
    Late,
    /// It may have been applied; the gateway is alive.
    Ambiguous,
    /// It may have been applied; the connection broke.
    Lost,
    /// It may have been applied; no answer came in time.
    Hung,
    /// Not applied, and never will be.
    Refused,
}

impl Verdict {
    /// Sorts the server's codes.
    pub(crate) fn of_state(state: &SqlState) -> Self {
        match state.code() {
            "40001" | "40P01" => Self::Conflict,
            "40003" => Self::Ambiguous,
            // 26000: the prepared statement is gone, as behind a pooler.
            "0A000" | "26000" => Self::StalePlan,
            "57014" => Self::Late,
            // Starting up, too many connections, a replica that only reads.
            "57P03" | "53300" | "25006" => Self::Unfit,
            "55P03" | "55006" => Self::Busy,
            // Shut down while it ran; CockroachDB's range and proxy failures.
            "57P01" | "57P02" | "57P05" | "58C00" | "58C01" => Self::Lost,
            code if code.starts_with("08") => Self::Lost,
            code if code.starts_with("53") => Self::Busy,
            _ => Self::Refused,
        }
    }

    /// Sorts a failure of a statement that was sent, or was about to be, on a connection that is `closed` now or not.
    pub(crate) fn of_driver(error: &tokio_postgres::Error, closed: bool) -> Self {
        if let Some(state) = error.code() {
            return Self::of_state(state);
        }
        let io = std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
        // What is left is ours: a parameter or a column of the wrong type.
        if closed || io || error.is_closed() { Self::Lost } else { Self::Refused }
    }

    /// The same where nothing with an effect was sent yet: while connecting or preparing.
    pub(crate) const fn before_sending(self) -> Self {
        match self {
            Self::Lost | Self::Hung | Self::Ambiguous => Self::Unfit,
            Self::Late => Self::Busy,
            Self::Conflict | Self::StalePlan | Self::Unfit | Self::Busy | Self::Refused => self,
        }
    }

    /// Whether the gateway, not the statement, is to blame.
    pub(crate) const fn blames_gateway(self) -> bool {
        matches!(self, Self::Unfit | Self::Lost | Self::Hung)
    }

    /// The class under which the caller sees it.
    pub(crate) const fn class(self) -> fn(Detail) -> Error {
        match self {
            Self::Conflict | Self::Busy => Error::Retryable,
            Self::Unfit => Error::Unavailable,
            Self::Late | Self::Ambiguous | Self::Lost | Self::Hung => Error::Indeterminate,
            Self::StalePlan | Self::Refused => Error::Permanent,
        }
    }
}

/// One failed try.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) verdict: Verdict,
    pub(crate) detail: Detail,
}

impl Failure {
    /// The same where nothing with an effect was sent yet.
    pub(crate) fn before_sending(self) -> Self {
        Self { verdict: self.verdict.before_sending(), detail: self.detail }
    }

    pub(crate) fn into_error(self) -> Error {
        self.verdict.class()(self.detail)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Retryable(detail) => Self { verdict: Verdict::Busy, detail },
            Error::Indeterminate(detail) => Self { verdict: Verdict::Ambiguous, detail },
            Error::Permanent(detail) => Self { verdict: Verdict::Refused, detail },
            Error::Unavailable(detail) => Self { verdict: Verdict::Unfit, detail },
        }
    }
}

/// A row that is not as the program expects: a column of another name or type.
impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let verdict = Verdict::of_driver(&error, false);
        verdict.class()(Detail::of_driver("(row)", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_class() {
        let cases = [
            ("40001", "retryable", false),
            ("40P01", "retryable", false),
            ("55P03", "retryable", false),
            ("53200", "retryable", false),
            ("40003", "indeterminate", false),
            ("57014", "indeterminate", false),
            ("57P01", "indeterminate", true),
            ("08006", "indeterminate", true),
            ("58C00", "indeterminate", true),
            ("57P03", "unavailable", true),
            ("53300", "unavailable", true),
            ("25006", "unavailable", true),
            ("23505", "permanent", false),
            ("23514", "permanent", false),
            ("22P02", "permanent", false),
            ("42P01", "permanent", false),
            ("28P01", "permanent", false),
            ("0A000", "permanent", false),
            ("XXC02", "permanent", false),
        ];
        for (code, class, blamed) in cases {
            let verdict = Verdict::of_state(&SqlState::from_code(code));
            assert_eq!(name(verdict), class, "{code}");
            assert_eq!(verdict.blames_gateway(), blamed, "{code}");
        }
    }

    #[test]
    fn nothing_is_indeterminate_before_it_was_sent() {
        for code in ["08006", "57P01", "40003", "57014", "58C00"] {
            let verdict = Verdict::of_state(&SqlState::from_code(code)).before_sending();
            assert_ne!(name(verdict), "indeterminate", "{code}");
        }
    }

    #[test]
    fn an_error_does_not_repeat_its_source() {
        let detail = Detail::new("mission_claim", "the wire is cut");
        let error = Error::Indeterminate(detail);
        assert_eq!(error.to_string(), "mission_claim may or may not have been applied");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the wire is cut");
    }

    fn name(verdict: Verdict) -> &'static str {
        verdict.class()(Detail::new("any", "any")).class()
    }
}
