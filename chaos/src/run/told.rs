//! Words for people.

use crate::tier::Target;

/// Targets told one by one.
const TOLD: usize = 3;

/// What a step does, in one line.
pub(super) fn what(targets: &[Target]) -> String {
    let told = targets.iter().take(TOLD).map(|target| format!("{}: {}", target.what, target.how));
    let told = told.collect::<Vec<_>>().join("; ");
    match targets.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told}; and {more} more"),
    }
}
