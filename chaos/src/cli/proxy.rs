//! `chaos proxy`.

use std::net::SocketAddr;

use anyhow::Context as _;
use chaos::proxy::{Server, StartError};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::output::{Exit, Output, Stop};

const EXAMPLE: &str = "\
Example: a link in front of a server on port 5432, which is then cut in one direction for at most ten seconds.

  chaos proxy --control 127.0.0.1:7474 &
  curl -X PUT 127.0.0.1:7474/links -d '[{\"name\": \"db\", \"kind\": \"pgwire\",
    \"listen\": \"127.0.0.1:7475\", \"upstream\": \"127.0.0.1:5432\"}]'
  curl -X POST 127.0.0.1:7474/toxics -d '{\"owner\": \"me\", \"ttl_ms\": 10000, \"toxics\": [
    {\"name\": \"cut\", \"links\": [\"db\"], \"direction\": \"up\", \"toxic\": {\"toxic\": \"blackhole\"}}]}'
  curl -X POST 127.0.0.1:7474/owners/me/beat -d '{\"ttl_ms\": 10000}'    # ten seconds more
  curl 127.0.0.1:7474/links                                            # toxics, connections, bytes
  curl -X DELETE 127.0.0.1:7474/toxics/me/cut

Toxics, for one direction (up = to the server, down = to the client) or both:
  latency {ms, jitter_ms}   bandwidth {bytes_per_s}   stall   blackhole   slow_close {ms}
  half_open (up: the client is gone, down: the server)
For whole connections:
  reset {after_ms}   refuse
For links of kind http:
  answer {path, status, body}
For links of kind pgwire:
  statement {name, answer, share, seed}, name = the comment at the statement's beginning, or * for all that write;
    answer = serialization_failure, admin_shutdown or ambiguous (it commits, nobody hears of it)

Toxics of one call act from one instant on. They go when their owner is not heard for ttl_ms.";

/// Stand between processes and spoil their traffic: latency, cuts, resets, bad answers
///
/// Links and toxics are put over HTTP, on loopback only. It serves until SIGTERM or SIGINT; then all links close.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// Where the control API listens; port 0 = any that is free, told on standard output
    #[arg(long, default_value = "127.0.0.1:7474")]
    control: SocketAddr,
    /// Stop also when standard input ends, as it does when the process that started this one dies
    #[arg(long)]
    stop_on_eof: bool,
}

/// What is told once the proxy serves.
#[derive(Debug, Serialize)]
struct Serving {
    control: SocketAddr,
}

pub(super) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    let result = runtime.block_on(serve(args, output));
    // A thread may wait for standard input for ever.
    runtime.shutdown_background();
    result
}

async fn serve(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    // Before anybody is told: a signal that comes after must be heard.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let server = Server::start(args.control).await.map_err(|error| match error {
        StartError::NotLoopback(_) => Stop::usage(error.to_string()),
        StartError::NoPort { .. } => Stop::refused(format!("{:#}", anyhow::Error::from(error))),
    })?;
    let serving = Serving { control: server.address() };
    output.result(&serving, || format!("control API on http://{}", serving.control))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = end_of_input(), if args.stop_on_eof => {}
    }
    Ok(Exit::Ok)
}

/// Waits until standard input has ended.
async fn end_of_input() {
    // It fails where the runtime ends first.
    let _ = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())).await;
}
