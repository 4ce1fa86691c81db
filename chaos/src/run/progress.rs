//! How a drill goes on, for whoever watches.

use std::time::Duration;

use super::Observed;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// The hypothesis was looked at before the method: so many probes hold, of so many.
    Gate {
        /// Probes that hold.
        holds: usize,
        /// All probes.
        of: usize,
    },
    /// A probe was looked at.
    Looked(&'a Observed),
    /// A step begins.
    Began {
        /// Its name.
        step: &'a str,
        /// What it is.
        what: &'a str,
    },
    /// A step was acknowledged.
    Done {
        /// Its name.
        step: &'a str,
    },
    /// A step failed, or a probe of the method is out of tolerance.
    Failed {
        /// Its name.
        step: &'a str,
        /// Why.
        error: &'a str,
    },
    /// The drill is broken off.
    BrokenOff {
        /// Why.
        reason: &'a str,
    },
    /// A step is undone.
    Undone {
        /// Its name.
        step: &'a str,
    },
    /// A step could not be undone yet.
    NotUndone {
        /// Its name.
        step: &'a str,
        /// Why.
        error: &'a str,
        /// Tries that are left.
        left: u32,
    },
    /// Everything is undone, and load goes on for a while.
    Soaking(Duration),
}
