//! `chaos drill`: one module a tier.

mod attach;
mod cluster;
mod local;
mod progress;
mod sim;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chaos::drill::{Drill, TierName, catalogue, file};
use clap::ValueEnum;

use super::output::{Exit, Output, Stop};
use super::state::State;
use super::validate::variable;

/// Take something away on purpose, watch what happens, and undo it
///
/// Drills are names of `chaos list` or files. On the tier `local`, the default, each starts a world of its own on free
/// ports, with a database of its own; nothing else on this machine is touched. Several drills run one after the other
/// and end with one table. With `--attach` one drill runs on a world that is up, as far as that can be done there.
///
/// Exit code 0: everything held. 1: it did not, or the run proves nothing. 3: something is in the way, and nothing was
/// done. 4: it was broken off, and undone.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Names of the catalogue, or files
    #[arg(required_unless_present_any = ["catalogue", "oracles"])]
    drills: Vec<PathBuf>,
    /// Every drill of the catalogue that the tier can do, but for those with planted bugs
    #[arg(long)]
    catalogue: bool,
    /// The drills with planted bugs: each must fail for the reason of its bug
    #[arg(long, conflicts_with = "catalogue")]
    oracles: bool,
    /// Where it runs
    #[arg(long, value_enum, default_value_t = TierArg::Local)]
    tier: TierArg,
    /// Database of a world of its own [default: cockroach where that is on PATH, else postgres]
    #[arg(long, value_enum, env = "MERIDIAN_DRILL_ENGINE")]
    engine: Option<EngineArg>,
    /// The region that is taken away; short for `--var region=NAME` [default: the file's]
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Seed of everything that is drawn [default: the file's]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// A value in place of one of the file's configuration
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    vars: Vec<(String, String)>,
    /// Measure and tell times, but judge none: for a machine that is busy with other things
    #[arg(long)]
    untimed: bool,
    /// Tell what would be hit, and how it would be undone; start nothing
    #[arg(long)]
    dry_run: bool,
    /// Folder for what the runs write, one a drill [default: one of its own in the state folder]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    sim: sim::Simulation,
    #[command(flatten)]
    world: attach::World,
    #[command(flatten)]
    cluster: cluster::Deployment,
    #[command(flatten)]
    state: State,
}

/// Where a drill runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TierArg {
    /// The scheduler's pure core against a modelled database, by seed.
    Sim,
    /// Real processes of its own on this machine.
    Local,
    /// A deployment, by the commands that the file declares.
    Cluster,
}

/// Which database a world of its own has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineArg {
    /// One server, in no region.
    Postgres,
    /// A node in every region, by the program on PATH.
    Cockroach,
}

pub(super) async fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let Some(drills) = drills(args, output)? else { return Ok(Exit::Finding) };
    if let Some(url) = &args.world.attach {
        let [drill] = drills.as_slice() else { return Err(Stop::usage("one drill at a time on a world that is up")) };
        return attach::run(args, url, drill, output).await;
    }
    match (args.tier, drills.as_slice()) {
        (TierArg::Sim, all) => sim::run(args, all, output),
        (TierArg::Cluster, [drill]) => cluster::run(args, drill, output).await,
        (TierArg::Cluster, _) => Err(Stop::usage("one drill at a time on a deployment")),
        (TierArg::Local, [drill]) if !args.oracles => local::run(args, drill, output).await,
        (TierArg::Local, all) => local::run_all(args, all, output).await,
    }
}

/// The drills that are meant; none where a file is refused, which was told then.
fn drills(args: &Args, output: &mut Output) -> anyhow::Result<Option<Vec<Drill>>> {
    let mut all = Vec::new();
    for path in named(args)? {
        match read(args, &path)? {
            Ok(drill) => all.push(drill),
            Err(findings) => {
                output.result(&findings, || findings.render(false))?;
                return Ok(None);
            }
        }
    }
    Ok(Some(all))
}

fn named(args: &Args) -> anyhow::Result<Vec<PathBuf>> {
    let tier = match args.tier {
        TierArg::Sim => TierName::Sim,
        TierArg::Local => TierName::Local,
        TierArg::Cluster => TierName::Cluster,
    };
    if !args.catalogue && !args.oracles {
        return Ok(args.drills.clone());
    }
    let mut names = Vec::new();
    for entry in catalogue::all() {
        let drill = entry.read(&BTreeMap::new())?;
        if drill.tiers.contains(&tier) && drill.world.planted_bug.is_some() == args.oracles {
            names.push(PathBuf::from(drill.name));
        }
    }
    Ok(names)
}

/// A drill by its name or file, with the values of the command line; the findings where the file is refused.
fn read(args: &Args, path: &Path) -> anyhow::Result<Result<Drill, topology::config::Findings>> {
    let mut vars: BTreeMap<String, String> = args.vars.iter().cloned().collect();
    if let Some(region) = &args.region {
        vars.insert("region".to_owned(), region.clone());
    }
    let known = path.to_str().and_then(catalogue::find);
    let read = match known {
        Some(entry) => entry.read(&vars),
        None => {
            let text = std::fs::read_to_string(path).with_context(|| {
                format!("{} is no drill of `chaos list`, and could not be read as a file", path.display())
            });
            let text = text.map_err(|error| Stop::usage(format!("{error:#}")))?;
            file::read(&text, &path.to_string_lossy(), &vars)
        }
    };
    Ok(read.map(|mut drill| {
        match args.tier {
            // Its seed is another: the load's would make another run of the one that is to be replayed.
            TierArg::Sim => {}
            TierArg::Local | TierArg::Cluster => drill.load.seed = args.seed.unwrap_or(drill.load.seed),
        }
        if args.untimed { drill.untimed() } else { drill }
    }))
}
