//! Drills whose programs are stubs on PATH: they write down how they were called.
//!
//! The program `chaos` runs as a process of its own, so that it can be killed.

#[path = "cluster/bed.rs"]
mod bed;
#[path = "cluster/database.rs"]
mod database;
#[path = "cluster/dry_run.rs"]
mod dry_run;
#[path = "cluster/gates.rs"]
mod gates;
#[path = "cluster/killed.rs"]
mod killed;
#[path = "cluster/load.rs"]
mod load;
#[path = "cluster/scheduler.rs"]
mod scheduler;
#[path = "cluster/stop.rs"]
mod stop;
#[path = "cluster/undo.rs"]
mod undo;
