//! How a drill goes on, a line at a time, on standard error.

use std::sync::Mutex;

use chaos::local::Progress as Told;
use chaos::run::Event;

use crate::cli::output::Output;

/// Tells what happens.
pub(super) struct Progress<'a>(Mutex<&'a mut Output>);

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a mut Output) -> Self {
        Self(Mutex::new(output))
    }

    /// Tells how a drill on real processes goes on.
    pub(super) fn tells(&self, told: Told<'_>) {
        match told {
            // As in `hears`.
            Told::Phase(text) => drop(self.0.lock().expect("no holder of this lock panics").note(text)),
            Told::Run(event) => self.hears(event),
        }
    }

    pub(super) fn hears(&self, event: Event<'_>) {
        if let Some(line) = line(event) {
            // A drill goes on and is undone also where nobody can be told.
            let _ = self.0.lock().expect("no holder of this lock panics").note(&line);
        }
    }
}

fn line(event: Event<'_>) -> Option<String> {
    match event {
        Event::Gate { holds, of } => Some(format!("hypothesis: {holds} of {of} probes hold")),
        Event::Looked(_) => None,
        Event::Began { step, what } => Some(format!("{step}: {what}")),
        Event::Done { step } => Some(format!("{step}: done")),
        Event::Failed { step, error } => Some(format!("{step}: failed: {error}")),
        Event::BrokenOff { reason } => Some(format!("broken off: {reason}")),
        Event::Undone { step } => Some(format!("{step}: undone")),
        Event::NotUndone { step, error, left } => {
            Some(format!("{step}: not undone yet, {left} tries are left: {error}"))
        }
        Event::Soaking(time) => Some(format!("everything is undone; {} s of rest", time.as_secs_f64())),
    }
}
