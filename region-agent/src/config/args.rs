//! Flags and `MERIDIAN_*` variables.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::file::RunnerKind;

/// `region-agent run`.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// TOML file with the same settings, below flags and variables
    #[arg(long, env = "MERIDIAN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Scheduler address; several in order of distance
    #[arg(long = "scheduler", env = "MERIDIAN_SCHEDULERS", value_name = "URL", value_delimiter = ',')]
    pub schedulers: Vec<String>,
    /// Region to serve
    #[arg(long, env = "MERIDIAN_REGION", value_name = "NAME")]
    pub region: Option<String>,
    /// Pool to serve, with its most slots; several. Without any: all pools of the region
    #[arg(long = "pool", env = "MERIDIAN_POOLS", value_name = "SPECIALIZATION[=SLOTS]", value_delimiter = ',')]
    pub pools: Vec<String>,
    /// Name for people [default: region and process id]
    #[arg(long, env = "MERIDIAN_NAME")]
    pub name: Option<String>,
    /// File that holds the bearer token; else the variable `MERIDIAN_TOKEN` holds it
    #[arg(long, env = "MERIDIAN_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Address of /health, /ready and /metrics [default: 127.0.0.1:7800]
    #[arg(long, env = "MERIDIAN_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Folder for finished results that are not accepted yet [default: in the user's state folder, by name or port]
    #[arg(long, env = "MERIDIAN_SPOOL", value_name = "FOLDER")]
    pub spool: Option<PathBuf>,
    /// How long a drain waits for running missions [default: 30s]
    #[arg(long, env = "MERIDIAN_GRACE", value_name = "DURATION")]
    pub grace: Option<String>,
    /// simulated: append what was done to this file, a JSON line each
    #[arg(long, env = "MERIDIAN_LEDGER", value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Append which results were brought and what was answered to this file, a JSON line each
    #[arg(long, env = "MERIDIAN_HISTORY", value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// What works on missions
    #[command(flatten)]
    pub runner: RunnerArgs,
}

/// What works on missions.
#[derive(Debug, Clone, Default, Args)]
pub struct RunnerArgs {
    /// What works on missions
    #[arg(long = "runner", env = "MERIDIAN_RUNNER", value_enum)]
    pub kind: Option<RunnerKind>,
    /// command, http: longest run, where it is shorter than the mission's
    #[arg(long, env = "MERIDIAN_TIME_LIMIT", value_name = "DURATION")]
    pub time_limit: Option<String>,
    /// command: variable that the runner gets; several [default: `PATH,HOME,LANG,LC_ALL,TZ,TMPDIR`]
    #[arg(long = "env", env = "MERIDIAN_RUNNER_ENV", value_name = "VARIABLE", value_delimiter = ',')]
    pub env: Vec<String>,
    /// command: secret variable that the runner gets and no report shows; several
    #[arg(long = "secret", env = "MERIDIAN_RUNNER_SECRETS", value_name = "VARIABLE", value_delimiter = ',')]
    pub secrets: Vec<String>,
    /// command: runs get folders in here [default: work in the spool folder]
    #[arg(long, env = "MERIDIAN_WORK", value_name = "FOLDER")]
    pub work: Option<PathBuf>,
    /// http: missions go here by POST
    #[arg(long, env = "MERIDIAN_WORKER_URL", value_name = "URL")]
    pub worker_url: Option<String>,
    /// simulated: the same seed gives the same runs
    #[arg(long = "simulated-seed", env = "MERIDIAN_SIMULATED_SEED", value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// simulated: shortest run [default: 100ms]
    #[arg(long = "simulated-min", env = "MERIDIAN_SIMULATED_MIN", value_name = "DURATION")]
    pub min: Option<String>,
    /// simulated: longest run [default: 1s]
    #[arg(long = "simulated-max", env = "MERIDIAN_SIMULATED_MAX", value_name = "DURATION")]
    pub max: Option<String>,
    /// simulated: share of runs that fail, 0 to 1 [default: 0]
    #[arg(long = "simulated-failures", env = "MERIDIAN_SIMULATED_FAILURES", value_name = "SHARE")]
    pub failure_rate: Option<f64>,
    /// command: program and arguments, after --
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}
