//! Real agent processes against a small scheduler of the tests' own.

#[path = "agent/drain.rs"]
mod drain;
#[path = "agent/fake.rs"]
mod fake;
#[path = "agent/leases.rs"]
mod leases;
#[path = "agent/process.rs"]
mod process;
#[path = "agent/python.rs"]
mod python;
#[path = "agent/results.rs"]
mod results;
#[path = "agent/runners.rs"]
mod runners;
#[path = "agent/supervision.rs"]
mod supervision;
