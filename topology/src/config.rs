//! Reading `topology.yaml`: strict, all errors at once, each with its place.
//!
//! The way of a text: [`source`] (places), [`tree`] (YAML to marked nodes), the readers of the blocks (what is written),
//! [`resolve`] (what it means together). Every step adds to one list of findings; a [`Topology`] is made only where no
//! finding is an error.

mod finding;
mod source;

pub use finding::{Code, Finding, Findings, Severity};

use crate::model::Topology;

/// Largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The database that the clocks of scheduling must suit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// One machine or one primary: sessions may end after seconds.
    #[default]
    PostgreSql,
    /// A new leaseholder of a range takes seconds, so sessions live longer.
    CockroachDb,
}

/// What a good file gives.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The validated topology.
    pub topology: Topology,
    /// What is allowed but should be seen; holds no errors.
    pub warnings: Findings,
}

/// Reads and checks a topology file for `PostgreSQL`. `file_name` is only for the findings.
///
/// # Errors
/// All findings of the file, warnings among them, where at least one is an error.
pub fn parse(text: &str, file_name: &str) -> Result<Parsed, Findings> {
    parse_for(text, file_name, Engine::PostgreSql)
}

/// Reads and checks a topology file for one engine: defaults and bounds of its clocks differ.
///
/// # Errors
/// As [`parse`].
pub fn parse_for(text: &str, file_name: &str, engine: Engine) -> Result<Parsed, Findings> {
    let _ = (text, file_name, engine);
    todo!()
}
