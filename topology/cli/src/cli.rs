//! Command line of `topology`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use topology::{RegionName, ResidencyName, Specialization};

use crate::output::Format;

/// Which agent pools live in which cloud region: check, explain, compare and apply topology.yaml.
#[derive(Debug, Parser)]
#[command(name = "topology", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// How results are written.
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
A first walk:
  topology validate topology.yaml
  topology explain topology.yaml --from JP --specialization document-ninja
  topology plan topology.yaml --server http://127.0.0.1:7700
  topology apply topology.yaml --check-index 4 --message 'more engineers'
  topology history

Exit codes: 0 ok, 1 finding (a refused file), 2 usage, 3 could not reach the server or was refused,
4 aborted by Ctrl-C or SIGTERM, 5 the tool itself broke.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check files; every mistake is shown at once, with its place.
    Validate(Validate),
    /// Print the JSON Schema of topology.yaml, for editors.
    Schema,
    /// Show what changes from one topology to another.
    Plan(Plan),
    /// Put a file into force.
    Apply(Apply),
    /// Show which topology is in force.
    Status(ServerArgs),
    /// List the topologies that were in force, newest first.
    History(History),
    /// Put an earlier topology into force again.
    Revert(Revert),
    /// Show how a mission would be placed, offline.
    Explain(Explain),
    /// Write a topology for a world: the regions nearest to its demand.
    Derive(crate::commands::derive::Derive),
}

/// `topology validate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  topology validate topology.yaml\n  topology validate --engine cockroachdb topology.yaml\n  cat topology.yaml | topology --format json validate -"
)]
pub(crate) struct Validate {
    /// Files to check; `-` is standard input.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The database that the clocks must suit.
    #[arg(long, value_enum, default_value = "postgresql")]
    pub(crate) engine: EngineArg,
    /// Treat warnings as mistakes.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// The databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    Postgresql,
    Cockroachdb,
}

impl From<EngineArg> for topology::config::Engine {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Postgresql => Self::PostgreSql,
            EngineArg::Cockroachdb => Self::CockroachDb,
        }
    }
}

/// Where the scheduler is and who asks.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// Addresses of schedulers, nearest first.
    #[arg(long, env = "MERIDIAN_SERVER", value_delimiter = ',', default_value = "http://127.0.0.1:7700")]
    pub(crate) server: Vec<String>,
    /// Bearer token of an operator (a viewer's is enough to read).
    #[arg(long, env = "MERIDIAN_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

/// `topology plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  topology plan old.yaml new.yaml\n  topology plan new.yaml --server http://127.0.0.1:7700\n  topology plan old.yaml new.yaml --detailed-exitcode   (1 = there are changes)"
)]
pub(crate) struct Plan {
    /// OLD NEW, or NEW alone with --server.
    #[arg(required = true, num_args = 1..=2, value_names = ["OLD", "NEW"])]
    pub(crate) files: Vec<PathBuf>,
    /// Compare with the topology in force at these schedulers.
    #[arg(long, env = "MERIDIAN_SERVER", value_delimiter = ',')]
    pub(crate) server: Vec<String>,
    /// Bearer token of an operator or viewer.
    #[arg(long, env = "MERIDIAN_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Exit 1 where there are changes.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

/// `topology apply`.
#[derive(Debug, Args)]
#[command(
    after_help = "The check index is the version that `topology plan --server` shows. Where another topology came into\nforce since, apply refuses and shows what is different now.\n\nExamples:\n  topology apply topology.yaml --check-index 4 --message 'more engineers'\n  topology apply topology.yaml --check-index 4 --drain   (lets a removed region finish or move its missions)"
)]
pub(crate) struct Apply {
    /// The file to put into force.
    pub(crate) file: PathBuf,
    /// The version that the plan was made against.
    #[arg(long, alias = "base", value_name = "VERSION", value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) check_index: i64,
    /// Why; kept in the history.
    #[arg(long, short, default_value = "")]
    pub(crate) message: String,
    /// Let regions and pools that hold missions go, in order.
    #[arg(long)]
    pub(crate) drain: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `topology history`.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Versions to show.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=500))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `topology revert`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  topology revert 3 --message 'the new pool starved'\n\nThe earlier text goes through the same plan and checks as any other and becomes a new version."
)]
pub(crate) struct Revert {
    /// The version whose text comes back.
    pub(crate) version: i64,
    /// Why; kept in the history.
    #[arg(long, short)]
    pub(crate) message: Option<String>,
    /// Refuse where another version than this one is in force.
    #[arg(long, alias = "base", value_name = "VERSION")]
    pub(crate) check_index: Option<i64>,
    /// Let regions and pools that hold missions go, in order.
    #[arg(long)]
    pub(crate) drain: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// `topology explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  topology explain topology.yaml --from 48.85,2.35 --specialization secure-specialist\n  topology explain topology.yaml --from JP --specialization document-ninja --residency eu\n  topology explain topology.yaml --from 'US:San Francisco' --world world_state.json --specialization engineer-master"
)]
pub(crate) struct Explain {
    /// The topology.
    pub(crate) file: PathBuf,
    /// Where the mission comes from: a city id of the world, `lat,lng`, an ISO country code, or a region of the file.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) from: String,
    /// The kind of agent it needs.
    #[arg(long)]
    pub(crate) specialization: Specialization,
    /// The residency rule it is under.
    #[arg(long)]
    pub(crate) residency: Option<ResidencyName>,
    /// The world that city ids come from.
    #[arg(long)]
    pub(crate) world: Option<PathBuf>,
    /// Chooses among pools that are nearly alike, as a mission's own nonce does.
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    pub(crate) nonce: i64,
    /// Suppose that these regions are down.
    #[arg(long, value_delimiter = ',')]
    pub(crate) down: Vec<RegionName>,
}
