//! How much work comes from which city, for the whole world and for each specialization.

use std::collections::BTreeMap;

use super::Weights;
use crate::geo::Position;
use crate::ids::Specialization;
use crate::world::World;

/// Demand is counted in whole millionths, so that sums do not depend on their order.
const PARTS: f64 = 1_000_000.0;

/// A place that work comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// The city's id.
    pub(super) city: String,
    /// Where it lies.
    pub(super) position: Position,
    /// Its demand in millionths, above 0.
    pub(super) amount: u64,
}

/// The demand of a world.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Demand {
    /// All cities with demand, by id.
    pub(super) points: Vec<Point>,
    /// The share of each specialization; they add up to the whole.
    pub(super) by_specialization: BTreeMap<Specialization, Vec<Point>>,
}

/// Demand as a person counts it.
pub(super) fn units(amount: u64) -> f64 {
    amount as f64 / PARTS
}

pub(super) fn sum(points: &[Point]) -> u64 {
    points.iter().map(|point| point.amount).sum()
}

impl Demand {
    /// An idea's inspiration is the demand of the specialization that its mission takes; visits and homes are the
    /// demand of the agent's own.
    pub(super) fn of(world: &World, weights: Weights) -> Self {
        let mut all = Tally::default();
        let mut each: BTreeMap<Specialization, Tally> = BTreeMap::new();
        for agent in &world.agents {
            let own = each.entry(agent.specialization.clone()).or_default();
            let visits = agent.path.iter().map(|city| (city, weights.visit));
            for (city, weight) in visits.chain(agent.home.iter().map(|city| (city, weights.home))) {
                if let Some(city) = world.city(city) {
                    all.add(&city.id, city.position, weight);
                    own.add(&city.id, city.position, weight);
                }
            }
        }
        for idea in &world.ideas {
            let Some(mission) = world.mission(idea, &[]) else { continue };
            let own = each.entry(mission.specialization).or_default();
            for one in &idea.inspiration {
                all.add(&one.city, one.position, weights.inspiration * one.weight);
                own.add(&one.city, one.position, weights.inspiration * one.weight);
            }
        }
        let by_specialization = each.into_iter().map(|(name, tally)| (name, tally.points())).collect();
        Self { points: all.points(), by_specialization }
    }

    pub(super) fn total(&self) -> u64 {
        sum(&self.points)
    }
}

#[derive(Debug, Default)]
struct Tally(BTreeMap<String, (Position, u64)>);

impl Tally {
    fn add(&mut self, city: &str, position: Position, weight: f64) {
        let (_, amount) = self.0.entry(city.to_owned()).or_insert((position, 0));
        // A cast saturates, so an absurd weight cannot wrap.
        *amount = amount.saturating_add((weight * PARTS).round() as u64).min(u64::from(u32::MAX) * 1_000);
    }

    fn points(self) -> Vec<Point> {
        let points = self.0.into_iter().map(|(city, (position, amount))| Point { city, position, amount });
        points.filter(|point| point.amount > 0).collect()
    }
}
