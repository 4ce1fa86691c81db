//! `topology plan`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use scheduler_client::wire::PlanAnswer;
use topology::config::Engine;
use topology::plan::Plan as Difference;

use super::file;
use super::server::Server;
use crate::cli::{Plan, ServerArgs};
use crate::exit::{Exit, Stop};
use crate::output::{Output, table};

pub(super) fn run(args: &Plan, output: &mut Output) -> anyhow::Result<Exit> {
    let differs = match &args.files[..] {
        [old, new] => between(old, new, output)?,
        [new] if !args.server.is_empty() => against(new, args, output)?,
        _ => return Err(Stop::usage("plan needs OLD and NEW, or NEW and --server URL")),
    };
    Ok(match differs {
        Ok(differs) if differs && args.detailed_exitcode => Exit::Finding,
        Ok(_) => Exit::Ok,
        Err(exit) => exit,
    })
}

/// Whether two files differ, or how the command ends.
fn between(old: &Path, new: &Path, output: &mut Output) -> anyhow::Result<Result<bool, Exit>> {
    let old = match file::load(old, Engine::default(), output)? {
        Ok(parsed) => parsed.topology,
        Err(exit) => return Ok(Err(exit)),
    };
    let new = match file::load(new, Engine::default(), output)? {
        Ok(parsed) => parsed.topology,
        Err(exit) => return Ok(Err(exit)),
    };
    let plan = topology::plan::plan(&old, &new);
    output.result(&plan, || plan.render())?;
    Ok(Ok(!plan.is_empty()))
}

/// Whether a file differs from what is in force, or how the command ends.
fn against(new: &Path, args: &Plan, output: &mut Output) -> anyhow::Result<Result<bool, Exit>> {
    let text = file::read(new)?;
    if let Err(exit) = file::check(&text, new, output)? {
        return Ok(Err(exit));
    }
    let server = Server::new(&ServerArgs { server: args.server.clone(), token: args.token.clone() })?;
    let answer = server.get(server.client.plan_topology(&text))?;
    let plan: Difference =
        serde_json::from_value(answer.plan.clone()).context("the scheduler's plan is not readable")?;
    output.result(&answer, || told(&plan, &answer, new))?;
    Ok(Ok(!plan.is_empty()))
}

fn told(plan: &Difference, answer: &PlanAnswer, file: &Path) -> String {
    let mut out = plan.render();
    if !answer.missions.is_empty() {
        let rows = answer
            .missions
            .iter()
            .map(|held| vec![held.pool.to_string(), held.queued.to_string(), held.leased.to_string()]);
        let _ = writeln!(out, "\nMissions of these pools\n{}", table(&["POOL", "QUEUED", "LEASED"], rows));
    }
    for reason in &answer.refused {
        let _ = write!(out, "\nApply will refuse this: {reason}");
    }
    // A home that still holds rows cannot be waited away by a drain.
    if answer.refused.iter().any(|reason| !reason.starts_with("home_in_use")) {
        out.push_str("\n--drain lets missions finish or move first\n");
    }
    let _ = writeln!(out, "\nCheck index: {}", answer.base_version);
    if !plan.is_empty() {
        let _ = writeln!(out, "To apply: topology apply {} --check-index {}", file.display(), answer.base_version);
    }
    out
}
