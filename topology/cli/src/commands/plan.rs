//! `topology plan`.

use std::path::Path;

use topology::config::Engine;

use super::{file, server};
use crate::cli::Plan;
use crate::exit::{Exit, Stop};
use crate::output::Output;

pub(super) fn run(args: &Plan, output: &mut Output) -> anyhow::Result<Exit> {
    match &args.files[..] {
        [old, new] => between(old, new, args.detailed_exitcode, output),
        [new] if !args.server.is_empty() => server::plan(new, args, output),
        _ => Err(Stop::usage("plan needs OLD and NEW, or NEW and --server URL")),
    }
}

fn between(old: &Path, new: &Path, detailed: bool, output: &mut Output) -> anyhow::Result<Exit> {
    let old = match file::load(old, Engine::default(), output)? {
        Ok(parsed) => parsed.topology,
        Err(exit) => return Ok(exit),
    };
    let new = match file::load(new, Engine::default(), output)? {
        Ok(parsed) => parsed.topology,
        Err(exit) => return Ok(exit),
    };
    let plan = topology::plan::plan(&old, &new);
    output.result(&plan, || plan.render())?;
    Ok(if detailed && !plan.is_empty() { Exit::Finding } else { Exit::Ok })
}
