#![doc = include_str!("../README.md")]

pub mod boundary;
pub mod embed;
pub mod lawful;
pub mod model;
pub mod rank;
pub mod recall;
pub mod text;
