//! Ctrl-C and SIGTERM. Servers end in order by them; a command that waits for an answer gives up and says what it leaves.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Failure, Stop};

/// Ctrl-C and SIGTERM; while this lives they no longer end the process by themselves.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Runs a command to its end, or until a signal: then it is dropped where it waits, and the message says what that
/// leaves behind.
pub(crate) async fn unless_aborted(
    leaves: &str,
    command: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        // What is done is done, also where a signal came with it.
        biased;
        outcome = command => outcome,
        () = signals.asked() => {
            Err(Stop { failure: Failure::Aborted, message: format!("aborted: {leaves}") }.into())
        }
    }
}
