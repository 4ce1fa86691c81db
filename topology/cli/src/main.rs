//! The program `topology`: checks, explains, compares and applies the file `topology.yaml`.

mod cli;
mod commands;
mod exit;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use crate::output::Output;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_clap(&error),
    };
    let mut output = Output::stdio(cli.format);
    match commands::run(cli, &mut output) {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error, &mut output).into(),
    }
}
