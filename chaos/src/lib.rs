#![doc = include_str!("../README.md")]

pub mod attach;
pub mod checker;
pub mod cluster;
pub mod command;
pub mod drill;
pub mod facts;
#[cfg(test)]
mod fake_http;
pub mod history;
pub mod http;
pub mod journal;
pub mod load;
pub mod local;
pub mod measure;
pub mod proxy;
pub mod registry;
pub mod report;
pub mod run;
pub mod session;
pub mod sim;
pub mod stop;
pub mod tier;
pub mod undo;
pub mod wait;
pub mod world;
