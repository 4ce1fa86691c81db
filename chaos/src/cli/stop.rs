//! `chaos stop`.

use std::time::Duration;

use chaos::registry::Registry;
use chaos::stop::{Error, How, Stopped, stop};

use super::output::{Exit, Output, Stop};
use super::state::State;

/// Break drills off, wait until they are undone, and let no new one begin
///
/// Works from another terminal. What a drill left whose process was killed is undone here. New drills are refused until
/// `chaos clear`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this run; the others go on
    #[arg(long)]
    run: Option<String>,
    /// How many seconds a drill may take to undo what it did
    #[arg(long, default_value_t = 300)]
    wait: u64,
    /// Bearer token of an operator, for what only an operator may undo
    #[arg(long, env = "MERIDIAN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    state: State,
}

pub(super) async fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let registry: Registry = args.state.registry();
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let patience = Duration::from_secs(args.wait);
    let mut told = Vec::new();
    let stopped = stop(&registry, args.run.as_deref(), &now, patience, args.token.as_deref(), |line| {
        told.push(output.note(line));
    })
    .await
    .map_err(|error| match error {
        Error::NoRun(_) => Stop::usage(error.to_string()),
        Error::Registry(error) => error.into(),
    })?;
    told.into_iter().collect::<anyhow::Result<()>>()?;
    output.result(&stopped, || text(&stopped))?;
    Ok(if stopped.iter().all(|one| one.left.is_empty()) { Exit::Ok } else { Exit::Finding })
}

fn text(stopped: &[Stopped]) -> String {
    let mut lines: Vec<String> = stopped.iter().flat_map(told).collect();
    if stopped.is_empty() {
        lines.push("no drill is going on".to_owned());
    }
    lines.push("no drill begins until `chaos clear`".to_owned());
    lines.join("\n")
}

fn told(one: &Stopped) -> Vec<String> {
    let how = match one.how {
        How::ByItself => "broke off",
        How::ForIt => "was dead",
        How::NotYet => "has not ended yet",
    };
    let undone = match one.undone.as_slice() {
        [] => "nothing had to be undone".to_owned(),
        steps => format!("undone: {}", steps.join(", ")),
    };
    let head = format!("run {} ({}) {how}; {undone}", one.run, one.drill);
    let left = one.left.iter().map(|(step, why)| format!("  not undone: {step}: {why}"));
    std::iter::once(head).chain(left).collect()
}
