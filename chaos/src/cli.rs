//! The command line: one module a command.

mod check;
mod clear;
mod drill;
mod guard;
mod leash;
mod list;
mod output;
mod proxy;
mod report;
mod schema;
mod state;
mod stop;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::{Exit, Format, Output};

/// Takes regions away on purpose, and proves what happened.
#[derive(Debug, Parser)]
#[command(version, about, after_help = output::EXIT_CODES)]
struct Cli {
    /// How results are written
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Drill(drill::Args),
    Check(check::Args),
    Stop(stop::Args),
    Clear(clear::Args),
    Guard(guard::Args),
    Proxy(proxy::Args),
    Report(report::Args),
    Leash(leash::Args),
    /// List the drills that come with the program
    List,
    /// Print the JSON Schema of drill files
    Schema,
    Validate(validate::Args),
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::of_clap(&error),
    };
    let mut output = Output::stdio(cli.format);
    let result = match cli.command {
        Command::Drill(args) => wait_for(drill::run(&args, &mut output)),
        Command::Check(args) => check::run(&args, &mut output),
        Command::Stop(args) => wait_for(stop::run(&args, &mut output)),
        Command::Clear(args) => clear::run(&args, &mut output),
        Command::Guard(args) => wait_for(guard::run(&args, &mut output)),
        Command::Proxy(args) => proxy::run(&args, &mut output),
        Command::Report(args) => report::run(&args, &mut output),
        Command::Leash(args) => wait_for(leash::run(&args)),
        Command::List => list::run(&mut output),
        Command::Schema => schema::run(&mut output),
        Command::Validate(args) => validate::run(&args, &mut output),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => output::report(&error, &mut output).into(),
    }
}

/// Runs a command that waits for others.
fn wait_for(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Runtime::new()?.block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
