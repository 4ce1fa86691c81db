//! The program `scheduler` with one bug that is planted on purpose, see `scheduler::planted`. For drills alone.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use scheduler::cli::{Cli, run};
use scheduler::planted::{VARIABLE, plant, version};

fn main() -> ExitCode {
    if let Err(error) = plant(&std::env::var(VARIABLE).unwrap_or_default()) {
        // Nobody is left to tell.
        let _ = writeln!(std::io::stderr(), "scheduler-with-bugs: {error}");
        return ExitCode::from(2);
    }
    let matches = Cli::command().name("scheduler-with-bugs").version(version()).get_matches();
    run(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}
