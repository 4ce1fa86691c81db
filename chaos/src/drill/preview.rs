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
            "Blast radius: regions at a time {} (at most {}); named in all {}; never named at least {}",
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::drill::catalogue;

    #[test]
    fn a_dry_run_tells_every_target_with_its_undo_and_the_blast_radius() {
        let drill = catalogue::find("region-cut").expect("it is in the catalogue");
        let drill = drill.read(&BTreeMap::new()).expect("a test proves that it reads");
        let mut asked = Vec::new();
        let preview = preview(&drill, |step| {
            asked.push(step.name.clone());
            let target = |what: &str| Target {
                what: what.to_owned(),
                region: Some("us-west".to_owned()),
                how: format!("break {what}"),
                undo: format!("mend {what}"),
            };
            vec![target("a"), target("b")]
        });
        assert_eq!(asked, ["cut", "kill"], "a look and an undo hit nothing");
        let wanted = "\
region-cut: Lose the region that holds the most leases
Nothing was done. It would:
  cut: nothing passes between most-leases and everybody else
      hits a (us-west)
      by   break a
      undo mend a
      hits b (us-west)
      by   break b
      undo mend b
  kill: kill the scheduler and the agents of most-leases
      hits a (us-west)
      by   break a
      undo mend a
      hits b (us-west)
      by   break b
      undo mend b
  wait 15s
  heal: undo cut
  start: undo kill
  wait 20s
  all-serve-again: look at all-serve-again
and at the end, or as soon as it is broken off, undo what ran: cut, kill
Blast radius: regions at a time 1 (at most 1); named in all 1; never named at least 2
";
        assert_eq!(preview.to_string(), wanted);
    }

    #[test]
    fn what_rollbacks_does_not_name_is_undone_in_reverse_order() {
        let drill = catalogue::find("flapping-region").expect("it is in the catalogue");
        let mut drill = drill.read(&BTreeMap::new()).expect("a test proves that it reads");
        let order = |drill: &Drill| preview(drill, |_| Vec::new()).undo_order;
        assert_eq!(order(&drill), ["cut-3", "cut-2", "cut-1"]);
        drill.rollbacks = vec!["cut-2".to_owned()];
        assert_eq!(order(&drill), ["cut-2", "cut-3", "cut-1"]);
    }
}
