#![doc = include_str!("../README.md")]

pub mod embed;
pub mod lesson;
pub mod model;
pub mod rank;
pub mod text;

#[cfg(test)]
mod testing;
