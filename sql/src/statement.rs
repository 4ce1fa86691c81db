//! Statements: every text that the program sends, each with a name.

/// One SQL statement of the program. Made by [`statement!`](crate::statement!), which writes the name into the text
/// as a comment, so that a slow-query log, a relay and a metric all speak of the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Stable name, object first: `mission_claim`. Labels metrics and starts the text.
    pub name: &'static str,
    /// The text that is sent: `/* name */` and then the SQL, the same on both engines.
    pub text: &'static str,
    /// Whether running it twice leaves what running it once leaves and answers alike. Only such a statement is sent
    /// again when the connection was lost and nobody knows whether it was applied.
    pub idempotent: bool,
}

/// Makes a [`Statement`] whose text starts with its name.
///
/// ```
/// use sql::Statement;
/// const CLOCK: Statement = sql::statement!("clock_read", idempotent, "SELECT now()");
/// assert_eq!(CLOCK.text, "/* clock_read */ SELECT now()");
/// ```
///
/// `idempotent` or `once` says whether it may be sent again when nobody knows whether it was applied; the text is a
/// literal or `include_str!(..)`.
#[macro_export]
macro_rules! statement {
    ($name:literal, idempotent, $($text:tt)+) => {
        $crate::Statement { name: $name, text: concat!("/* ", $name, " */ ", $($text)+), idempotent: true }
    };
    ($name:literal, once, $($text:tt)+) => {
        $crate::Statement { name: $name, text: concat!("/* ", $name, " */ ", $($text)+), idempotent: false }
    };
}
