//! Missions from the world's ideas, with their real inspiration weights.

use anyhow::Context as _;
use scheduler_client::wire::{Origin, SubmitMission, WeightedPoint, default_priority};
use serde_json::json;
use topology::Topology;
use topology::world::{IdeaMission, World};

use super::What;
use crate::cli::Stop;

/// Most weighted points that a mission takes.
const MAX_POINTS: usize = 64;

/// Reads the world; none where its file does not exist.
pub(super) fn read_world(what: &What) -> anyhow::Result<Option<World>> {
    if !what.world.exists() {
        return Ok(None);
    }
    let world =
        std::fs::read_to_string(&what.world).with_context(|| format!("cannot read {}", what.world.display()))?;
    let knowledge = if what.knowledge.exists() { Some(std::fs::read_to_string(&what.knowledge)?) } else { None };
    let world = World::read(&world, knowledge.as_deref())
        .map_err(|error| Stop::finding(format!("{}: {error}", what.world.display())))?;
    Ok(Some(world))
}

/// `count` missions: the ideas in their order, again and again.
pub(super) fn missions(world: &World, topology: &Topology, count: usize) -> Vec<SubmitMission> {
    let known = topology.specializations();
    let ideas: Vec<IdeaMission> = world.ideas.iter().filter_map(|idea| world.mission(idea, &known)).collect();
    ideas.iter().cycle().take(if ideas.is_empty() { 0 } else { count }).enumerate().map(mission).collect()
}

fn mission((index, idea): (usize, &IdeaMission)) -> SubmitMission {
    let points = idea
        .origin
        .iter()
        .take(MAX_POINTS)
        .map(|inspiration| WeightedPoint { at: inspiration.position, weight: inspiration.weight })
        .collect();
    SubmitMission {
        specialization: idea.specialization.to_string(),
        title: idea.title.chars().take(500).collect(),
        origin: Some(Origin::Weighted(points)),
        residency: None,
        priority: default_priority(),
        payload: json!({ "idea": idea.idea, "round": index, "chosen_by": idea.chosen_by.to_string() }),
        run_limit_ms: None,
        start_by: None,
        max_attempts: None,
        idempotency_key: None,
        drill: None,
    }
}
