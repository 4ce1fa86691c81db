//! `chaos clear`.

use serde_json::json;

use super::output::{Exit, Output};
use super::state::State;

/// Let drills begin again after `chaos stop`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    state: State,
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let cleared = args.state.registry().clear()?;
    let text = if cleared { "drills may begin again" } else { "drills were not stopped" };
    output.result(&json!({ "cleared": cleared }), || text.to_owned())?;
    Ok(Exit::Ok)
}
