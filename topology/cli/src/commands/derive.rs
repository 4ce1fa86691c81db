//! `topology derive`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use topology::catalogue::Partition;
use topology::config::{Engine, Parsed};
use topology::derive::{self, Derived, Options, Seal, Weights, seal_of};
use topology::model::{Provider, Role};
use topology::world::{Oddity, World};

use super::file;
use crate::exit::{Exit, Stop};
use crate::output::Output;

/// Largest world or knowledge file that is read, in bytes.
const WORLD_MAX_BYTES: u64 = 256 << 20;

/// `topology derive`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  topology derive --world world_state.json --knowledge knowledge.json --out topology.yaml\n  topology derive --world world_state.json --regions 5 --providers AWS,GCP --weights inspiration=1,visit=0.5\n  topology derive --world world_state.json --previous topology.yaml --out topology.yaml\n\nWithout --out the file goes to standard output."
)]
pub(crate) struct Derive {
    /// The world: cities and agents (Chained's `world_state.json`).
    #[arg(long, value_name = "FILE")]
    world: PathBuf,
    /// Its ideas (Chained's knowledge.json).
    #[arg(long, value_name = "FILE")]
    knowledge: Option<PathBuf>,
    /// How many regions to choose.
    #[arg(long, short = 'n', default_value_t = 3, value_name = "N")]
    regions: usize,
    /// Providers to choose from, in any letter case; all four where absent.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    providers: Vec<Provider>,
    /// Partitions to choose from besides the standard one: china, government, sovereign.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    partition: Vec<Partition>,
    /// What counts how much.
    #[arg(long, default_value_t = Weights::default(), value_name = "LIST")]
    weights: Weights,
    /// A topology whose regions and pools move only for a gain above 10 %.
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite --out even where somebody has edited it since.
    #[arg(long, requires = "out")]
    force: bool,
}

/// Writes a topology for a world.
pub(super) fn run(args: &Derive, output: &mut Output) -> anyhow::Result<Exit> {
    let world = world(args)?;
    let previous = match &args.previous {
        Some(path) => match file::load(path, Engine::default(), output)? {
            Ok(Parsed { topology, .. }) => Some(topology),
            Err(exit) => return Ok(exit),
        },
        None => None,
    };
    let derived =
        derive::derive(&world, &options(args), previous.as_ref()).map_err(|error| Stop::finding(chain(&error)))?;
    // What this tool writes and does not accept itself is its own fault, never the user's.
    topology::config::parse(&derived.text, "derived topology")
        .map_err(|findings| anyhow::anyhow!("the derived topology does not validate\n{}", findings.render(false)))?;
    if let Some(path) = &args.out {
        write(path, &derived.text, args.force)?;
    }
    show(args, &world, &derived, output)?;
    Ok(Exit::Ok)
}

fn options(args: &Derive) -> Options {
    let mut partitions = vec![Partition::Standard];
    partitions.extend(args.partition.iter().filter(|partition| **partition != Partition::Standard));
    let providers = if args.providers.is_empty() { Provider::ALL.to_vec() } else { args.providers.clone() };
    Options { regions: args.regions, providers, partitions, weights: args.weights }
}

fn world(args: &Derive) -> anyhow::Result<World> {
    let state = read(&args.world)?;
    let knowledge = args.knowledge.as_deref().map(read).transpose()?;
    World::read(&state, knowledge.as_deref()).map_err(|error| Stop::finding(chain(&error)))
}

fn read(path: &Path) -> anyhow::Result<String> {
    let unreadable = |error: std::io::Error| Stop::usage(format!("cannot read {}: {error}", path.display()));
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > WORLD_MAX_BYTES {
        return Err(Stop::finding(format!("{} has {bytes} bytes, more than a world of 256 MiB", path.display())));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| Stop::finding(format!("{} is not UTF-8", path.display())))
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

/// Writes the file by renaming, so that nobody ever reads half of it.
fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    if let Ok(old) = std::fs::read_to_string(path) {
        let why = match seal_of(&old) {
            Seal::Whole => None,
            Seal::Broken => Some("was edited since it was derived"),
            Seal::Missing => Some("was not written by derive"),
        };
        if let Some(why) = why.filter(|_| !force && !old.is_empty()) {
            let path = path.display();
            return Err(Stop::finding(format!(
                "{path} {why}; --force overwrites it, --previous {path} starts from it"
            )));
        }
    } else if path.exists() && !force {
        return Err(Stop::finding(format!("{} is no text that derive wrote; --force overwrites it", path.display())));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text).with_context(|| format!("cannot write {}", beside.display()))?;
    std::fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}

fn show(args: &Derive, world: &World, derived: &Derived, output: &mut Output) -> anyhow::Result<()> {
    let oddities: Vec<_> = world.oddities.iter().map(|Oddity { place, what }| format!("{place}: {what}")).collect();
    if output.is_json() {
        return output.json(&json!({ "report": derived.report, "oddities": oddities, "text": derived.text }));
    }
    for oddity in &oddities {
        output.note(&format!("odd: {oddity}"))?;
    }
    for left in &derived.report.left {
        output.note(&format!("previous: {left}"))?;
    }
    match &args.out {
        Some(path) => output.text(&format!("{}: {}", path.display(), summary(derived))),
        None => {
            output.text(&derived.text)?;
            output.note(&summary(derived))
        }
    }
}

fn summary(derived: &Derived) -> String {
    let report = &derived.report;
    let regions: Vec<_> = report.regions.iter().map(|region| region.name.as_str()).collect();
    let primaries = report.pools.iter().filter(|pool| pool.role == Role::Primary).count();
    format!(
        "{} with a demand-weighted round trip of {:.1} ms, {primaries} specializations in {} pools",
        regions.join(", "),
        report.weighted_rtt_us as f64 / 1000.0,
        report.pools.len()
    )
}
