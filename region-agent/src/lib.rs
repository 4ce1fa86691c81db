#![doc = include_str!("../README.md")]

pub mod agent;
pub mod book;
pub mod clock;
pub mod config;
mod figures;
pub mod health;
pub mod history;
pub mod lease;
mod lines;
pub mod runner;
pub mod spool;
pub mod supervisor;
