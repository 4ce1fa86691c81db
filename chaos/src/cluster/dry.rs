//! What a drill would do to a deployment: each command, what it is done to, and its undo. Nothing is asked or done.

use std::fmt;

use super::Cluster;
use crate::command;
use crate::drill::{Drill, Preview, preview};
use crate::run::{Refusal, refusals};
use crate::tier::Tier;

/// What a drill would do.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DryRun {
    /// The steps and the blast radius.
    #[serde(flatten)]
    pub preview: Preview,
    /// The command that must tell the context, and what it must tell.
    pub context: Option<(Vec<String>, String)>,
    /// What this tier cannot do; then nothing would be done at all.
    pub refusals: Vec<Refusal>,
}

/// What a drill would do to a deployment with these schedulers.
///
/// # Errors
/// Where a scheduler's address is none.
pub fn dry_run(drill: &Drill, schedulers: &[String]) -> Result<DryRun, scheduler_client::Error> {
    let cluster = Cluster::new(schedulers, None)?;
    Ok(DryRun {
        preview: preview(drill, |step| cluster.targets(step)),
        context: drill.context.as_ref().map(|context| (context.argv.clone(), context.name.clone())),
        refusals: refusals(drill, &cluster),
    })
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.preview.fmt(f)?;
        if let Some((argv, name)) = &self.context {
            writeln!(f, "Context: `{}` must print {name}", command::line(argv))?;
        }
        writeln!(f, "No missions are submitted to a deployment, whatever the file's load.")?;
        if !self.refusals.is_empty() {
            writeln!(f, "It cannot run here:")?;
        }
        self.refusals.iter().try_for_each(|refusal| writeln!(f, "  {refusal}"))
    }
}
