//! The program `scheduler`.

use std::process::ExitCode;

use clap::Parser as _;
use scheduler::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse())
}
