#![doc = include_str!("../README.md")]

pub mod boundary;
pub mod embed;
pub mod evidence;
pub mod lawful;
pub mod lesson;
pub mod lessons;
pub mod memories;
pub mod model;
pub mod rank;
pub mod recall;
pub mod reembed;
pub mod store;
pub mod text;
pub mod transfer;
pub mod work;

#[cfg(test)]
mod testing;
