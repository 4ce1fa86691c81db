//! The command line: a server, a world on one machine, and the human's client.

mod events;
mod migrate;
mod mission;
mod output;
mod region;
mod remote;
mod serve;
mod signals;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use telemetry::LogFormat;

pub(crate) use migrate::migrate;
pub use output::Format;
pub(crate) use output::{Output, table};
pub(crate) use signals::{Signals, unless_aborted};

use crate::dev;

/// Takes missions, places them in the best region, leases them to agents.
#[derive(Debug, Parser)]
#[command(name = "scheduler", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// How answers look
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// How logs look
    #[arg(long, global = true, value_enum, default_value_t, env = "MERIDIAN_LOG_FORMAT")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 ok, 1 finding (a refused file, missions that failed), 2 usage, 3 could not reach something or was refused, \
4 aborted by Ctrl-C or SIGTERM, 5 the program itself broke. `serve` and `dev` end with 0 by a signal.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve one region
    Serve(Box<serve::Args>),
    /// Run a whole world on this machine
    Dev(dev::Args),
    /// Bring the database to this program's schema
    Migrate(migrate::Args),
    /// Submit, show, list, explain, cancel and retry missions
    Mission(mission::Args),
    /// List, cordon, drain and uncordon regions
    Region(region::Args),
    /// Create, list and revoke tokens
    Token(token::Args),
    /// Follow changes, as hints
    Events(events::Args),
    /// Print the OpenAPI document
    Openapi,
}

/// Runs one command.
///
/// The exit codes are those of `Failure`, and 0.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let output = Output::new(cli.format);
    match start(cli, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(&error);
            output.failed(&error, failure);
            ExitCode::from(failure as u8)
        }
    }
}

/// What an aborted request leaves.
const UNKNOWN: &str = "what was asked for may have been done all the same";

/// What an aborted migration leaves.
const MIGRATION: &str = "what was applied stays; run it again to go on, it waits up to 15 s for its turn";

fn start(cli: Cli, output: &Output) -> anyhow::Result<()> {
    if matches!(cli.command, Command::Openapi) {
        return output.raw(crate::http::openapi::text());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(*args, cli.log_format).await,
            Command::Dev(args) => dev::run(args, output).await,
            Command::Migrate(args) => unless_aborted(MIGRATION, migrate::run(args, output)).await,
            Command::Mission(args) => unless_aborted(UNKNOWN, mission::run(args, output)).await,
            Command::Region(args) => unless_aborted(UNKNOWN, region::run(args, output)).await,
            Command::Token(args) => unless_aborted(UNKNOWN, token::run(args, output)).await,
            Command::Events(args) => unless_aborted("no longer followed", events::run(args, output)).await,
            Command::Openapi => Ok(()),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

/// Why a command ended without success; the number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Failure {
    /// What was looked at is not as it should be.
    Finding = 1,
    /// The command makes no sense.
    Usage = 2,
    /// Could not reach something, or was refused.
    Refused = 3,
    /// Ctrl-C or SIGTERM came first.
    Aborted = 4,
    /// The program failed.
    Broken = 5,
}

/// An error with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Stop {
    /// Which exit code.
    pub(crate) failure: Failure,
    /// For people.
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn finding(message: impl Into<String>) -> Self {
        Self { failure: Failure::Finding, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { failure: Failure::Usage, message: message.into() }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { failure: Failure::Refused, message: message.into() }
    }
}

impl Failure {
    fn of(error: &anyhow::Error) -> Self {
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return stop.failure;
        }
        if error.is::<crate::config::Error>() {
            return Self::Usage;
        }
        let is_outside = error.chain().any(|cause| {
            cause.is::<scheduler_client::Error>()
                || cause.is::<crate::refusal::Refusal>()
                || cause.is::<sql::Error>()
                || cause.is::<sql::migrate::Error>()
        });
        if is_outside { Self::Refused } else { Self::Broken }
    }
}
