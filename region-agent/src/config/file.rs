//! The TOML file. Unknown keys are mistakes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Deserialize;

use super::args::RunnerArgs;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) schedulers: Vec<String>,
    pub(super) token: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) region: Option<String>,
    pub(super) name: Option<String>,
    pub(super) pools: Vec<String>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) spool: Option<PathBuf>,
    pub(super) grace: Option<String>,
    pub(super) ledger: Option<PathBuf>,
    pub(super) history: Option<PathBuf>,
    pub(super) runner: RunnerFile,
    pub(super) runners: BTreeMap<String, RunnerFile>,
}

/// `[runner]`, or `[runners.SPECIALIZATION]` for one pool.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RunnerFile {
    pub(super) kind: Option<RunnerKind>,
    pub(super) command: Vec<String>,
    pub(super) env: Vec<String>,
    pub(super) secrets: Vec<String>,
    pub(super) work: Option<PathBuf>,
    pub(super) time_limit: Option<String>,
    pub(super) worker_url: Option<String>,
    pub(super) seed: Option<u64>,
    pub(super) min: Option<String>,
    pub(super) max: Option<String>,
    pub(super) failure_rate: Option<f64>,
}

/// Kinds of runners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    /// A program: mission on standard input, result on standard output, both JSON
    Command,
    /// A worker: mission by POST, result answered
    Http,
    /// Seeded durations and failures
    Simulated,
}

impl File {
    /// Reads a file; no path is an empty file.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self::default()) };
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| told(&e))?;
        toml::from_str(&text).map_err(|e| told(&e))
    }
}

impl RunnerFile {
    /// What this says, and where it says nothing, what `below` says.
    pub(super) fn over(self, below: Self) -> Self {
        Self {
            kind: self.kind.or(below.kind),
            command: some_or(self.command, below.command),
            env: some_or(self.env, below.env),
            secrets: some_or(self.secrets, below.secrets),
            work: self.work.or(below.work),
            time_limit: self.time_limit.or(below.time_limit),
            worker_url: self.worker_url.or(below.worker_url),
            seed: self.seed.or(below.seed),
            min: self.min.or(below.min),
            max: self.max.or(below.max),
            failure_rate: self.failure_rate.or(below.failure_rate),
        }
    }
}

/// The flags in the file's form.
impl From<RunnerArgs> for RunnerFile {
    fn from(args: RunnerArgs) -> Self {
        Self {
            kind: args.kind,
            command: args.command,
            env: args.env,
            secrets: args.secrets,
            work: args.work,
            time_limit: args.time_limit,
            worker_url: args.worker_url,
            seed: args.seed,
            min: args.min,
            max: args.max,
            failure_rate: args.failure_rate,
        }
    }
}

/// The first list that says something.
pub(super) fn some_or<T>(first: Vec<T>, second: Vec<T>) -> Vec<T> {
    if first.is_empty() { second } else { first }
}
