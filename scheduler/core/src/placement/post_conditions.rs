//! What must hold of every decision, checked where it is made.

use super::request::Request;
use super::snapshot::Snapshot;
use super::solve::Placement;

/// A property of README.md that a placement breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("placement breaks property {letter}")]
pub struct Broken {
    /// Letter of the property.
    pub letter: char,
}

/// Checks a placement against the properties of README.md.
///
/// # Errors
/// The first property that is broken.
pub fn check(request: &Request, snapshot: &Snapshot, placement: &Placement) -> Result<(), Broken> {
    let _ = (request, snapshot, placement);
    todo!()
}
