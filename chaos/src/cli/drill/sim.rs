//! `chaos drill --tier sim`: many seeds, or one with its trace.

use std::fmt::Write as _;

use chaos::drill::Drill;
use chaos::sim::{self, Outcome};
use serde::Serialize;

use crate::cli::output::{Exit, Output, Stop};

/// What only the tier `sim` knows.
#[derive(Debug, clap::Args)]
pub(super) struct Simulation {
    /// So many seeds, from 0 on; the first that fails prints the line that replays it
    #[arg(long, default_value_t = 200, value_name = "NUMBER", conflicts_with = "seed")]
    seeds: u64,
}

/// What came of one drill.
#[derive(Serialize)]
struct Told {
    drill: String,
    /// What it is told as.
    text: String,
    /// Seeds that held.
    passed: u64,
    /// The seed that decided: the first that failed, or that found the planted bug.
    seed: Option<u64>,
    held: bool,
}

pub(super) fn run(args: &super::Args, drills: &[Drill], output: &mut Output) -> anyhow::Result<Exit> {
    for drill in drills {
        let refusals = sim::refusals(drill);
        if !refusals.is_empty() {
            return Err(Stop::refused(format!("{} cannot be simulated:\n  {}", drill.name, refusals.join("\n  "))));
        }
    }
    if let (Some(seed), [drill]) = (args.seed, drills) {
        return replay(drill, seed, output);
    }
    let mut all = Vec::new();
    for drill in drills {
        let told = told(drill, args.seed.map_or(0..args.sim.seeds, |seed| seed..seed + 1));
        output.note(&told.text)?;
        all.push(told);
    }
    let held = all.iter().all(|told| told.held);
    output.result(&all, || table(&all))?;
    Ok(if held { Exit::Ok } else { Exit::Finding })
}

/// One seed with everything that happened.
fn replay(drill: &Drill, seed: u64, output: &mut Output) -> anyhow::Result<Exit> {
    let outcome = sim::run_traced(drill, seed);
    let held = outcome.violations.is_empty();
    let value = serde_json::json!({
        "drill": drill.name,
        "seed": seed,
        "trace_digest": outcome.trace_digest.to_string(),
        "held": held,
        "violations": outcome.violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "trace": outcome.trace,
    });
    output.result(&value, || format!("{}\n{outcome}", outcome.trace.join("\n")))?;
    Ok(if held { Exit::Ok } else { Exit::Finding })
}

fn told(drill: &Drill, seeds: std::ops::Range<u64>) -> Told {
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let name = drill.name.clone();
    let Some(bug) = drill.world.planted_bug else {
        let sweep = sim::sweep(drill, seeds, jobs);
        let seed = sweep.failed.as_deref().map(|outcome: &Outcome| outcome.seed);
        return Told { drill: name, text: sweep.to_string(), passed: sweep.passed, seed, held: sweep.holds() };
    };
    let most = seeds.end;
    let found = bug.shows_as().iter().filter_map(|kind| sim::seeds_to_find(drill, *kind, seeds.clone(), jobs));
    match found.min_by_key(|found| found.seeds) {
        Some(found) => {
            let text = format!("{name}: found after {} seeds", found.seeds);
            Told { drill: name, text, passed: found.seeds - 1, seed: Some(found.outcome.seed), held: true }
        }
        None => {
            let text = format!("{name}: NOT FOUND in {most} seeds");
            Told { drill: name, text, passed: most, seed: None, held: false }
        }
    }
}

fn table(all: &[Told]) -> String {
    let width = all.iter().map(|told| told.drill.len()).max().unwrap_or(0).max("drill".len());
    let mut text = format!("{:width$}  seeds held  decided by seed\n", "drill");
    for told in all {
        let seed = told.seed.map_or_else(|| "-".to_owned(), |seed| seed.to_string());
        let _ = writeln!(text, "{:width$}  {:>10}  {seed}", told.drill, told.passed);
    }
    text
}
