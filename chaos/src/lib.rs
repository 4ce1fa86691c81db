#![doc = include_str!("../README.md")]

pub mod http;
pub mod judge;
pub mod load;
pub mod wait;
pub mod world;
