//! The drill's own missions on a deployment, and what its regions are told to be under.

use crate::attach::around::Around;
use crate::drill::Drill;
use crate::journal::Victim;
use crate::load::now_us;
use crate::local::LocalGauges;
use crate::local::load::lock;

/// Whether a drill submits missions to a deployment with so many known schedulers.
pub(super) fn is_wanted(drill: &Drill, schedulers: &[String]) -> bool {
    drill.load.per_second > 0.0 && !schedulers.is_empty()
}

/// What a step's region is under, in the facts of the load; and who was hit first.
///
/// A command that names a region is taken to take its agents away: what may run only there waits lawfully meanwhile.
pub(super) struct Loaded {
    pub(super) around: Around,
    pub(super) victim: Option<Victim>,
}

impl Loaded {
    pub(super) const fn new(around: Around) -> Self {
        Self { around, victim: None }
    }

    pub(super) fn gauges(&self) -> LocalGauges {
        LocalGauges::new(self.around.facts.clone())
    }

    pub(super) fn hit(&mut self, region: &str) {
        if self.victim.is_none() {
            self.victim = self.around.sampler.newest_leases().map(|leases| Victim {
                region: region.to_owned(),
                leases: leases.get(region).copied().unwrap_or(0),
                of: leases.values().sum(),
            });
        }
        lock(&self.around.facts).hit(region, now_us(), true);
    }

    pub(super) fn healed(&self, region: &str) {
        lock(&self.around.facts).healed(region, now_us(), true);
    }
}
