//! Signals that break a drill off.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Catches SIGINT, SIGTERM and SIGHUP from now on; ends with the name of the first one. They stay caught, so that none
/// of them cuts an undo off.
///
/// # Errors
/// Where signals cannot be caught.
pub fn signals() -> io::Result<impl Future<Output = String>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = hangup.recv() => "SIGHUP",
        };
        format!("{name} came")
    })
}
