//! The commands, one module each.

mod apply;
pub(crate) mod derive;
mod explain;
mod file;
mod history;
mod plan;
mod schema;
mod server;
mod validate;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::output::Output;

/// Runs the chosen command.
pub(crate) fn run(cli: Cli, output: &mut Output) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Validate(args) => validate::run(&args, output),
        Command::Schema => schema::run(output),
        Command::Plan(args) => plan::run(&args, output),
        Command::Apply(args) => apply::apply(&args, output),
        Command::Status(args) => history::status(&args, output),
        Command::History(args) => history::history(&args, output),
        Command::Revert(args) => apply::revert(&args, output),
        Command::Explain(args) => explain::run(&args, output),
        Command::Derive(args) => derive::run(&args, output),
    }
}
