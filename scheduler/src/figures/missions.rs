//! Missions by state, pool and region.
//!
//! What is open is counted in the database by the load loop, bounded, whatever the number of missions; what is over is
//! counted as it happens, each by the scheduler that made it so. Labels are names of the topologies that were in force.

use metrics::{describe_counter, describe_gauge};
use scheduler_core::lifecycle::MissionState;
use topology::PoolId;

use super::count;
use crate::view::{View, Views};

/// Missions of a pool by state: what is placed.
const POOL: &str = "scheduler_pool_missions";
/// Missions that no pool has: what is pending, by home.
const PENDING: &str = "scheduler_pending_missions";
/// What is over, by the pool where it ended, but for what drills submitted.
const FINISHED: &str = "scheduler_missions_finished_total";
/// The same of what drills submitted: objectives and alerts are about work.
const DRILL_FINISHED: &str = "scheduler_drill_missions_finished_total";

pub(super) fn describe() {
    describe_gauge!(POOL, "Missions of a pool by state (queued, leased), as last published");
    describe_gauge!(PENDING, "Missions that no pool may take now, of the oldest 5,000 of a home, by specialization");
    describe_counter!(FINISHED, "Missions that ended here as succeeded, failed or cancelled, by their last pool");
    describe_counter!(DRILL_FINISHED, "Missions of drills that ended here, likewise; they are not among the others");
}

/// Counts a mission that came to an end, in its last pool; one that had none counts under empty names. Does nothing for
/// a state that goes on. What a drill submitted has a counter of its own.
pub(crate) fn finished(state: MissionState, pool: Option<&PoolId>, of_drill: bool) {
    if !state.is_finished() {
        return;
    }
    let name = |of: fn(&PoolId) -> String| pool.map_or_else(String::new, of);
    let labels = [
        ("state", state.as_str().to_owned()),
        ("region", name(|pool| pool.region.to_string())),
        ("specialization", name(|pool| pool.specialization.to_string())),
    ];
    metrics::counter!(if of_drill { DRILL_FINISHED } else { FINISHED }, &labels).increment(1);
}

/// Brings the figures of what is open up to date.
pub(crate) fn observe(views: &Views) {
    observe_pools(&views.current());
    for (home, name, missions) in views.pending() {
        let labels = [("home", home.to_string()), ("specialization", name.to_string())];
        metrics::gauge!(PENDING, &labels).set(count(missions));
    }
}

fn observe_pools(view: &View) {
    for (pool, load) in view.loads.iter() {
        let labels = [("region", pool.region.to_string()), ("specialization", pool.specialization.to_string())];
        metrics::gauge!("scheduler_pool_sessions", &labels).set(count(load.sessions));
        metrics::gauge!("scheduler_pool_slots", &labels).set(count(load.slots));
        metrics::gauge!("scheduler_pool_unmet", &labels).set(count(load.unmet));
        for (state, missions) in [("queued", load.queued), ("leased", load.leased)] {
            let [region, specialization] = labels.clone();
            metrics::gauge!(POOL, &[region, specialization, ("state", state.to_owned())]).set(count(missions));
        }
    }
}
