//! The proxy as a value: it serves from its start until it is dropped.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::control::Control;
use super::routes;
use super::table::Table;

/// Why a proxy cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can be reached from other machines.
    #[error("{0} is not a loopback address: the proxy serves this machine only")]
    NotLoopback(SocketAddr),
    /// The port cannot be bound.
    #[error("nothing can listen on {address}")]
    NoPort {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A running proxy. When it is dropped, all its links close.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    table: Arc<Table>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Starts a proxy without links; its control API listens here. Port 0 = any that is free.
    ///
    /// # Errors
    /// Where the address is not on loopback or cannot be bound.
    pub async fn start(control: SocketAddr) -> Result<Self, StartError> {
        if !control.ip().is_loopback() {
            return Err(StartError::NotLoopback(control));
        }
        let no_port = |source| StartError::NoPort { address: control, source };
        let listener = TcpListener::bind(control).await.map_err(no_port)?;
        let address = listener.local_addr().map_err(no_port)?;
        let table = Arc::new(Table::default());
        let mut tasks = JoinSet::new();
        let router = routes::router(Arc::clone(&table));
        // Serving never fails: what cannot be accepted now is accepted later.
        tasks.spawn(async move { drop(axum::serve(listener, router).await) });
        let owners = Arc::clone(&table);
        tasks.spawn(async move { owners.watch_owners().await });
        Ok(Self { address, table, _tasks: tasks })
    }

    /// Where the control API listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Open control connections keep the table.
        self.table.close();
    }
}
