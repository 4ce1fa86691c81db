//! `region-agent`: see the library's documentation.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use region_agent::agent::{Agent, Wish};
use region_agent::clock::Clock;
use region_agent::config::{self, Config, RunArgs};
use region_agent::{health, supervisor};
use telemetry::LogFormat;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long an agent whose standard input has ended lets its missions run.
const GRACE_WITHOUT_INPUT: Duration = Duration::from_secs(2);

/// Runs the missions of one region
#[derive(Parser)]
#[command(name = "region-agent", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve pools of a region until SIGTERM or Ctrl-C; a second one hands back at once
    Run {
        #[command(flatten)]
        args: Box<RunArgs>,
        /// How logs look
        #[arg(long, env = "MERIDIAN_LOG_FORMAT", value_enum, default_value_t)]
        log_format: LogFormat,
        /// Hand back and end when standard input ends; for whoever starts the agent and may die
        #[arg(long, hide = true)]
        stop_on_eof: bool,
    },
    /// Stands between the agent and one runner; started by the agent only
    #[command(hide = true)]
    Supervise,
    /// Becomes the runner; started by the supervisor only
    #[command(hide = true)]
    ExecRunner {
        /// The process that must be the parent
        supervisor: i32,
        /// Program and arguments
        #[arg(last = true)]
        argv: Vec<String>,
    },
}

fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Run { args, log_format, stop_on_eof } => run(*args, log_format, stop_on_eof),
        Verb::Supervise => finish(runtime(false).and_then(|runtime| {
            let result = runtime.block_on(supervisor::run());
            // A task that still writes to an agent that does not read must not keep the process.
            runtime.shutdown_background();
            result
        })),
        Verb::ExecRunner { supervisor, argv } => {
            let error = supervisor::exec(supervisor, &argv);
            tell(&format!("cannot start {:?}: {error}", argv.first().map_or("", String::as_str)));
            ExitCode::from(127)
        }
    }
}

fn run(args: RunArgs, log_format: LogFormat, stop_on_eof: bool) -> ExitCode {
    let config = match config::load(args, &|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(mistakes) => {
            tell(&mistakes.to_string());
            return ExitCode::from(2);
        }
    };
    finish(runtime(true).and_then(|runtime| {
        let result = runtime.block_on(serve(config, log_format, stop_on_eof));
        runtime.shutdown_background();
        result
    }))
}

async fn serve(config: Config, log_format: LogFormat, stop_on_eof: bool) -> anyhow::Result<()> {
    let telemetry = telemetry::start("region-agent", log_format)?;
    let listen = config.listen;
    // Before the port answers: a signal that comes after must be heard.
    let wish = wishes(stop_on_eof)?;
    let agent = Agent::new(config, Clock::Machine)?;
    let bound = health::serve(agent.clone(), listen).await.with_context(|| format!("port {listen}"))?;
    tracing::info!(health = %bound, "started");
    agent.run(wish).await;
    tracing::info!("stopped");
    telemetry.stop();
    Ok(())
}

/// SIGTERM, SIGINT and, where asked for, the end of standard input as wishes: the first drains, the second hands back
/// at once. Without standard input nobody is there to send a second one: it comes by itself.
fn wishes(stop_on_eof: bool) -> anyhow::Result<watch::Receiver<Wish>> {
    let (sender, receiver) = watch::channel(Wish::Run);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (ended, mut eof) = watch::channel(false);
    if stop_on_eof {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            ended.send_replace(true);
            std::thread::park();
        });
    }
    tokio::spawn(async move {
        for wish in [Wish::Drain, Wish::Leave] {
            let alone = *eof.borrow();
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                Ok(()) = eof.changed() => {}
                () = tokio::time::sleep(GRACE_WITHOUT_INPUT), if alone => {}
            }
            sender.send_replace(wish);
        }
        // The wish stays: the receivers' `changed` would fail without a sender.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

fn runtime(many: bool) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = match many {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build().context("no runtime")
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("{error:#}"));
            ExitCode::from(3)
        }
    }
}

/// The one writer of this program, for what comes before and after the logs.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "region-agent: {text}");
}
