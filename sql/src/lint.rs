//! The lint over the program's SQL.

use crate::Statement;

/// A statement that may break a rule, and why.
#[derive(Debug, Clone, Copy)]
pub struct Exception {
    /// Name of the statement.
    pub statement: &'static str,
    /// Name of the rule: `home`, ..
    pub rule: &'static str,
    /// Why it may.
    pub reason: &'static str,
}

/// Panics with every finding at once. Writes the statements to `target/statements/<package>.jsonl` for the parser of
/// CockroachDB.
///
/// # Panics
/// When a statement breaks a rule without an exception, or an exception is not needed.
pub fn assert_clean(package: &str, statements: &[&'static Statement], exceptions: &[Exception]) {
    let _ = (package, statements, exceptions);
    todo!()
}
