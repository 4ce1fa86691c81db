//! Which regions hold the most leases: asked once, when the first step that needs it begins.

use anyhow::Context as _;
use scheduler_client::Client;
use scheduler_client::wire::RegionView;
use topology::RegionName;

use crate::drill::RegionSelector;

/// The regions by the leases that they held, most first; none until somebody asked.
#[derive(Debug, Default)]
pub(super) struct Regions(Option<Vec<RegionName>>);

impl Regions {
    /// Makes sure that a selector can be told.
    ///
    /// # Errors
    /// Where no scheduler tells the regions, or there are too few.
    pub(super) async fn resolve(&mut self, selector: &RegionSelector, client: Option<&Client>) -> anyhow::Result<()> {
        if is_open(selector) && self.0.is_none() {
            let client = client.context("the region with the most leases is known to a scheduler only")?;
            self.0 = Some(by_leases(&client.regions().await?.regions));
        }
        self.resolved(selector).context("there are too few regions").map(drop)
    }

    /// The region's name, or the words of the file until it is known.
    pub(super) fn told(&self, selector: &RegionSelector) -> String {
        match (self.resolved(selector), selector) {
            (Some(region), _) => region.to_string(),
            (None, RegionSelector::MostLeases) => "most-leases".to_owned(),
            (None, RegionSelector::SecondMostLeases) => "second-most-leases".to_owned(),
            (None, RegionSelector::Named(region)) => region.to_string(),
        }
    }

    fn resolved(&self, selector: &RegionSelector) -> Option<RegionName> {
        let ranked = |place: usize| self.0.as_ref()?.get(place).cloned();
        match selector {
            RegionSelector::MostLeases => ranked(0),
            RegionSelector::SecondMostLeases => ranked(1),
            RegionSelector::Named(region) => Some(region.clone()),
        }
    }
}

/// Whether only a running world can tell the region.
pub(super) const fn is_open(selector: &RegionSelector) -> bool {
    match selector {
        RegionSelector::MostLeases | RegionSelector::SecondMostLeases => true,
        RegionSelector::Named(_) => false,
    }
}

/// Most leases first; those with as many by name.
fn by_leases(regions: &[RegionView]) -> Vec<RegionName> {
    let mut ranked: Vec<_> = regions.iter().map(|region| (-region.leased, region.name.clone())).collect();
    ranked.sort();
    ranked.into_iter().map(|(_, name)| name).collect()
}
