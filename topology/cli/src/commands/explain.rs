//! `topology explain`.

use crate::cli::Explain;
use crate::exit::Exit;
use crate::output::Output;

pub(super) fn run(_args: &Explain, _output: &mut Output) -> anyhow::Result<Exit> {
    todo!()
}
