//! `scheduler dev`: a whole world on this machine, with real processes: the database, one scheduler and one region
//! agent for each region of the topology, and the missions of the world's ideas.
//!
//! | module | what |
//! | --- | --- |
//! | `world` | starts, watches and ends the world |
//! | `crew` | the processes of the regions, as the topology wants them |
//! | `child` | one child process |
//! | `ideas` | missions from the world's ideas |
//! | `report` | the final table |
//! | `detach` | a world in the background, and its end |
//! | `revive` | starts again what fell |
//! | `terminal` | Ctrl-C under `make` |
//! | `database` | its database |
//! | `folder`, `note`, `ports` | where it keeps what, and what it notes of itself |

mod child;
mod crew;
mod database;
mod detach;
mod folder;
mod ideas;
mod note;
mod ports;
mod report;
mod revive;
mod terminal;
mod world;

use std::path::PathBuf;

use ::memory::embed::{Choice, choice};
use clap::Subcommand;

use crate::cli::{Output, Stop, unless_aborted};
use folder::Folder;
use ports::Ports;

pub(crate) use ports::taken;

/// `scheduler dev`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    what: What,
    /// Return when the world is up, and let it run
    #[arg(long, env = "DETACH", num_args = 0..=1, default_missing_value = "1", value_parser = switch, default_value = "0")]
    detach: bool,
    /// This is the process in the background
    #[arg(long, hide = true)]
    background: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Verb {
    /// End the world that runs in the background or elsewhere
    Stop,
    /// Start again what fell in the world that runs: schedulers and agents that were killed
    Revive,
    /// Start the local database alone, and print its URL
    Db,
    /// Delete the local database with all that is in it
    Reset,
}

/// Which of several worlds.
#[derive(Debug, Clone, clap::Args)]
struct Place {
    /// First port of the schedulers; agents and database move along
    #[arg(long, env = "PORT_BASE", default_value_t = ports::DEFAULT_BASE, global = true)]
    port_base: u16,
    /// Where the world keeps its logs and notes [default: ~/.local/state/meridian/BASE]
    #[arg(long, env = "MERIDIAN_STATE", global = true)]
    state: Option<PathBuf>,
}

/// What is in the world.
#[derive(Debug, Clone, clap::Args)]
struct What {
    /// Topology
    #[arg(long, env = "MERIDIAN_TOPOLOGY", default_value = "topology/topology.yaml")]
    topology: PathBuf,
    /// World model
    #[arg(long, env = "MERIDIAN_WORLD", default_value = "scheduler/worlds/example/world_state.json")]
    world: PathBuf,
    /// Its knowledge
    #[arg(long, env = "MERIDIAN_KNOWLEDGE", default_value = "scheduler/worlds/example/knowledge.json")]
    knowledge: PathBuf,
    /// How the schedulers make vectors of memories, as `scheduler serve --embeddings`: lexical, static:FOLDER, api:MODEL or
    /// api:MODEL@URL [default: lexical]
    #[arg(long, env = "MERIDIAN_EMBEDDINGS", value_parser = embeddings)]
    embeddings: Option<String>,
    /// Missions to submit; the world's ideas are taken again and again
    #[arg(long, env = "MISSIONS", default_value_t = 200)]
    missions: usize,
    /// Shortest run of a simulated mission
    #[arg(long, default_value = "50ms")]
    simulated_min: String,
    /// Longest run of a simulated mission
    #[arg(long, default_value = "400ms")]
    simulated_max: String,
}

/// A wrong word is refused here, not by every scheduler in its log.
fn embeddings(text: &str) -> Result<String, choice::Unknown> {
    text.parse::<Choice>().map(|_| text.to_owned())
}

/// `1`, `true` and `yes` switch on, as people write them in front of `make`.
#[expect(clippy::unnecessary_wraps, reason = "what clap calls")]
fn switch(text: &str) -> Result<bool, String> {
    Ok(matches!(text.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"))
}

/// Runs the command.
pub(crate) async fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let ports = Ports::from_base(args.place.port_base).ok_or_else(|| {
        Stop::usage(format!("--port-base {} leaves no room for the other ports", args.place.port_base))
    })?;
    let folder = Folder::new(args.place.state.as_deref(), ports.base());
    match args.verb {
        Some(Verb::Stop) => {
            unless_aborted("the world may end all the same", detach::stop(&folder, ports, output)).await
        }
        Some(Verb::Revive) => unless_aborted("it may be started all the same", revive::ask(&folder, output)).await,
        Some(Verb::Reset) => unless_aborted("some of it may be gone", detach::reset(&folder, ports, output)).await,
        Some(Verb::Db) => unless_aborted("it may start all the same", world::database_only(ports, output)).await,
        None => {
            if let Some(running) = folder.running().filter(|_| !args.background) {
                return detach::already(&running, output);
            }
            if args.detach && !args.background {
                let leaves = "the world goes on in the background; `make down` ends it";
                unless_aborted(leaves, detach::start(&folder, output)).await
            } else {
                world::run(&args.what, &folder, ports, args.background, output).await
            }
        }
    }
}
