#![doc = include_str!("../README.md")]

pub mod embed;
pub mod lesson;
pub mod model;
pub mod rank;
pub mod store;
pub mod text;
pub mod work;
