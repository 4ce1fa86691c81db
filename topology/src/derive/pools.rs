//! Which pools: for each specialization a primary near its own demand and replicas away from it, sized by demand and by
//! what its agents got done.

use std::collections::BTreeMap;

use super::choose::{Chosen, gain_percent};
use super::demand::{Demand, Point, sum};
use super::{DerivedPool, MOVE_GAIN_PERCENT};
use crate::ids::Specialization;
use crate::latency::rtt_us;
use crate::model::{Pool, Role, Topology};
use crate::world::{Agent, World};

/// A region that is nearest to this share of a specialization's demand, in percent, gets a replica of it too.
const SHARE_FOR_REPLICA: u64 = 25;
/// How far the pace of a specialization's agents may change the size of its pool.
const PACE_BOUNDS: (f64, f64) = (0.5, 2.0);

/// The pools of all specializations, by region as chosen, then by specialization.
pub(super) fn pools(
    world: &World,
    demand: &Demand,
    chosen: &[Chosen],
    previous: Option<&Topology>,
    left: &mut Vec<String>,
) -> Vec<DerivedPool> {
    let sizes = Sizes::of(world, demand);
    let mut pools: BTreeMap<(usize, Specialization), DerivedPool> = BTreeMap::new();
    for (specialization, points) in &demand.by_specialization {
        let plan = Plan { specialization, points, all: &demand.points, chosen };
        let primary = plan.primary(previous, left);
        let (size, why) = sizes.primary(specialization, points);
        pools.insert((primary, specialization.clone()), plan.pool(primary, Role::Primary, size, &why));
        for (replica, reason) in plan.replicas(primary, previous, left) {
            let why = format!("{reason}; half of the primary's {size}");
            pools.insert((replica, specialization.clone()), plan.pool(replica, Role::Replica, size.div_ceil(2), &why));
        }
    }
    fill_empty(demand, chosen, &sizes, &mut pools);
    pools.into_values().collect()
}

/// A chosen region without a pool would run nothing: it gets a replica of the specialization that has most of its
/// demand near it.
fn fill_empty(
    demand: &Demand,
    chosen: &[Chosen],
    sizes: &Sizes,
    pools: &mut BTreeMap<(usize, Specialization), DerivedPool>,
) {
    for at in 0..chosen.len() {
        if pools.keys().any(|(region, _)| *region == at) {
            continue;
        }
        let near = |points: &[Point]| Plan::served(points, &demand.points, chosen)[at];
        let each = demand.by_specialization.iter().map(|(name, points)| (near(points), name, points));
        let Some((_, specialization, points)) = each.max_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1))) else { return };
        let plan = Plan { specialization, points, all: &demand.points, chosen };
        let (size, _) = sizes.primary(specialization, points);
        let why = format!("of all specializations this one has most demand near here; half of the primary's {size}");
        let pool = plan.pool(at, Role::Replica, size.div_ceil(2), &why);
        pools.insert((at, specialization.clone()), pool);
    }
}

/// The choice of places for one specialization.
struct Plan<'a> {
    specialization: &'a Specialization,
    points: &'a [Point],
    all: &'a [Point],
    chosen: &'a [Chosen],
}

impl Plan<'_> {
    /// Its own demand, or the world's where it has none.
    fn demand(&self) -> &[Point] {
        if self.points.is_empty() { self.all } else { self.points }
    }

    /// Demand times round-trip time to one region.
    fn cost(&self, at: usize) -> u128 {
        let place = self.chosen[at].region.position;
        let each =
            self.demand().iter().map(|point| u128::from(point.amount) * u128::from(rtt_us(point.position, place)));
        each.sum()
    }

    /// Demand that is nearest to each region.
    fn served(points: &[Point], all: &[Point], chosen: &[Chosen]) -> Vec<u64> {
        let mut served = vec![0; chosen.len()];
        for point in if points.is_empty() { all } else { points } {
            served[super::choose::nearest(point.position, chosen).0] += point.amount;
        }
        served
    }

    fn primary(&self, previous: Option<&Topology>, left: &mut Vec<String>) -> usize {
        let best = (0..self.chosen.len()).min_by_key(|&at| (self.cost(at), at)).expect("a region is chosen");
        self.steady(Role::Primary, best, |_| true, previous, left)
    }

    /// Where the previous topology has the pool, unless it is gone, not `allowed`, or the best place gains enough.
    fn steady(
        &self,
        role: Role,
        best: usize,
        allowed: impl Fn(usize) -> bool,
        previous: Option<&Topology>,
        left: &mut Vec<String>,
    ) -> usize {
        let old = previous.into_iter().flat_map(|topology| &topology.pools);
        let old = old.filter(|pool| pool.role == role && pool.id.specialization == *self.specialization);
        // Of several replicas the nearest one counts: the others are there for other reasons.
        let place = |pool: &Pool| self.chosen.iter().position(|chosen| chosen.name == pool.id.region);
        let Some(old) = old.min_by_key(|pool| place(pool).map_or(u128::MAX, |at| self.cost(at))) else { return best };
        let to = &self.chosen[best].name;
        let Some(at) = place(old).filter(|&at| allowed(at)) else {
            left.push(format!("{} moves to {to}: it cannot stay", old.id));
            return best;
        };
        let (then, now) = (self.cost(at), self.cost(best));
        if at == best || then == now {
            return at;
        }
        let gain = gain_percent(then, now);
        if now * 100 >= then * u128::from(100 - MOVE_GAIN_PERCENT) {
            left.push(format!("{} stays: {to} would gain only {gain:.1} %", old.id));
            return at;
        }
        left.push(format!("{} moves to {to}: a gain of {gain:.1} %", old.id));
        best
    }

    /// The nearest other region, on another provider where there is one, and every further region that much of the
    /// demand is nearest to.
    fn replicas(&self, primary: usize, previous: Option<&Topology>, left: &mut Vec<String>) -> Vec<(usize, String)> {
        let provider = self.chosen[primary].region.provider;
        let others = || (0..self.chosen.len()).filter(|&at| at != primary);
        let elsewhere = |at: usize| at != primary && self.chosen[at].region.provider != provider;
        let spread = others().any(elsewhere);
        let fits = |at: usize| if spread { elsewhere(at) } else { at != primary };
        let Some(best) = others().filter(|&at| fits(at)).min_by_key(|&at| (self.cost(at), at)) else {
            return Vec::new();
        };
        let first = self.steady(Role::Replica, best, fits, previous, left);
        let apart = if spread { "on another provider" } else { "no other provider was chosen" };
        let mut replicas = vec![(first, format!("near in another region, {apart}"))];
        let served = Self::served(self.points, self.all, self.chosen);
        let total: u64 = served.iter().sum();
        for at in others().filter(|&at| at != first) {
            if served[at] * 100 >= total * SHARE_FOR_REPLICA && served[at] > 0 {
                replicas.push((at, format!("nearest to {} % of its demand", served[at] * 100 / total)));
            }
        }
        replicas
    }

    fn pool(&self, at: usize, role: Role, replicas: u32, why: &str) -> DerivedPool {
        let total: u128 = self.demand().iter().map(|point| u128::from(point.amount)).sum();
        let rtt_us = u64::try_from(self.cost(at) / total.max(1)).expect("a mean is no longer than the longest");
        DerivedPool {
            region: self.chosen[at].name.clone(),
            specialization: self.specialization.clone(),
            role,
            replicas,
            rtt_us,
            why: why.to_owned(),
        }
    }
}

/// What the sizes of pools are computed from.
struct Sizes {
    agents: usize,
    total: u64,
    /// The median pace of all agents with a record.
    usual: f64,
    /// The mean pace of a specialization's agents with a record.
    paces: BTreeMap<Specialization, f64>,
}

impl Sizes {
    fn of(world: &World, demand: &Demand) -> Self {
        let mut each: BTreeMap<Specialization, Vec<f64>> = BTreeMap::new();
        for (agent, pace) in world.agents.iter().filter_map(|agent| Some((agent, pace(agent)?))) {
            each.entry(agent.specialization.clone()).or_default().push(pace);
        }
        let mut all: Vec<f64> = each.values().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        let usual = all.get(all.len() / 2).copied().unwrap_or(1.0);
        let mean = |paces: Vec<f64>| paces.iter().sum::<f64>() / paces.len() as f64;
        let paces = each.into_iter().map(|(name, paces)| (name, mean(paces))).collect();
        Self { agents: world.agents.len(), total: demand.total(), usual, paces }
    }

    /// The world's agents times the specialization's share of the demand, more where its agents get less done than
    /// usual and fewer where they get more; at least 1.
    fn primary(&self, specialization: &Specialization, points: &[Point]) -> (u32, String) {
        let share = sum(points) as f64 / self.total as f64;
        let (slow, known) = match self.paces.get(specialization) {
            Some(own) => ((self.usual / own).clamp(PACE_BOUNDS.0, PACE_BOUNDS.1), "for their pace"),
            None => (1.0, "without a record"),
        };
        let size = (self.agents as f64 * share * slow).ceil().clamp(1.0, 10_000.0) as u32;
        (size, format!("{:.1} % of the demand x {} agents x {slow:.2} {known}", share * 100.0, self.agents))
    }
}

/// What an agent got done, weighted by how well; none where nothing is recorded.
fn pace(agent: &Agent) -> Option<f64> {
    let pace = agent.issues_resolved.saturating_add(agent.prs_merged) as f64 * agent.score;
    (pace > 0.0).then_some(pace)
}
