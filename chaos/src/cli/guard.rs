//! `chaos guard`, which a drill starts for itself.

use std::path::PathBuf;

use chaos::undo::guard::stand;

use super::output::{Exit, Output};

/// Stand guard over a drill: undo what is pending when it dies
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(super) struct Args {
    /// The undo log
    #[arg(long)]
    log: PathBuf,
    /// The drill lives as long as standard input goes on
    #[arg(long, required = true)]
    stdin: bool,
    /// Bearer token of an operator
    #[arg(long, env = "MERIDIAN_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

pub(super) async fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let rescued = stand(&args.log, tokio::io::stdin(), tokio::io::stdout(), args.token.as_deref()).await?;
    // Nobody reads standard output any more; standard error is a file beside the log.
    for step in &rescued.undone {
        output.note(&format!("undone: {step}"))?;
    }
    for (step, why) in &rescued.left {
        output.note(&format!("not undone: {step}: {why}"))?;
    }
    Ok(if rescued.left.is_empty() { Exit::Ok } else { Exit::Finding })
}
