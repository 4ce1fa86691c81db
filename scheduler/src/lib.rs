#![doc = include_str!("../README.md")]

pub mod cli;
pub mod config;
pub mod control;
mod dev;
pub mod engine;
mod figures;
pub mod http;
pub mod loops;
pub mod memory;
pub mod planted;
pub mod refusal;
pub mod state;
pub mod store;
pub mod view;
