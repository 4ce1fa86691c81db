//! The tier `local`: real schedulers, agents and a database server on loopback, every link through the fault proxy.
//!
//! | module | what |
//! | --- | --- |
//! | `topology` | the topology of a drill's world; pure |
//! | `links` | the links of a world, and which of them a fault is about; pure |
//! | `shape` | what missions a world can have; pure |
//! | `choice` | which regions a drill's faults are about |
//! | `outcome` | what a run is worth, as its journal |
//!
//! `load`, `edge`, `sample`, `shape`, `choice` and `outcome` know no database: a drill on a world that is up has them too.

pub(crate) mod act;
mod carry;
pub(crate) mod choice;
mod database;
pub(crate) mod edge;
pub mod hits;
pub mod links;
pub(crate) mod load;
pub(crate) mod outcome;
mod proxies;
pub mod sample;
pub(crate) mod shape;
mod site;
mod stretch;
mod tail;
pub(crate) mod tier;
pub(crate) mod told;
pub mod topology;

pub use carry::drill;
pub use database::Engine;
pub use outcome::{Options, Progress};
pub use tier::{Local, LocalGauges, preview, previews};
