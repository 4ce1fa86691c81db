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
    /// Whether it is planned anew for each call, not by a plan that the server keeps.
    pub planned_anew: bool,
}

impl Statement {
    /// The statement with a plan of its own for each call, made for its parameters and for the tables as they are then.
    ///
    /// A plan that is kept, if only for seconds, may be of a time when the tables were empty: a batch would read all
    /// missions of a region for each of its rows. Planning costs about half a millisecond: too much for a single row,
    /// little for a batch.
    #[must_use]
    pub const fn planned_anew(self) -> Self {
        Self { planned_anew: true, ..self }
    }
}

/// A statement over arrays with one entry a row: few rows go by a plan that is kept, many by one of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batched {
    /// For few rows. What lists of statements name.
    pub few: Statement,
    many: Statement,
}

impl Batched {
    /// Both forms of a statement.
    #[must_use]
    pub const fn new(statement: Statement) -> Self {
        Self { few: statement, many: statement.planned_anew() }
    }

    /// The form for so many rows.
    #[must_use]
    pub const fn for_rows(&'static self, rows: usize) -> &'static Statement {
        if rows <= FEW { &self.few } else { &self.many }
    }
}

/// Rows that even the worst kept plan gets through at once.
const FEW: usize = 16;

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
        $crate::Statement {
            name: $name,
            text: concat!("/* ", $name, " */ ", $($text)+),
            idempotent: true,
            planned_anew: false,
        }
    };
    ($name:literal, once, $($text:tt)+) => {
        $crate::Statement {
            name: $name,
            text: concat!("/* ", $name, " */ ", $($text)+),
            idempotent: false,
            planned_anew: false,
        }
    };
}
