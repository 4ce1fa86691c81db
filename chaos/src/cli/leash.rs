//! `chaos leash`, through which a drill runs its commands: one that is under way ends when the drill is killed, so that
//! it does nothing after its undo.

use std::process::Stdio;

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::getpgrp;
use tokio::process::Command;

use super::output::{Exit, Stop};

/// Run a command that is killed when standard input ends
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(super) struct Args {
    /// Program and arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    argv: Vec<String>,
}

/// Does not come back: it ends as the command does.
pub(super) async fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut command = Command::new(&args.argv[0]);
    let mut child = command.args(&args.argv[1..]).stdin(Stdio::null()).spawn().with_context(|| args.argv[0].clone())?;
    let mut owner = tokio::io::stdin();
    let status = tokio::select! {
        status = child.wait() => status?,
        _ = async { tokio::io::copy(&mut owner, &mut tokio::io::sink()).await } => {
            // The drill made a group of this process and what it starts; it is in there itself.
            killpg(getpgrp(), Signal::SIGKILL)?;
            return Err(Stop::refused("the drill has died"));
        }
    };
    // Standard input is read by a thread that nothing ends.
    std::process::exit(status.code().unwrap_or(i32::from(u8::MAX)))
}
