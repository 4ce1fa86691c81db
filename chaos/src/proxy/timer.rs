//! Waiting for an instant that may never come.

use tokio::time::Instant;

/// Waits until then; for ever where there is no then.
pub(super) async fn at(then: Option<Instant>) {
    match then {
        // A timer whose time has come fires a moment later all the same.
        Some(then) if then <= Instant::now() => {}
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}
