//! What came of the runs, for people and for machines.

use std::io::{BufWriter, Write};
use std::path::Path;

use scheduler_client::wire::MemoryHitRate;
use serde::Serialize;
use serde_json::json;

use crate::Args;
use crate::figures::{Figure, lift, share};
use crate::run::{Outcome, Told};

/// All figures of a measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    missions: usize,
    causes: usize,
    seed: u64,
    space: String,
    /// Of repeats with memory: something of the same cause is shown.
    hits: Option<Figure>,
    /// The same, of those told in words that nobody used before.
    hits_in_new_words: Option<Figure>,
    /// Of new causes with memory: nothing is shown.
    nothing_for_new: Option<Figure>,
    /// Part of the time that the pools with memory save.
    lift: Option<Figure>,
    /// The same, of repeats alone.
    lift_of_repeats: Option<Figure>,
    /// Of repeats with memory: the right solution is offered at once.
    at_once: Option<Figure>,
    /// Of all with memory: a wrong one is.
    wrong_at_once: Option<Figure>,
    /// The lift where agents are shown memories of any missions.
    control: Option<Figure>,
    /// What the system itself counts.
    hit_rate: MemoryHitRate,
}

impl Report {
    pub(crate) fn new(args: &Args, told: &Told, control: Option<&Told>) -> Self {
        let with: Vec<&Outcome> = told.outcomes.iter().filter(|one| one.with_memory).collect();
        let repeats = || with.iter().filter(|one| one.is_repeat);
        let is_hit = |one: &&&Outcome| one.worked.shown.contains(&one.cause);
        let is_right = |one: &&&Outcome| one.worked.offered == Some(one.cause);
        Self {
            missions: args.missions,
            causes: args.causes,
            seed: args.seed,
            space: args.embeddings.clone(),
            hits: share(repeats().map(|one| is_hit(&one))),
            hits_in_new_words: share(repeats().filter(|one| !one.in_known_words).map(|one| is_hit(&one))),
            nothing_for_new: share(with.iter().filter(|one| !one.is_repeat).map(|one| one.worked.shown.is_empty())),
            lift: saved(told.outcomes.iter()),
            lift_of_repeats: saved(told.outcomes.iter().filter(|one| one.is_repeat)),
            at_once: share(repeats().map(|one| is_right(&one))),
            wrong_at_once: share(with.iter().map(|one| one.worked.offered.is_some_and(|cause| cause != one.cause))),
            control: control.and_then(|control| saved(control.outcomes.iter())),
            hit_rate: told.hit_rate.clone(),
        }
    }

    pub(crate) fn print(&self, mut out: impl Write, json: bool) -> anyhow::Result<()> {
        if json {
            writeln!(out, "{}", serde_json::to_string_pretty(self)?)?;
            return Ok(());
        }
        let Self { missions, causes, seed, space, .. } = self;
        writeln!(out, "{missions} missions over {causes} hidden causes, seed {seed}, space {space}\n")?;
        for (name, goal, figure) in [
            ("repeats that are shown the same cause", "at least 0.70", self.hits),
            ("  those told in words that nobody used before", "", self.hits_in_new_words),
            ("new causes that are shown nothing", "at least 0.70", self.nothing_for_new),
            ("time saved by pools with memory", "above 0", self.lift),
            ("  by repeats alone", "", self.lift_of_repeats),
            ("repeats resolved at once from a pattern", "0.50", self.at_once),
            ("wrongly", "at most 0.02", self.wrong_at_once),
            ("control: time saved with recall shuffled", "none", self.control),
        ] {
            let told = figure.map_or_else(|| "-".to_owned(), told);
            writeln!(out, "{name:<48} {told:<34} {goal}")?;
        }
        let rate = &self.hit_rate;
        writeln!(
            out,
            "\n{} memories helped another specialization, {} specializations were helped (goal 5)",
            rate.helped_others, rate.specializations_helped
        )?;
        let own = rate.lift.map_or_else(|| "-".to_owned(), |lift| format!("{lift:.3}"));
        writeln!(out, "the system's own count, lease to end: {own} of the time saved")?;
        Ok(())
    }
}

fn told(figure: Figure) -> String {
    let Figure { value, low, high, n } = figure;
    format!("{value:.3} [{low:.3}, {high:.3}] of {n}")
}

fn saved<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Option<Figure> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for one in outcomes {
        let arm = if one.with_memory { &mut with } else { &mut without };
        arm.push(one.worked.took.as_secs_f64());
    }
    lift(&with, &without)
}

/// Every mission as a line, in the order in which they were submitted.
pub(crate) fn log(file: &Path, told: &Told) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    for one in &told.outcomes {
        let line = json!({
            "mission": one.worked.mission, "cause": one.cause, "with_memory": one.with_memory,
            "is_repeat": one.is_repeat, "in_known_words": one.in_known_words, "shown": one.worked.shown,
            "offered": one.worked.offered, "seconds": one.worked.took.as_secs_f64(), "found": one.found,
        });
        serde_json::to_writer(&mut out, &line)?;
        writeln!(out)?;
    }
    Ok(out.flush()?)
}
