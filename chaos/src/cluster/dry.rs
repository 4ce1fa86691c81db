//! What a drill would do to a deployment: each command, what it is done to, and its undo. Nothing is asked or done.

use std::fmt;

use super::{Cluster, load};
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
    /// Missions a second that would be submitted; none where none would.
    pub missions_per_second: Option<f64>,
}

/// What a drill would do to a deployment with these schedulers.
///
/// # Errors
/// Where a scheduler's address is none.
pub fn dry_run(drill: &Drill, schedulers: &[String]) -> Result<DryRun, scheduler_client::Error> {
    let is_loaded = load::is_wanted(drill, schedulers);
    let cluster = Cluster::new(schedulers, None)?.loaded(is_loaded);
    Ok(DryRun {
        preview: preview(drill, |step| cluster.targets(step)),
        context: drill.context.as_ref().map(|context| (context.argv.clone(), context.name.clone())),
        refusals: refusals(drill, &cluster),
        missions_per_second: is_loaded.then_some(drill.load.per_second),
    })
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.preview.fmt(f)?;
        if let Some((argv, name)) = &self.context {
            writeln!(f, "Context: `{}` must print {name}", command::line(argv))?;
        }
        match self.missions_per_second {
            Some(rate) => writeln!(f, "Missions of the run's own are submitted, {rate} a second.")?,
            None => writeln!(f, "No missions are submitted: that takes --server, and a load of more than none.")?,
        }
        if !self.refusals.is_empty() {
            writeln!(f, "It cannot run here:")?;
        }
        self.refusals.iter().try_for_each(|refusal| writeln!(f, "  {refusal}"))
    }
}
