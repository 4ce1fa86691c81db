//! End to end: real schedulers, agents, runners and a real database, broken on purpose.
//!
//! One program, so that the worlds share one build and one database server; each test has a database of its own.

#![expect(clippy::print_stderr, reason = "a run tells the figures that it judged")]

#[path = "e2e/database_outage.rs"]
mod database_outage;
#[path = "e2e/drain_a_region.rs"]
mod drain_a_region;
#[path = "e2e/edit_the_topology.rs"]
mod edit_the_topology;
#[path = "e2e/fixture.rs"]
mod fixture;
#[path = "e2e/gateways.rs"]
mod gateways;
#[path = "e2e/kill_the_drill.rs"]
mod kill_the_drill;
#[path = "e2e/learn.rs"]
mod learn;
#[path = "e2e/lose_a_region.rs"]
mod lose_a_region;
#[path = "e2e/lose_the_agents.rs"]
mod lose_the_agents;
#[path = "e2e/lose_the_owner.rs"]
mod lose_the_owner;
#[path = "e2e/lost_answers.rs"]
mod lost_answers;
#[path = "e2e/memory_bed.rs"]
mod memory_bed;
#[path = "e2e/overload.rs"]
mod overload;
#[path = "e2e/pause_a_region.rs"]
mod pause_a_region;
#[path = "e2e/poison.rs"]
mod poison;
#[path = "e2e/python_agent.rs"]
mod python_agent;
#[path = "e2e/recall_without_a_gateway.rs"]
mod recall_without_a_gateway;
#[path = "e2e/remember_without_a_gateway.rs"]
mod remember_without_a_gateway;
#[path = "e2e/stale_memory.rs"]
mod stale_memory;
#[path = "e2e/stay_forgotten.rs"]
mod stay_forgotten;
