//! The tier `local`: real schedulers, agents and a database server on loopback, every link through the fault proxy.
//!
//! | module | what |
//! | --- | --- |
//! | `topology` | the topology of a drill's world; pure |
//! | `links` | the links of a world, and which of them a fault is about; pure |

mod act;
mod carry;
mod database;
mod edge;
pub mod hits;
pub mod links;
mod load;
mod proxies;
pub mod sample;
mod site;
mod tail;
mod tier;
mod told;
pub mod topology;

pub use carry::{Options, Progress, drill};
pub use tier::{Local, LocalGauges, preview, previews};
