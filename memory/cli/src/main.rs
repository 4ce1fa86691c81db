//! The program `memory`: searches, imports, exports and checks what agents learned.

mod cli;
mod import;
mod output;
mod reembed;
mod rows;
mod tell;

use std::process::ExitCode;

use clap::Parser as _;

use crate::output::Exit;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return if error.print().is_err() { Exit::Broken.into() } else { exit.into() };
        }
    };
    let format = cli.format;
    match cli.run().await {
        Ok(exit) => exit.into(),
        Err(error) => output::report(&error, format).into(),
    }
}
