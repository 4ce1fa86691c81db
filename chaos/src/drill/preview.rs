//! The dry run: what a drill would hit, and what would undo it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use topology::yaml::duration::show;

use super::{Blast, BlastRadius, Drill, Step};
use crate::tier::Target;

/// What a drill would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// The drill's name.
    pub drill: String,
    /// Its title.
    pub title: String,
    /// The steps, in their order.
    pub steps: Vec<PreviewStep>,
    /// Names of the steps that are undone, in the order in which they are.
    pub undo_order: Vec<String>,
    /// What it would hit.
    pub blast: Blast,
    /// What it may hit.
    pub blast_radius: BlastRadius,
}

/// What one step would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PreviewStep {
    /// Its name.
    pub step: String,
    /// What it does, in words.
    pub what: String,
    /// Seconds before it and after it.
    pub pauses_s: [f64; 2],
    /// What it would hit. Empty for a look and for an undo.
    pub targets: Vec<Target>,
}

/// What a drill would do, with the targets that a tier gives for each step that has an undo.
pub fn preview(drill: &Drill, mut targets: impl FnMut(&Step) -> Vec<Target>) -> Preview {
    let steps = drill.method.iter().map(|step| PreviewStep {
        step: step.name.clone(),
        what: step.kind.to_string(),
        pauses_s: [step.pause_before.as_secs_f64(), step.pause_after.as_secs_f64()],
        targets: if step.has_undo() { targets(step) } else { Vec::new() },
    });
    Preview {
        drill: drill.name.clone(),
        title: drill.title.clone(),
        steps: steps.collect(),
        undo_order: drill.undo_order().into_iter().map(|step| step.name.clone()).collect(),
        blast: Blast::of(&drill.method, drill.world.regions),
        blast_radius: drill.blast_radius.clone(),
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.drill, self.title)?;
        writeln!(f, "Nothing was done. It would:")?;
        for step in &self.steps {
            step.fmt(f)?;
        }
        writeln!(f, "and at the end, or as soon as it is broken off, undo what ran: {}", self.undo_order.join(", "))?;
        let (blast, may) = (&self.blast, &self.blast_radius);
        writeln!(
            f,
            "Blast radius: {} regions at a time of {} allowed; {} named in all, {} must stay untouched",
            blast.regions_at_a_time, may.regions_max, blast.regions_named, may.min_healthy_regions
        )
    }
}

impl fmt::Display for PreviewStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pause = |seconds: f64| show(Duration::from_secs_f64(seconds));
        let [before, after] = self.pauses_s;
        if before > 0.0 {
            writeln!(f, "  wait {}", pause(before))?;
        }
        writeln!(f, "  {}: {}", self.step, self.what)?;
        for target in &self.targets {
            let region = target.region.as_deref().map(|region| format!(" ({region})")).unwrap_or_default();
            writeln!(f, "      hits {}{region}", target.what)?;
            writeln!(f, "      by   {}", target.how)?;
            writeln!(f, "      undo {}", target.undo)?;
        }
        if after > 0.0 {
            writeln!(f, "  wait {}", pause(after))?;
        }
        Ok(())
    }
}
