//! Which regions: the ones that make the demand-weighted round-trip time least.
//!
//! Regions in the same town are as near to everything, so the search goes over towns, and the region of each is chosen
//! afterwards, with an eye on providers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::demand::Point;
use super::naming::{most_providers, name_of};
use super::{APART_KM, EXACT_UP_TO, Error, MOVE_GAIN_PERCENT};
use crate::catalogue::CatalogueRegion;
use crate::geo::Position;
use crate::ids::RegionName;
use crate::latency::rtt_us;
use crate::model::Topology;

/// A chosen region and its name in the topology.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    pub(super) name: RegionName,
    pub(super) region: &'static CatalogueRegion,
}

/// The nearest of the chosen regions, by index, and the round-trip time to it. Among equals the first.
pub(super) fn nearest(place: Position, chosen: &[Chosen]) -> (usize, u64) {
    let each = chosen.iter().map(|chosen| rtt_us(place, chosen.region.position)).enumerate();
    each.min_by_key(|&(index, rtt)| (rtt, index)).expect("at least one region is chosen")
}

/// Demand-weighted round-trip time, each point to its nearest region, in whole microseconds.
pub(super) fn weighted_rtt_us(points: &[Point], chosen: &[Chosen]) -> u64 {
    let places: Vec<_> = chosen.iter().map(|chosen| chosen.region.position).collect();
    let total: u128 = points.iter().map(|point| u128::from(point.amount)).sum();
    u64::try_from(cost(points, &places) / total.max(1)).expect("a mean of round trips is no longer than the longest")
}

/// Demand times round-trip time, summed over all points.
fn cost(points: &[Point], places: &[Position]) -> u128 {
    let each = points.iter().map(|point| {
        let nearest = places.iter().map(|place| rtt_us(point.position, *place)).min();
        u128::from(point.amount) * u128::from(nearest.unwrap_or(0))
    });
    each.sum()
}

/// Chooses `wanted` regions. What stays of a previous topology though it is not the best is told in `left`.
pub(super) fn regions(
    points: &[Point],
    candidates: &[&'static CatalogueRegion],
    wanted: usize,
    previous: Option<&Topology>,
    left: &mut Vec<String>,
) -> Result<Vec<Chosen>, Error> {
    let towns = Towns::new(points, candidates);
    let best = towns.search(wanted).ok_or(Error::TooFew { wanted, candidates: candidates.len() })?;
    let old = previous.map(|topology| old_regions(topology, candidates)).unwrap_or_default();
    if let Some(previous) = previous
        && let Some(kept) = keep(points, &old, previous, &towns.places(&best), wanted, left)
    {
        return Ok(kept);
    }
    towns.name(&best, &old)
}

/// The regions of a previous topology that may still be chosen.
fn old_regions(topology: &Topology, candidates: &[&'static CatalogueRegion]) -> Vec<Chosen> {
    let each = topology.regions.iter().filter_map(|old| {
        let same = |new: &&&'static CatalogueRegion| new.provider == old.provider && new.name == old.cloud_region;
        Some(Chosen { name: old.name.clone(), region: candidates.iter().find(same).copied()? })
    });
    each.collect()
}

/// The previous regions, where they are still allowed and the best ones would not gain enough.
fn keep(
    points: &[Point],
    old: &[Chosen],
    previous: &Topology,
    best: &[Position],
    wanted: usize,
    left: &mut Vec<String>,
) -> Option<Vec<Chosen>> {
    let places: Vec<_> = old.iter().map(|old| old.region.position).collect();
    let apart = places.iter().enumerate().all(|(i, a)| places[..i].iter().all(|b| a.distance_km(*b) >= APART_KM));
    if old.len() != previous.regions.len() || old.len() != wanted || !apart {
        left.push("the previous regions are not allowed any more, or are not as many: chosen anew".to_owned());
        return None;
    }
    let (then, now) = (cost(points, &places), cost(points, best));
    let gain = gain_percent(then, now);
    if then == now {
        return Some(old.to_vec());
    }
    if now * 100 >= then * u128::from(100 - MOVE_GAIN_PERCENT) {
        left.push(format!("the previous regions stay: the best ones would gain only {gain:.1} %"));
        return Some(old.to_vec());
    }
    left.push(format!("the regions are chosen anew: a gain of {gain:.1} %"));
    None
}

pub(super) fn gain_percent(then: u128, now: u128) -> f64 {
    if then == 0 { 0.0 } else { (then as f64 - now as f64) * 100.0 / then as f64 }
}

/// Candidates by town, and what each town costs each point of demand.
struct Towns {
    towns: Vec<(Position, Vec<&'static CatalogueRegion>)>,
    costs: Vec<Vec<u128>>,
    amounts: Vec<u64>,
    near: Vec<Vec<bool>>,
}

impl Towns {
    fn new(points: &[Point], candidates: &[&'static CatalogueRegion]) -> Self {
        let mut towns: Vec<(Position, Vec<&'static CatalogueRegion>)> = Vec::new();
        for candidate in candidates {
            match towns.iter_mut().find(|(place, _)| *place == candidate.position) {
                Some((_, regions)) => regions.push(candidate),
                None => towns.push((candidate.position, vec![candidate])),
            }
        }
        let costs = towns.iter().map(|(place, _)| {
            let each = points.iter().map(|point| u128::from(point.amount) * u128::from(rtt_us(point.position, *place)));
            each.collect()
        });
        let near = towns.iter().map(|(a, _)| towns.iter().map(|(b, _)| a.distance_km(*b) < APART_KM).collect());
        let amounts = points.iter().map(|point| point.amount).collect();
        Self { costs: costs.collect(), amounts, near: near.collect(), towns }
    }

    fn places(&self, chosen: &[usize]) -> Vec<Position> {
        chosen.iter().map(|&town| self.towns[town].0).collect()
    }

    /// The towns with the least cost, by index; none where so many cannot be had.
    fn search(&self, wanted: usize) -> Option<Vec<usize>> {
        let mut best = None;
        self.exact(wanted.min(EXACT_UP_TO), 0, &mut Vec::new(), &vec![u128::MAX; self.amounts.len()], &mut best);
        let (_, mut chosen) = best?;
        while chosen.len() < wanted {
            let (_, town) = self.best_addition(&chosen)?;
            chosen.push(town);
        }
        if wanted > EXACT_UP_TO {
            while let Some((out, town)) = self.best_exchange(&chosen) {
                chosen[out] = town;
            }
        }
        Some(chosen)
    }

    /// Tries every set of `wanted` towns from `from` on; the first of the cheapest stays. `nearest` is what each point
    /// pays to the nearest town of the set so far.
    fn exact(
        &self,
        wanted: usize,
        from: usize,
        set: &mut Vec<usize>,
        nearest: &[u128],
        best: &mut Option<(u128, Vec<usize>)>,
    ) {
        if set.len() == wanted {
            let cost = nearest.iter().sum();
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                *best = Some((cost, set.clone()));
            }
            return;
        }
        for town in from..self.towns.len() {
            if set.iter().all(|&other| !self.near[town][other]) {
                let nearer: Vec<u128> = nearest.iter().zip(&self.costs[town]).map(|(a, b)| *a.min(b)).collect();
                set.push(town);
                self.exact(wanted, town + 1, set, &nearer, best);
                set.pop();
            }
        }
    }

    fn best_addition(&self, chosen: &[usize]) -> Option<(u128, usize)> {
        let free = (0..self.towns.len()).filter(|&town| chosen.iter().all(|&other| !self.near[town][other]));
        free.map(|town| (self.cost(chosen, None, Some(town)), town)).min()
    }

    /// The exchange of one chosen town for another that lowers the cost most.
    fn best_exchange(&self, chosen: &[usize]) -> Option<(usize, usize)> {
        let now = self.cost(chosen, None, None);
        let mut best: Option<(u128, usize, usize)> = None;
        for out in 0..chosen.len() {
            let rest = |other: usize| chosen.iter().enumerate().all(|(at, &town)| at == out || !self.near[other][town]);
            for town in (0..self.towns.len()).filter(|&town| rest(town)) {
                let found = (self.cost(chosen, Some(out), Some(town)), out, town);
                if found.0 < now && best.is_none_or(|best| found < best) {
                    best = Some(found);
                }
            }
        }
        best.map(|(_, out, town)| (out, town))
    }

    /// The cost of a set of towns, without the one at `out` and with `added`.
    fn cost(&self, set: &[usize], out: Option<usize>, added: Option<usize>) -> u128 {
        let points = self.costs.first().map_or(0, Vec::len);
        let towns = || set.iter().enumerate().filter(|(at, _)| Some(*at) != out).map(|(_, &town)| town).chain(added);
        (0..points).map(|point| towns().map(|town| self.costs[town][point]).min().unwrap_or(0)).sum()
    }

    /// A region in each town, the town with most demand first.
    fn name(&self, chosen: &[usize], old: &[Chosen]) -> Result<Vec<Chosen>, Error> {
        let mut order = chosen.to_vec();
        let served = self.served(chosen);
        order.sort_by_key(|town| (Reverse(served.get(town).copied().unwrap_or(0)), *town));
        let choices: Vec<Vec<Chosen>> = order.iter().map(|&town| self.choices(town, old)).collect::<Result<_, _>>()?;
        Ok(most_providers(&choices))
    }

    /// How much demand each chosen town is nearest to.
    fn served(&self, chosen: &[usize]) -> BTreeMap<usize, u128> {
        let mut served = BTreeMap::new();
        for (point, amount) in self.amounts.iter().enumerate() {
            let nearest = chosen.iter().copied().min_by_key(|&town| (self.costs[town][point], town));
            *served.entry(nearest.expect("at least one town is chosen")).or_default() += u128::from(*amount);
        }
        served
    }

    /// What a town offers: the region that the previous topology has, else the first of each provider.
    fn choices(&self, town: usize, old: &[Chosen]) -> Result<Vec<Chosen>, Error> {
        let regions = &self.towns[town].1;
        if let Some(kept) = old.iter().find(|old| regions.contains(&old.region)) {
            return Ok(vec![kept.clone()]);
        }
        let mut choices: Vec<Chosen> = Vec::new();
        for region in regions {
            if choices.iter().all(|choice| choice.region.provider != region.provider) {
                choices.push(Chosen { name: name_of(region)?, region });
            }
        }
        Ok(choices)
    }
}
