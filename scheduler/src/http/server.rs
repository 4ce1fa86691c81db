//! The listening socket and its orderly end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::router;
use crate::state::App;

/// A running HTTP server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens; the port that the system chose where 0 was asked for.
    pub address: SocketAddr,
    stopping: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

/// Serves on a bound socket until [`Server::stop`].
///
/// # Errors
/// The socket has no address.
pub fn serve(listener: TcpListener, app: App) -> std::io::Result<Server> {
    let address = listener.local_addr()?;
    let stopping = app.stopping.clone();
    let stop = stopping.clone();
    let serving = axum::serve(listener, router(app)).with_graceful_shutdown(async move { stop.cancelled().await });
    Ok(Server { address, stopping, task: tokio::spawn(serving.into_future()) })
}

impl Server {
    /// Takes no new connection, gives open requests at most `bound`, and ends.
    pub async fn stop(mut self, bound: Duration) {
        self.stopping.cancel();
        if tokio::time::timeout(bound, &mut self.task).await.is_err() {
            tracing::warn!(bound_s = bound.as_secs(), "requests were still open when the time to stop was over");
            self.task.abort();
        }
    }
}
