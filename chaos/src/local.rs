//! The tier `local`: real schedulers, agents and a database server on loopback, every link through the fault proxy.
//!
//! | module | what |
//! | --- | --- |
//! | `topology` | the topology of a drill's world; pure |
//! | `links` | the links of a world, and which of them a fault is about; pure |

mod edge;
pub mod links;
mod load;
pub mod sample;
mod tail;
pub mod topology;
