//! What a tier has to be able to do so that the runner of drills can drive it.

use serde_json::Value;

use crate::drill::{Probe, Step, TierName};
use crate::undo::Undo;

/// A world that a drill is carried out on.
///
/// The runner calls [`Tier::refuses`] for every step before it starts, and then, a step at a time: [`Tier::undo_of`],
/// which is written down and synced, [`Tier::act`], and at some time [`Tier::undo`]. It undoes in reverse order whatever
/// it began, however it ends, an `act` that failed half-way among them.
pub trait Tier: Send {
    /// Who reads its figures while something is done to it.
    type Gauges: Gauges;

    /// Which tier this is.
    fn name(&self) -> TierName;

    /// Why this tier cannot do a step; none where it can. The probes of the hypothesis are asked about as steps, too.
    fn refuses(&self, step: &Step) -> Option<String>;

    /// What a step would hit.
    fn targets(&self, step: &Step) -> Vec<Target>;

    /// How somebody else would undo the step after this process had died; empty where nothing would be left of it then.
    ///
    /// # Errors
    /// Where a region that the step is about cannot be told.
    fn undo_of(&mut self, step: &Step) -> impl Future<Output = anyhow::Result<Vec<Undo>>>;

    /// Carries a step out. It is acknowledged when this returns.
    ///
    /// # Errors
    /// Where it could not be carried out, wholly or in part.
    fn act(&mut self, step: &Step) -> impl Future<Output = anyhow::Result<Value>>;

    /// Undoes a step, whether or not it was carried out wholly. Doing it twice is as good as once.
    ///
    /// # Errors
    /// Where it could not be undone.
    fn undo(&mut self, step: &Step) -> impl Future<Output = anyhow::Result<()>>;

    /// Who reads its figures: an owner of its own of what it needs, since an [`Tier::act`] may take long.
    fn gauges(&self) -> Self::Gauges;

    /// What is left behind of anything that was done: one phrase each. Empty is good.
    fn residue(&mut self) -> impl Future<Output = Vec<String>>;
}

/// Reads the figures of a world. Several are asked for at a time, also while a step is being carried out.
pub trait Gauges: Send + Sync {
    /// A probe's figure; none where it cannot be had.
    fn figure(&self, probe: &Probe) -> impl Future<Output = Option<f64>> + Send;
}

/// One thing that a step would hit, for the dry run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Target {
    /// What it is: `scheduler of us-west`, `link agent us-west -> scheduler us-east`.
    pub what: String,
    /// The region that it belongs to, where it belongs to one; in words of the file while no world runs.
    pub region: Option<String>,
    /// What would be carried out, in words or as a command line.
    pub how: String,
    /// What would undo it, likewise.
    pub undo: String,
}
