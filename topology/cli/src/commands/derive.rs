//! `topology derive`.

use clap::Args;

use crate::exit::Exit;
use crate::output::Output;

/// `topology derive`.
#[derive(Debug, Args)]
pub(crate) struct Derive {}

/// Writes a topology for a world.
pub(super) fn run(_args: &Derive, _output: &mut Output) -> anyhow::Result<Exit> {
    todo!()
}
