//! What a tier cannot do of a drill, told before anything is done.

use std::fmt;
use std::time::Duration;

use crate::drill::{Drill, Probe, Step, StepKind, TierName};
use crate::tier::Tier;

/// Why a tier cannot do one thing of a drill.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// The step or probe; none where it is the drill as a whole.
    pub step: Option<String>,
    /// The tier.
    pub tier: TierName,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = &self.step {
            write!(f, "{step}: ")?;
        }
        write!(f, "tier {}: {}", self.tier.as_str(), self.reason)
    }
}

/// Everything of a drill that a tier cannot do: steps, probes of the hypothesis, and the drill itself where it is not
/// written for the tier.
pub fn refusals<T: Tier>(drill: &Drill, tier: &T) -> Vec<Refusal> {
    refusals_of(drill, tier.name(), |step| tier.refuses(step))
}

/// The same of a tier that does not stand yet, by its name and what it refuses.
pub fn refusals_of(drill: &Drill, name: TierName, refuses: impl Fn(&Step) -> Option<String>) -> Vec<Refusal> {
    let refusal = |step: Option<&str>, reason| Refusal { step: step.map(str::to_owned), tier: name, reason };
    let mut all = Vec::new();
    if !drill.tiers.contains(&name) {
        all.push(refusal(None, "the drill is not written for it".to_owned()));
    }
    if !drill.blast_radius.tiers.contains(&name) {
        all.push(refusal(None, "the blast radius leaves it out".to_owned()));
    }
    let looks = drill.hypothesis.probes.iter().map(as_step);
    for step in looks.chain(drill.method.iter().cloned()) {
        all.extend(refuses(&step).map(|reason| refusal(Some(&step.name), reason)));
    }
    all
}

fn as_step(probe: &Probe) -> Step {
    let kind = StepKind::Probe(probe.clone());
    Step { name: probe.name.clone(), kind, pause_before: Duration::ZERO, pause_after: Duration::ZERO }
}
