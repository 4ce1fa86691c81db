//! `chaos drill` on a world of its own.

use std::path::PathBuf;

use chaos::drill::{Drill, preview};
use chaos::journal::{Journal, Verdict};
use chaos::local::{self, Engine, Options, Progress as Told, preview as targets};
use chaos::measure::word;
use chaos::registry::Registry;
use chaos::report;
use chaos::run::signals;
use uuid::Uuid;

use super::EngineArg;
use super::progress::Progress;
use crate::cli::output::{Exit, Output, Stop};

pub(super) async fn run(args: &super::Args, drill: &Drill, output: &mut Output) -> anyhow::Result<Exit> {
    if args.dry_run {
        let told = preview(drill, |step| targets(drill, step));
        output.result(&told, || told.to_string())?;
        return Ok(Exit::Ok);
    }
    let journal = carry_out(args, drill, output).await?;
    output.result(&journal, || report::summary(&journal))?;
    Ok(exit(journal.verdict))
}

/// Carries one drill out and writes its report.
pub(super) async fn carry_out(args: &super::Args, drill: &Drill, output: &mut Output) -> anyhow::Result<Journal> {
    let asked = args.engine.map(|engine| match engine {
        EngineArg::Postgres => Engine::Postgres,
        EngineArg::Cockroach => Engine::Cockroach,
    });
    let engine = Engine::choose(asked).map_err(|error| Stop::refused(format!("{error:#}")))?;
    let (run, registry, folder) = place(args, drill, output)?;
    let progress = Progress::new(output);
    let hears = |told: Told<'_>| progress.tells(told);
    let program = std::env::current_exe()?;
    let options = Options { run: &run, folder: &folder, registry: &registry, program: &program, progress: &hears };
    local::drill(drill, engine, &options, signals()?).await
}

/// The name of a new run, where it is noted, and its folder; tells both.
pub(super) fn place(
    args: &super::Args,
    drill: &Drill,
    output: &mut Output,
) -> anyhow::Result<(String, Registry, PathBuf)> {
    let run = Uuid::new_v4().simple().to_string();
    let registry = args.state.registry();
    let folder = match &args.out {
        Some(folder) => folder.join(&drill.name),
        None => registry.folder_of(&run),
    };
    output.note(&format!("drill {}, run {run}, in {}", drill.name, folder.display()))?;
    Ok((run, registry, folder))
}

pub(super) const fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Pass => Exit::Ok,
        Verdict::Deviated | Verdict::Inconclusive => Exit::Finding,
        Verdict::Aborted => Exit::Aborted,
        Verdict::Broken => Exit::Broken,
    }
}

/// Carries several drills out, one after the other, and ends with one table.
pub(super) async fn run_all(args: &super::Args, drills: &[Drill], output: &mut Output) -> anyhow::Result<Exit> {
    let mut journals = Vec::new();
    for drill in drills {
        let journal = carry_out(args, drill, output).await?;
        if journal.verdict != Verdict::Pass && drill.world.planted_bug.is_none() {
            output.note(&report::summary(&journal))?;
        }
        let broken_off = journal.verdict == Verdict::Aborted;
        journals.push(journal);
        if broken_off {
            break;
        }
    }
    let bugs: Vec<Found> =
        drills.iter().zip(&journals).filter_map(|(drill, journal)| Found::of(drill, journal)).collect();
    output.result(&journals, || table(&journals, &bugs))?;
    let plain = drills.iter().zip(&journals).filter(|(drill, _)| drill.world.planted_bug.is_none());
    let verdicts = plain.map(|(_, journal)| journal.verdict);
    let good = verdicts.clone().all(|verdict| verdict == Verdict::Pass) && bugs.iter().all(|bug| bug.found);
    let broken_off = journals.iter().any(|journal| journal.verdict == Verdict::Aborted);
    Ok(match (good, broken_off) {
        (_, true) => Exit::Aborted,
        (true, false) => Exit::Ok,
        (false, false) => Exit::Finding,
    })
}

/// The drills without bugs, then those with.
fn table(journals: &[Journal], bugs: &[Found]) -> String {
    let is_bug = |journal: &&Journal| bugs.iter().any(|bug| bug.drill == journal.drill.name);
    let plain: Vec<&Journal> = journals.iter().filter(|journal| !is_bug(journal)).collect();
    let mut text = String::new();
    if !plain.is_empty() {
        let rows = plain.iter().map(|journal| report::row(journal));
        text.extend(std::iter::once(report::header()).chain(rows).map(|line| line + "\n"));
        text.push_str(&report::footnotes(plain));
    }
    if !bugs.is_empty() {
        let width = bugs.iter().map(|bug| bug.drill.len()).max().unwrap_or(0);
        text.push_str(&format!("{:width$}  must show as                  shown as\n", "planted bug"));
        text.extend(bugs.iter().map(|bug| format!("{:width$}  {:28}  {}\n", bug.drill, bug.wanted, bug.shown)));
    }
    text
}

/// What became of a planted bug.
struct Found {
    drill: String,
    wanted: String,
    shown: String,
    found: bool,
}

impl Found {
    /// None where the drill has no planted bug.
    fn of(drill: &Drill, journal: &Journal) -> Option<Self> {
        let wanted = drill.world.planted_bug?.shows_as();
        let found = journal.verdict == Verdict::Deviated && wanted.iter().any(|kind| journal.check.count(*kind) > 0);
        let shown = journal.check.anomalies.iter().filter(|(_, anomalies)| anomalies.count > 0);
        let shown: Vec<String> =
            shown.map(|(kind, anomalies)| format!("{} ({})", word(*kind), anomalies.count)).collect();
        let shown = if shown.is_empty() { format!("nothing ({:?})", journal.verdict) } else { shown.join(", ") };
        let mark = if found { "" } else { "NOT FOUND: " };
        Some(Self {
            drill: drill.name.clone(),
            wanted: wanted.iter().map(|kind| word(*kind)).collect::<Vec<_>>().join(" or "),
            shown: format!("{mark}{shown}"),
            found,
        })
    }
}
