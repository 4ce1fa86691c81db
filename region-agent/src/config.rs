//! The settings: flags, then `MERIDIAN_*` variables, then a TOML file, then defaults. All mistakes are told at once.

mod args;
mod duration;
mod file;
mod merge;
mod runners;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use topology::{RegionName, Specialization};

use crate::runner::{CommandSettings, HttpSettings, SimulatedSettings};

pub use args::{RunArgs, RunnerArgs};
pub use file::RunnerKind;
pub use merge::load;

/// The settings of one agent.
#[derive(Debug, Clone)]
pub struct Config {
    /// Schedulers, the nearest first.
    pub schedulers: Vec<String>,
    /// Bearer token.
    pub token: Option<Token>,
    /// The region that it serves.
    pub region: RegionName,
    /// A name for people.
    pub name: String,
    /// The pools that it serves, with the most slots of each; empty = all of the region, as many as are wished.
    pub pools: BTreeMap<Specialization, Option<i64>>,
    /// Where /health, /ready and /metrics are.
    pub listen: SocketAddr,
    /// Finished results are kept here.
    pub spool: PathBuf,
    /// How long a drain waits for running missions.
    pub grace: Duration,
    /// What works on missions of each pool that has a runner of its own.
    pub runners: BTreeMap<Specialization, RunnerSettings>,
    /// What works on all others.
    pub runner: RunnerSettings,
    /// Where simulations note what they did.
    pub ledger: Option<PathBuf>,
    /// Where the agent notes which results it brought and what it heard.
    pub history: Option<PathBuf>,
}

/// A bearer token, which no output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// What works on missions.
#[derive(Debug, Clone)]
pub enum RunnerSettings {
    /// A program.
    Command(CommandSettings),
    /// A worker.
    Http(HttpSettings),
    /// A simulation.
    Simulated(SimulatedSettings),
}

/// Everything that is wrong with the settings.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Mistakes(pub Vec<String>);

/// A duration, or the default and a mistake more.
fn length(text: Option<&str>, default: Duration, mistakes: &mut Vec<String>) -> Duration {
    match text.map(duration::parse) {
        None => default,
        Some(Ok(length)) => length,
        Some(Err(mistake)) => {
            mistakes.push(mistake);
            default
        }
    }
}
