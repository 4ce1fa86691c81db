#![doc = include_str!("../README.md")]

pub mod checker;
pub mod drill;
pub mod history;
pub mod http;
pub mod journal;
pub mod judge;
pub mod load;
pub mod sim;
pub mod tier;
pub mod undo;
pub mod wait;
pub mod world;
