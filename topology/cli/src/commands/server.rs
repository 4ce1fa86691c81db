//! The commands that ask a scheduler.

use std::path::Path;

use crate::cli::{Apply, History, Plan, Revert, ServerArgs};
use crate::exit::Exit;
use crate::output::Output;

pub(super) fn plan(_new: &Path, _args: &Plan, _output: &mut Output) -> anyhow::Result<Exit> {
    todo!()
}

pub(super) fn apply(_args: &Apply, _output: &mut Output) -> anyhow::Result<Exit> {
    todo!()
}

pub(super) fn status(_args: &ServerArgs, _output: &mut Output) -> anyhow::Result<Exit> {
    todo!()
}

pub(super) fn history(_args: &History, _output: &mut Output) -> anyhow::Result<Exit> {
    todo!()
}

pub(super) fn revert(_args: &Revert, _output: &mut Output) -> anyhow::Result<Exit> {
    todo!()
}
