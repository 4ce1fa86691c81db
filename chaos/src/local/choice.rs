//! Which regions a drill's faults are about, and which of them are hit.

use anyhow::Context as _;
use topology::RegionName;

use super::hits;
use super::load::{SharedFacts, lock};
use super::sample::Sampler;
use super::tier::what_told;
use crate::drill::{Fault, RegionSelector};
use crate::journal::Victim;
use crate::load::now_us;
use crate::tier::Target;

/// The regions of a world, as a drill means them.
#[derive(Debug)]
pub(crate) struct Choice {
    regions: Vec<RegionName>,
    facts: SharedFacts,
    /// Regions by leases, most first, as they were when one was asked for first.
    ranking: Option<Vec<(RegionName, u64)>>,
    victim: Option<Victim>,
}

impl Choice {
    pub(crate) const fn new(regions: Vec<RegionName>, facts: SharedFacts) -> Self {
        Self { regions, facts, ranking: None, victim: None }
    }

    /// The region that was taken away first, where one was.
    pub(crate) const fn victim(&self) -> Option<&Victim> {
        self.victim.as_ref()
    }

    /// Ranks the regions by leases, once: what is meant does not change while a drill runs.
    pub(crate) fn rank(&mut self, sampler: &Sampler) -> anyhow::Result<()> {
        if self.ranking.is_none() {
            let leases = sampler.newest_leases().context("nobody has seen the leases yet")?;
            let held = |region: &RegionName| leases.get(region.as_str()).copied().unwrap_or(0);
            let mut all: Vec<_> = self.regions.iter().map(|region| (region.clone(), held(region))).collect();
            all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            self.ranking = Some(all);
        }
        Ok(())
    }

    /// The region that is meant.
    pub(crate) fn resolve(&self, region: &RegionSelector) -> anyhow::Result<RegionName> {
        let nth = |n: usize| {
            let ranking = self.ranking.as_ref().context("no region has been chosen yet")?;
            Ok(ranking.get(n).context("the world has too few regions")?.0.clone())
        };
        match region {
            RegionSelector::Named(region) => Ok(region.clone()),
            RegionSelector::MostLeases => nth(0),
            RegionSelector::SecondMostLeases => nth(1),
        }
    }

    /// What a fault would hit, with the names of its regions as far as they are known.
    pub(crate) fn target(&self, fault: &Fault, undo: String) -> Target {
        let known = |region: &RegionSelector| self.resolve(region).ok();
        let region = hits::regions(fault).first().and_then(|region| known(region)).map(|region| region.to_string());
        Target { what: what_told(fault).to_owned(), region, how: hits::named(fault, &known).to_string(), undo }
    }

    /// The regions of a fault are hit from now on.
    pub(crate) fn note_hit(&mut self, fault: &Fault) -> anyhow::Result<()> {
        let takes = hits::takes_leases(fault);
        for region in hits::regions(fault) {
            let region = self.resolve(region)?;
            lock(&self.facts).hit(region.as_str(), now_us(), takes);
            if takes && self.victim.is_none() {
                let ranking = self.ranking.as_ref().context("the regions were not ranked")?;
                let of = ranking.iter().map(|(_, leases)| leases).sum();
                let leases = ranking.iter().find(|(name, _)| *name == region).map_or(0, |(_, leases)| *leases);
                self.victim = Some(Victim { region: region.to_string(), leases, of });
            }
        }
        Ok(())
    }

    /// A fault on its regions ends.
    pub(crate) fn note_heal(&self, fault: &Fault) -> anyhow::Result<()> {
        for region in hits::regions(fault) {
            let region = self.resolve(region)?;
            lock(&self.facts).healed(region.as_str(), now_us(), hits::takes_leases(fault));
        }
        Ok(())
    }
}
